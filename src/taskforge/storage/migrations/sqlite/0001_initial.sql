-- The same tables as on PostgreSQL. Identities are UUIDv7 as text, times are microseconds since 1970, JSON is text.
-- Tenancy is in every key; jobs, executions and log_lines carry no foreign keys
-- (one costs 30 % of a bulk insert, and an insert would wait for whoever holds the queue's row): what a
-- job names is checked by the join of the insert.
-- A CHECK with a list of more than two values makes a table in memory for it whenever a statement runs, which was half of
-- accepting a job: where that is often the list is written in twos.

CREATE TABLE organizations (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  updated_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER))
) STRICT;

CREATE TABLE projects (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  config_version INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  updated_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  UNIQUE (organization_id, name)
) STRICT;

CREATE TABLE queues (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  description TEXT,
  priority INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 9),
  state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'closed')),
  settings TEXT NOT NULL DEFAULT '{}',
  aging_us INTEGER NOT NULL CHECK (aging_us >= 0),
  is_ruled INTEGER NOT NULL DEFAULT 0 CHECK (is_ruled IN (0, 1)),
  max_concurrent_jobs INTEGER CHECK (max_concurrent_jobs >= 1),
  rate_limit INTEGER CHECK (rate_limit >= 1),
  dead_letter_queue_id TEXT,
  paused_at INTEGER,
  paused_by TEXT,
  pause_reason TEXT,
  -- whether accepting has to look for a pause of a type, tag or key; kept with the rows of pauses
  project_has_pauses INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  updated_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  UNIQUE (project_id, name),
  UNIQUE (project_id, id),
  FOREIGN KEY (project_id, dead_letter_queue_id) REFERENCES queues (project_id, id),
  CHECK (dead_letter_queue_id IS NOT id),
  CHECK ((state = 'paused') = (paused_at IS NOT NULL)),
  CHECK (is_ruled OR (max_concurrent_jobs IS NULL AND rate_limit IS NULL))
) STRICT;

-- Who claims from a queue with a rule locks its gate first, in a statement of its own. (Here whoever writes is alone.)
CREATE TABLE queue_gates (
  queue_id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL,
  FOREIGN KEY (project_id, queue_id) REFERENCES queues (project_id, id) ON DELETE CASCADE
) STRICT;

-- How many jobs of a queue with a rate started in each second; written at its gate, so it needs no foreign key.
CREATE TABLE queue_starts (
  queue_id TEXT NOT NULL,
  second INTEGER NOT NULL,
  project_id TEXT NOT NULL,
  starts INTEGER NOT NULL CHECK (starts >= 1),
  PRIMARY KEY (queue_id, second)
) STRICT, WITHOUT ROWID;

-- unique and complete, so that a claim over several queues reads them in their order without sorting
CREATE UNIQUE INDEX queues_in_order ON queues (project_id, priority DESC, id);

-- The catalogue: every task that a worker has registered or an application has declared.
CREATE TABLE tasks (
  project_id TEXT NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  queue TEXT NOT NULL,
  schema TEXT,
  description TEXT,
  options TEXT,
  updated_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  PRIMARY KEY (project_id, name)
) STRICT;

-- What is not handed out, by whose word and why. Until `applied_at` some waiting jobs may not be held yet; from
-- `removed_at` it pauses nothing more, and the row goes when no job is held for it: recovery ends what was begun.
CREATE TABLE pauses (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  kind TEXT NOT NULL CHECK (kind IN ('type', 'tag', 'key', 'breaker')),
  value TEXT NOT NULL CHECK (length(value) BETWEEN 1 AND 200),
  reason TEXT,
  paused_by TEXT,
  created_at INTEGER NOT NULL,
  applied_at INTEGER,
  removed_at INTEGER,
  UNIQUE (project_id, kind, value)
) STRICT;

-- One row an incarnation: a restarted process is another worker of the same name. One that was stopped because it
-- was silent has been given up, and comes back when it beats. After suspect_lost_at its other jobs are not blamed.
CREATE TABLE workers (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  type TEXT NOT NULL CHECK (type IN ('general', 'specialized_cpu', 'specialized_io', 'specialized_gpu')),
  capabilities TEXT NOT NULL,
  max_concurrent_jobs INTEGER NOT NULL CHECK (max_concurrent_jobs BETWEEN 1 AND 1000),
  queues TEXT NOT NULL,
  job_types TEXT NOT NULL,
  host TEXT NOT NULL,
  machine TEXT NOT NULL,
  pid INTEGER NOT NULL,
  process_started TEXT NOT NULL,
  version TEXT NOT NULL,
  last_heartbeat INTEGER NOT NULL,
  drain_requested_at INTEGER,
  stopped_at INTEGER,
  given_up_at INTEGER,
  suspect_lost_at INTEGER,
  incidents TEXT,
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  updated_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER))
) STRICT;
CREATE INDEX workers_present ON workers (project_id, name) WHERE stopped_at IS NULL;

CREATE TABLE jobs (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  job_type TEXT NOT NULL CHECK (length(job_type) BETWEEN 1 AND 100),
  payload TEXT NOT NULL,
  status TEXT NOT NULL CHECK (
    status IN ('pending', 'scheduled') OR status IN ('processing', 'succeeded') OR status IN ('failed', 'cancelled')
  ),
  hold TEXT CHECK (hold IN ('no_worker', 'paused') OR hold IN ('suspect', 'key')),
  rank INTEGER NOT NULL,
  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 9),
  max_attempts INTEGER CHECK (max_attempts >= 1),
  retry_policy TEXT,
  timeout_ms INTEGER CHECK (timeout_ms >= 1),
  attempt_count INTEGER NOT NULL DEFAULT 0 CHECK (attempt_count >= 0),
  losses INTEGER NOT NULL DEFAULT 0 CHECK (losses >= 0),
  manual_retries INTEGER NOT NULL DEFAULT 0 CHECK (manual_retries >= 0),
  claim_seq INTEGER NOT NULL DEFAULT 0,
  execution_id TEXT,
  worker_id TEXT,
  claimed_at INTEGER,
  started_at INTEGER,
  heartbeat_at INTEGER,
  lease_until INTEGER,
  cancel_requested_at INTEGER,
  scheduled_for INTEGER,
  expires_at INTEGER,
  deadline INTEGER,
  waits_until INTEGER,
  tags TEXT,
  key TEXT,
  concurrency_key TEXT,
  concurrency_limit INTEGER CHECK (concurrency_limit >= 1),
  failure TEXT CHECK (failure IN ('queue_timeout', 'deadline') OR failure IN ('queue_full')),
  state TEXT,
  progress TEXT,
  dead_letter_queue_id TEXT,
  dead_lettered_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  completed_at INTEGER,
  CONSTRAINT processing_has_an_owner CHECK (
    (status = 'processing') = (lease_until IS NOT NULL)
    AND (status <> 'processing' OR (execution_id IS NOT NULL AND worker_id IS NOT NULL AND claimed_at IS NOT NULL))
  ),
  CONSTRAINT finished_has_its_time CHECK (
    (status = 'succeeded' OR status IN ('failed', 'cancelled')) = (completed_at IS NOT NULL)
  ),
  CONSTRAINT scheduled_has_its_time CHECK (status <> 'scheduled' OR scheduled_for IS NOT NULL),
  CONSTRAINT only_pending_is_held CHECK (hold IS NULL OR status IN ('pending', 'scheduled')),
  CONSTRAINT only_keyed_waits_for_its_key CHECK (hold <> 'key' OR concurrency_limit IS NOT NULL),
  CONSTRAINT only_running_is_asked_to_stop CHECK (cancel_requested_at IS NULL OR status = 'processing'),
  CONSTRAINT dead_letter_is_failed CHECK (
    (dead_letter_queue_id IS NULL) = (dead_lettered_at IS NULL)
    AND (dead_letter_queue_id IS NULL OR status = 'failed')
  )
) STRICT;

CREATE INDEX jobs_ready ON jobs (queue_id, rank, id) WHERE status = 'pending' AND hold IS NULL;
CREATE INDEX jobs_suspect ON jobs (queue_id, rank, id) WHERE status = 'pending' AND hold = 'suspect';
CREATE INDEX jobs_by_hold ON jobs (project_id, hold, job_type, id) WHERE hold IS NOT NULL;
CREATE INDEX jobs_held ON jobs (queue_id, id) WHERE status = 'pending' AND hold IS NOT NULL;
CREATE INDEX jobs_scheduled ON jobs (queue_id, scheduled_for) WHERE status = 'scheduled';
-- not on lease_until: a beat that changes no indexed column stays on its page
CREATE INDEX jobs_processing ON jobs (queue_id) WHERE status = 'processing';
CREATE INDEX jobs_waits_until ON jobs (waits_until) WHERE status IN ('pending', 'scheduled') AND waits_until IS NOT NULL;
CREATE INDEX jobs_failed ON jobs (queue_id, status, id) WHERE status IN ('failed', 'cancelled');
CREATE INDEX jobs_succeeded ON jobs (queue_id, id) WHERE status = 'succeeded';
CREATE INDEX jobs_dead_letters ON jobs (dead_letter_queue_id, id) WHERE dead_letter_queue_id IS NOT NULL;
-- these five hold keyed jobs only; a key is taken by one unfinished job at most
CREATE UNIQUE INDEX jobs_key_taken ON jobs (project_id, job_type, key)
  WHERE key IS NOT NULL AND status IN ('pending', 'scheduled', 'processing');
CREATE INDEX jobs_keyed ON jobs (project_id, job_type, key, created_at) WHERE key IS NOT NULL;
CREATE INDEX jobs_key_waiting ON jobs (project_id, concurrency_key, rank, id)
  WHERE concurrency_key IS NOT NULL AND status = 'pending' AND hold = 'key';
CREATE INDEX jobs_key_places ON jobs (project_id, concurrency_key)
  WHERE concurrency_key IS NOT NULL AND status IN ('pending', 'processing') AND (hold IS NULL OR hold = 'suspect');
CREATE INDEX jobs_key_unfinished ON jobs (project_id, concurrency_key)
  WHERE concurrency_key IS NOT NULL AND status IN ('pending', 'scheduled', 'processing');

-- A concurrency key while it has unfinished jobs. Its row is locked by whoever gives places of the key.
-- Without a foreign key: each new key would lock the project's row.
CREATE TABLE concurrency_keys (
  project_id TEXT NOT NULL,
  key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
  places INTEGER NOT NULL CHECK (places >= 1),
  PRIMARY KEY (project_id, key)
) STRICT;

-- THE rule: why a waiting job may not be claimed, NULL when it may. The statements that make a job wait ask it, or
-- say in short what it says where the project has no pause.
CREATE VIEW job_holds AS
SELECT j.id, CASE
  WHEN NOT EXISTS (SELECT 1 FROM tasks k WHERE k.project_id = j.project_id AND k.name = j.job_type) THEN 'no_worker'
  -- each found by its value: a project may have hundreds
  WHEN EXISTS (
    SELECT 1 FROM pauses p WHERE p.project_id = j.project_id AND p.kind IN ('type', 'breaker')
      AND p.value = j.job_type AND p.removed_at IS NULL
  ) OR EXISTS (
    SELECT 1 FROM pauses p WHERE p.project_id = j.project_id AND p.kind = 'key'
      AND p.value IN (j.key, j.concurrency_key) AND p.removed_at IS NULL
  ) OR j.tags IS NOT NULL AND EXISTS (
    SELECT 1 FROM pauses p WHERE p.project_id = j.project_id AND p.kind = 'tag'
      AND p.value IN (SELECT value FROM json_each(j.tags)) AND p.removed_at IS NULL
  ) THEN 'paused'
  -- it stands in line; whoever gives the places of the key lets it go
  WHEN j.concurrency_key IS NOT NULL THEN 'key'
  WHEN j.losses > 0 THEN 'suspect'
END AS hold
FROM jobs j;

-- A job is accepted as 'paused' where the project has any pause, and the rule says whether it is one of these.
CREATE TRIGGER jobs_accepted_while_paused AFTER INSERT ON jobs WHEN NEW.hold = 'paused' BEGIN
  UPDATE jobs SET hold = (SELECT h.hold FROM job_holds h WHERE h.id = NEW.id) WHERE id = NEW.id;
END;

-- Written once, when an attempt ends; while it runs it is seen on the job's row.
CREATE TABLE executions (
  id TEXT NOT NULL PRIMARY KEY,
  job_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  job_type TEXT NOT NULL,
  worker_id TEXT,
  status TEXT NOT NULL CHECK (
    status IN ('succeeded', 'failed') OR status IN ('cancelled', 'retry_scheduled') OR status IN ('dead_letter')
  ),
  reason TEXT CHECK (
    reason IN ('error', 'timeout') OR reason IN ('worker_lost', 'snoozed') OR reason IN ('released', 'cancelled')
  ),
  attempt_number INTEGER NOT NULL CHECK (attempt_number >= 1),
  claim_seq INTEGER NOT NULL,
  output TEXT,
  error_type TEXT,
  error_message TEXT,
  traceback TEXT,
  claimed_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER NOT NULL,
  heartbeat_at INTEGER,
  duration_us INTEGER CHECK (duration_us >= 0),
  CONSTRAINT a_reason_unless_succeeded CHECK ((status = 'succeeded') = (reason IS NULL))
) STRICT;
CREATE INDEX executions_of_job ON executions (job_id, id);

CREATE TABLE log_lines (
  execution_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('trace', 'debug') OR level IN ('info', 'warn') OR level IN ('error')),
  message TEXT NOT NULL CHECK (length(message) BETWEEN 1 AND 10000),
  metadata TEXT,
  logged_at INTEGER NOT NULL,
  PRIMARY KEY (execution_id, seq)
) STRICT, WITHOUT ROWID;

-- Work that one process at a time does for all, and when it is due; who takes it puts off the others.
CREATE TABLE chores (
  name TEXT NOT NULL PRIMARY KEY,
  due_at INTEGER NOT NULL
) STRICT;

INSERT INTO organizations (id, name) VALUES ('00000000-0000-7000-8000-000000000001', 'default');
INSERT INTO projects (id, organization_id, name)
  VALUES ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'default');
