-- Identities are UUIDv7. Tenancy is in every key; jobs, executions and log_lines carry no foreign keys
-- (one costs 30 % of a bulk insert, and an insert would wait for whoever holds the queue's row): what a
-- job names is checked by the join of the insert.

CREATE TABLE organizations (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (char_length(name) BETWEEN 1 AND 100),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE projects (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations (id),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  config_version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (organization_id, name)
);

CREATE TABLE queues (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  description text,
  priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 9),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'closed')),
  settings text NOT NULL DEFAULT '{}',
  aging_us bigint NOT NULL CHECK (aging_us >= 0),
  is_ruled boolean NOT NULL DEFAULT false,
  max_concurrent_jobs integer CHECK (max_concurrent_jobs >= 1),
  rate_limit integer CHECK (rate_limit >= 1),
  dead_letter_queue_id uuid,
  paused_at timestamptz,
  paused_by text,
  pause_reason text,
  -- whether accepting has to look for a pause of a type, tag or key; kept with the rows of pauses
  project_has_pauses boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (project_id, name),
  UNIQUE (project_id, id),
  FOREIGN KEY (project_id, dead_letter_queue_id) REFERENCES queues (project_id, id),
  CHECK (dead_letter_queue_id IS DISTINCT FROM id),
  CHECK ((state = 'paused') = (paused_at IS NOT NULL)),
  CHECK (is_ruled OR (max_concurrent_jobs IS NULL AND rate_limit IS NULL))
);

-- Who claims from a queue with a rule locks its gate first, in a statement of its own.
CREATE TABLE queue_gates (
  queue_id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  FOREIGN KEY (project_id, queue_id) REFERENCES queues (project_id, id) ON DELETE CASCADE
);

-- How many jobs of a queue with a rate started in each second; written at its gate, so it needs no foreign key.
CREATE TABLE queue_starts (
  queue_id uuid NOT NULL,
  second bigint NOT NULL,
  project_id uuid NOT NULL,
  starts integer NOT NULL CHECK (starts >= 1),
  PRIMARY KEY (queue_id, second)
);

-- The catalogue: every task that a worker has registered or an application has declared.
CREATE TABLE tasks (
  project_id uuid NOT NULL REFERENCES projects (id),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  queue text NOT NULL,
  schema text,
  description text,
  options text,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (project_id, name)
);

-- What is not handed out, by whose word and why. Until `applied_at` some waiting jobs may not be held yet; from
-- `removed_at` it pauses nothing more, and the row goes when no job is held for it: recovery ends what was begun.
CREATE TABLE pauses (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id),
  kind text NOT NULL CHECK (kind IN ('type', 'tag', 'key', 'breaker')),
  value text NOT NULL CHECK (char_length(value) BETWEEN 1 AND 200),
  reason text,
  paused_by text,
  created_at timestamptz NOT NULL,
  applied_at timestamptz,
  removed_at timestamptz,
  UNIQUE (project_id, kind, value)
);

-- THE rule: why a waiting job may not be claimed, NULL when it may. The statements that make a job wait call it, or
-- say in short what it says where the project has no pause.
CREATE FUNCTION taskforge_hold(
  project uuid, type text, job_tags jsonb, job_keys text[], concurrency_key text, lost integer
) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN CASE
    WHEN NOT EXISTS (SELECT 1 FROM tasks k WHERE k.project_id = project AND k.name = type) THEN 'no_worker'
    -- each found by its value: a project may have hundreds
    WHEN EXISTS (
      SELECT 1 FROM pauses p WHERE p.project_id = project AND p.kind IN ('type', 'breaker') AND p.value = type
        AND p.removed_at IS NULL
    ) OR job_keys IS NOT NULL AND EXISTS (
      SELECT 1 FROM pauses p WHERE p.project_id = project AND p.kind = 'key' AND p.value = ANY (job_keys)
        AND p.removed_at IS NULL
    ) OR job_tags IS NOT NULL AND EXISTS (
      SELECT 1 FROM pauses p WHERE p.project_id = project AND p.kind = 'tag' AND job_tags @> to_jsonb(p.value)
        AND p.removed_at IS NULL
    ) THEN 'paused'
    -- it stands in line; whoever gives the places of the key lets it go
    WHEN concurrency_key IS NOT NULL THEN 'key'
    WHEN lost > 0 THEN 'suspect'
  END;
END
$$;

-- One row an incarnation: a restarted process is another worker of the same name. One that was stopped because it
-- was silent has been given up, and comes back when it beats. After suspect_lost_at its other jobs are not blamed.
CREATE TABLE workers (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  type text NOT NULL CHECK (type IN ('general', 'specialized_cpu', 'specialized_io', 'specialized_gpu')),
  capabilities text NOT NULL,
  max_concurrent_jobs integer NOT NULL CHECK (max_concurrent_jobs BETWEEN 1 AND 1000),
  queues text NOT NULL,
  job_types text NOT NULL,
  host text NOT NULL,
  machine text NOT NULL,
  pid integer NOT NULL,
  process_started text NOT NULL,
  version text NOT NULL,
  last_heartbeat timestamptz NOT NULL,
  drain_requested_at timestamptz,
  stopped_at timestamptz,
  given_up_at timestamptz,
  suspect_lost_at timestamptz,
  incidents text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX workers_present ON workers (project_id, name) WHERE stopped_at IS NULL;

-- The invariants of a job, as one function: PostgreSQL reads and prepares every CHECK expression anew for each
-- statement, and sixteen of them cost a single insert more than the insert itself.
CREATE FUNCTION taskforge_job_is_sound(
  status text, hold text, failure text, job_type text, priority smallint, max_attempts integer, timeout_ms bigint,
  least_counter integer, execution_id uuid, worker_id uuid, claimed_at timestamptz, lease_until timestamptz,
  cancel_requested_at timestamptz, scheduled_for timestamptz, completed_at timestamptz, dead_letter_queue_id uuid,
  dead_lettered_at timestamptz, concurrency_limit integer
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN CASE
    WHEN status IN ('pending', 'scheduled') THEN lease_until IS NULL AND completed_at IS NULL
      AND (status = 'pending' OR scheduled_for IS NOT NULL)
      AND (hold IS NULL OR hold IN ('no_worker', 'paused', 'suspect', 'key'))
    WHEN status = 'processing' THEN lease_until IS NOT NULL AND execution_id IS NOT NULL AND worker_id IS NOT NULL
      AND claimed_at IS NOT NULL AND completed_at IS NULL AND hold IS NULL
    WHEN status IN ('succeeded', 'failed', 'cancelled') THEN lease_until IS NULL AND completed_at IS NOT NULL
      AND hold IS NULL
    ELSE false
  END
    AND (hold IS DISTINCT FROM 'key' OR concurrency_limit IS NOT NULL)
    AND (concurrency_limit IS NULL OR concurrency_limit >= 1)
    AND (cancel_requested_at IS NULL OR status = 'processing')
    AND (dead_letter_queue_id IS NULL) = (dead_lettered_at IS NULL)
    AND (dead_letter_queue_id IS NULL OR status = 'failed')
    AND (failure IS NULL OR failure IN ('queue_timeout', 'deadline', 'queue_full'))
    AND priority BETWEEN 0 AND 9 AND least_counter >= 0 AND (max_attempts IS NULL OR max_attempts >= 1)
    AND (timeout_ms IS NULL OR timeout_ms >= 1) AND char_length(job_type) BETWEEN 1 AND 100;
END
$$;

CREATE TABLE jobs (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  queue_id uuid NOT NULL,
  job_type text NOT NULL,
  payload json NOT NULL,
  status text NOT NULL,
  hold text,
  rank bigint NOT NULL,
  priority smallint NOT NULL,
  max_attempts integer,
  retry_policy text,
  timeout_ms bigint,
  attempt_count integer NOT NULL DEFAULT 0,
  losses integer NOT NULL DEFAULT 0,
  manual_retries integer NOT NULL DEFAULT 0,
  claim_seq bigint NOT NULL DEFAULT 0,
  execution_id uuid,
  worker_id uuid,
  claimed_at timestamptz,
  started_at timestamptz,
  heartbeat_at timestamptz,
  lease_until timestamptz,
  cancel_requested_at timestamptz,
  scheduled_for timestamptz,
  expires_at timestamptz,
  deadline timestamptz,
  waits_until timestamptz,
  tags jsonb,
  key text,
  concurrency_key text,
  concurrency_limit integer,
  failure text,
  state text,
  progress text,
  dead_letter_queue_id uuid,
  dead_lettered_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  completed_at timestamptz,
  CONSTRAINT job_is_sound CHECK (taskforge_job_is_sound(
    status, hold, failure, job_type, priority, max_attempts, timeout_ms, least(attempt_count, losses, manual_retries),
    execution_id, worker_id, claimed_at, lease_until, cancel_requested_at, scheduled_for, completed_at,
    dead_letter_queue_id, dead_lettered_at, concurrency_limit
  ))
) WITH (fillfactor = 85, vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX jobs_ready ON jobs (queue_id, rank, id) WHERE status = 'pending' AND hold IS NULL;
CREATE INDEX jobs_by_hold ON jobs (project_id, hold, job_type, id) WHERE hold IS NOT NULL;
-- suspects in the order in which they are claimed, and whatever else is held
CREATE INDEX jobs_held ON jobs (queue_id, hold, rank, id) WHERE status = 'pending' AND hold IS NOT NULL;
-- lists of what waits, newest first. The fence is never negative: only the list says so, for a claim that took this index, being
-- the smaller one, would have to sort
CREATE INDEX jobs_waiting ON jobs (queue_id, id) WHERE status = 'pending' AND claim_seq >= 0;
CREATE INDEX jobs_scheduled ON jobs (queue_id, scheduled_for) WHERE status = 'scheduled';
-- not on lease_until: a beat that changes no indexed column stays on its page
CREATE INDEX jobs_processing ON jobs (queue_id) WHERE status = 'processing';
CREATE INDEX jobs_waits_until ON jobs (waits_until) WHERE status IN ('pending', 'scheduled') AND waits_until IS NOT NULL;
CREATE INDEX jobs_failed ON jobs (queue_id, status, id) WHERE status IN ('failed', 'cancelled');
CREATE INDEX jobs_succeeded ON jobs (queue_id, id) WHERE status = 'succeeded';
CREATE INDEX jobs_dead_letters ON jobs (dead_letter_queue_id, id) WHERE dead_letter_queue_id IS NOT NULL;
CREATE INDEX jobs_tags ON jobs USING gin (tags jsonb_path_ops) WHERE tags IS NOT NULL;
-- these five hold keyed jobs only; a key is taken by one unfinished job at most
CREATE UNIQUE INDEX jobs_key_taken ON jobs (project_id, job_type, key)
  WHERE key IS NOT NULL AND status IN ('pending', 'scheduled', 'processing');
CREATE INDEX jobs_keyed ON jobs (project_id, job_type, key, created_at) WHERE key IS NOT NULL;
CREATE INDEX jobs_key_waiting ON jobs (project_id, concurrency_key, rank, id)
  WHERE concurrency_key IS NOT NULL AND status = 'pending' AND hold = 'key';
CREATE INDEX jobs_key_places ON jobs (project_id, concurrency_key)
  WHERE concurrency_key IS NOT NULL AND status IN ('pending', 'processing') AND (hold IS NULL OR hold = 'suspect');
-- IS TRUE, and a rank: for the look whether a key has any, which asks for the first by rank. A planner that may choose reads all
-- that wait for one key, or, where one key has most of the jobs, the whole table for each key that has none
CREATE INDEX jobs_key_unfinished ON jobs (project_id, concurrency_key, rank)
  WHERE concurrency_key IS NOT NULL AND (status IN ('pending', 'scheduled', 'processing')) IS TRUE;

-- A concurrency key while it has unfinished jobs. Its row is locked by whoever gives places of the key.
-- Without a foreign key: each new key would lock the project's row.
CREATE TABLE concurrency_keys (
  project_id uuid NOT NULL,
  key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 200),
  places integer NOT NULL CHECK (places >= 1),
  PRIMARY KEY (project_id, key)
) WITH (vacuum_truncate = off);

CREATE FUNCTION taskforge_execution_is_sound(
  class text, status text, reason text, attempt_number integer, duration_us bigint
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN status IN ('succeeded', 'failed', 'cancelled', 'retry_scheduled', 'dead_letter')
    AND class IN ('kept', CASE WHEN status IN ('succeeded', 'cancelled') THEN status ELSE 'failed' END)
    AND (reason IS NULL OR reason IN ('error', 'timeout', 'worker_lost', 'snoozed', 'released', 'cancelled'))
    AND (status = 'succeeded') = (reason IS NULL)
    AND attempt_number >= 1 AND (duration_us IS NULL OR duration_us >= 0);
END
$$;

-- Written once, when an attempt ends; while it runs it is seen on the job's row. A class is partitioned by days of
-- the id, and a day is dropped whole; what a job that is still there needs of it goes to the class `kept` before.
CREATE TABLE executions (
  id uuid NOT NULL,
  job_id uuid NOT NULL,
  project_id uuid NOT NULL,
  queue_id uuid NOT NULL,
  job_type text NOT NULL,
  worker_id uuid,
  status text NOT NULL,
  reason text,
  attempt_number integer NOT NULL,
  claim_seq bigint NOT NULL,
  output text,
  error_type text,
  error_message text,
  traceback text,
  claimed_at timestamptz NOT NULL,
  started_at timestamptz,
  finished_at timestamptz NOT NULL,
  heartbeat_at timestamptz,
  duration_us bigint,
  class text NOT NULL,
  CONSTRAINT execution_is_sound CHECK (taskforge_execution_is_sound(class, status, reason, attempt_number, duration_us))
) PARTITION BY LIST (class);
CREATE TABLE executions_succeeded PARTITION OF executions (class DEFAULT 'succeeded', PRIMARY KEY (id))
  FOR VALUES IN ('succeeded') PARTITION BY RANGE (id);
CREATE TABLE executions_cancelled PARTITION OF executions (PRIMARY KEY (id))
  FOR VALUES IN ('cancelled') PARTITION BY RANGE (id);
CREATE TABLE executions_failed PARTITION OF executions (PRIMARY KEY (id))
  FOR VALUES IN ('failed') PARTITION BY RANGE (id);
CREATE TABLE executions_kept PARTITION OF executions (PRIMARY KEY (id)) FOR VALUES IN ('kept');
CREATE TABLE executions_succeeded_default PARTITION OF executions_succeeded DEFAULT;
CREATE TABLE executions_cancelled_default PARTITION OF executions_cancelled DEFAULT;
CREATE TABLE executions_failed_default PARTITION OF executions_failed DEFAULT;
-- not on those that succeeded: the job itself names its last execution, and no other can have succeeded
CREATE INDEX executions_of_job_cancelled ON executions_cancelled (job_id, id);
CREATE INDEX executions_of_job_failed ON executions_failed (job_id, id);
CREATE INDEX executions_of_job_kept ON executions_kept (job_id, id);

-- The executions that jobs have had; of a job that runs, the one that it has now is among them, and not yet stored.
CREATE FUNCTION taskforge_executions_of(project uuid, job_ids uuid[]) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT e.id FROM executions e
  WHERE e.class IN ('cancelled', 'failed', 'kept') AND e.project_id = project AND e.job_id = ANY (job_ids)
  UNION
  SELECT j.execution_id FROM jobs j
  WHERE j.project_id = project AND j.id = ANY (job_ids) AND j.execution_id IS NOT NULL
$$;

-- A line is written before anybody knows how its execution ends: all go to the first class. Those of executions that
-- did not succeed follow these when their day is dropped there.
CREATE TABLE log_lines (
  execution_id uuid NOT NULL,
  seq integer NOT NULL,
  level text NOT NULL CHECK (level IN ('trace', 'debug', 'info', 'warn', 'error')),
  message text NOT NULL CHECK (char_length(message) BETWEEN 1 AND 10000),
  metadata text,
  logged_at timestamptz NOT NULL,
  class text NOT NULL
) PARTITION BY LIST (class);
CREATE TABLE log_lines_succeeded PARTITION OF log_lines (class DEFAULT 'succeeded', PRIMARY KEY (execution_id, seq))
  FOR VALUES IN ('succeeded') PARTITION BY RANGE (execution_id);
CREATE TABLE log_lines_cancelled PARTITION OF log_lines (PRIMARY KEY (execution_id, seq))
  FOR VALUES IN ('cancelled') PARTITION BY RANGE (execution_id);
CREATE TABLE log_lines_failed PARTITION OF log_lines (PRIMARY KEY (execution_id, seq))
  FOR VALUES IN ('failed') PARTITION BY RANGE (execution_id);
CREATE TABLE log_lines_kept PARTITION OF log_lines (PRIMARY KEY (execution_id, seq)) FOR VALUES IN ('kept');
CREATE TABLE log_lines_succeeded_default PARTITION OF log_lines_succeeded DEFAULT;
CREATE TABLE log_lines_cancelled_default PARTITION OF log_lines_cancelled DEFAULT;
CREATE TABLE log_lines_failed_default PARTITION OF log_lines_failed DEFAULT;

-- The least UUIDv7 of a moment.
CREATE FUNCTION taskforge_least_id(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Makes the partitions of some days (UTC) that are not there yet; answers how many. Any number of processes may call
-- it. It attaches, which keeps nobody from writing; a day whose rows lie in the default partition stays there.
CREATE FUNCTION taskforge_make_partitions(first_day date, days integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  leaf text;
  day date;
  made integer := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(x'7461736b70617274'::bigint) THEN
    RETURN 0;  -- another process makes them
  END IF;
  PERFORM set_config('lock_timeout', '50ms', true);
  FOREACH parent IN ARRAY ARRAY['executions_succeeded', 'executions_cancelled', 'executions_failed',
      'log_lines_succeeded', 'log_lines_cancelled', 'log_lines_failed'] LOOP
    FOR number IN 0 .. days - 1 LOOP
      day := first_day + number;
      leaf := parent || to_char(day, '_YYYYMMDD');
      CONTINUE WHEN to_regclass(leaf) IS NOT NULL;
      BEGIN
        -- Rows are added, read, and dropped with their day, so pages are filled and not vacuumed while they fill: that
        -- would be dozens of times a day, for rows that nobody has changed. Statistics are gathered as ever.
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL) WITH (fillfactor = 100,
          autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_scale_factor = 0.2)', leaf, parent);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, leaf,
          taskforge_least_id(day::timestamp AT TIME ZONE 'UTC'),
          taskforge_least_id((day + 1)::timestamp AT TIME ZONE 'UTC'));
        made := made + 1;
      EXCEPTION WHEN check_violation OR lock_not_available THEN
        NULL;
      END;
    END LOOP;
  END LOOP;
  RETURN made;
END
$$;

-- Drops a partition, or says that it could not without making others wait: whoever writes to its class would have to
-- wait behind it, so it waits 25 ms at most.
CREATE FUNCTION taskforge_drop_partition(leaf text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('lock_timeout', '25ms', true);
  EXECUTE format('DROP TABLE IF EXISTS %I', leaf);
  RETURN true;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  RETURN false;
END
$$;

-- Work that one process at a time does for all, and when it is due; who takes it puts off the others.
CREATE TABLE chores (
  name text PRIMARY KEY,
  due_at timestamptz NOT NULL
);

INSERT INTO organizations (id, name) VALUES ('00000000-0000-7000-8000-000000000001', 'default');
INSERT INTO projects (id, organization_id, name)
  VALUES ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'default');

-- A statement that is planned while its table is empty keeps that plan when the table has grown (until the
-- next ANALYZE). On a table of a few pages a sequential scan always wins, so the tables that grow start
-- with some empty pages that are never given back (vacuum_truncate is off).
INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, rank, priority, created_at, updated_at, completed_at)
  SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'filler', to_json(repeat('x', 1500)), 'cancelled', 0, 0, now(), now(), now()
  FROM generate_series(1, 2000);
DELETE FROM jobs;
INSERT INTO concurrency_keys (project_id, key, places)
  SELECT gen_random_uuid(), repeat('x', 200), 1 FROM generate_series(1, 1000);
DELETE FROM concurrency_keys;
