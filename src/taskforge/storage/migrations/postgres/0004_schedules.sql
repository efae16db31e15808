-- Schedules, and what became of each of their due times.

-- From when on the schedules of the project rest; one that is made meanwhile rests as well.
ALTER TABLE projects ADD COLUMN schedules_paused_at timestamptz;

-- Named sets of days on which nothing runs. content: JSON, {"dates": [...], "weekdays": [...]}
CREATE TABLE calendars (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  content text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  UNIQUE (project_id, name)
);

-- `declared` is what code says (NULL: no code names it), `changes` what operators changed of it: a deploy writes the
-- one and leaves the other. next_due_at is the first due time that nobody has seen to; from next_fire_at on, which is
-- later by the jitter, it may be. Whoever moves it on writes the tick, and its job, in the same transaction.
CREATE TABLE schedules (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  declared text,
  changes text NOT NULL,
  enabled boolean NOT NULL,
  paused_at timestamptz,
  anchor_at timestamptz NOT NULL,
  next_due_at timestamptz,
  next_fire_at timestamptz,
  declared_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  UNIQUE (project_id, name),
  CONSTRAINT due_and_not_early CHECK ((next_due_at IS NULL) = (next_fire_at IS NULL) AND next_fire_at >= next_due_at),
  CONSTRAINT at_rest_is_not_due CHECK (next_due_at IS NULL OR (enabled AND paused_at IS NULL))
);
CREATE INDEX schedules_due ON schedules (next_fire_at) WHERE next_fire_at IS NOT NULL;

-- A due time that was seen to: the key keeps it to one, whoever looks. With missed_until it stands for all due times
-- from due_at on and before that. What the job came to is copied when it has ended, so that it outlives the job.
CREATE TABLE ticks (
  schedule_id uuid NOT NULL,
  due_at timestamptz NOT NULL,
  id uuid NOT NULL,
  project_id uuid NOT NULL,
  cause text NOT NULL CHECK (cause IN ('due', 'manual', 'backfill')),
  outcome text NOT NULL CHECK (outcome IN ('fired', 'missed', 'skipped')),
  reason text CHECK (reason IN ('downtime', 'coalesced', 'too_old', 'limit', 'overlap', 'holiday', 'queue_closed', 'queue_full', 'invalid')),
  missed_until timestamptz,
  fired_at timestamptz NOT NULL,
  job_id uuid,
  status text CHECK (status IN ('succeeded', 'failed', 'cancelled')),
  attempts integer,
  started_at timestamptz,
  finished_at timestamptz,
  duration_us bigint CHECK (duration_us >= 0),
  result text,
  error_type text,
  error_message text,
  traceback text,
  PRIMARY KEY (schedule_id, due_at),
  CONSTRAINT only_the_fired_has_a_job CHECK ((outcome = 'fired') = (job_id IS NOT NULL)),
  CONSTRAINT the_others_have_a_reason CHECK ((outcome = 'fired') = (reason IS NULL)),
  CONSTRAINT finished_has_its_status CHECK ((status IS NULL) = (finished_at IS NULL)),
  CONSTRAINT only_a_job_ends CHECK (status IS NULL OR job_id IS NOT NULL),
  CONSTRAINT only_the_missed_are_many CHECK (missed_until IS NULL OR (outcome = 'missed' AND missed_until > due_at))
);
CREATE INDEX ticks_unfinished ON ticks (schedule_id, due_at) WHERE job_id IS NOT NULL AND finished_at IS NULL;
CREATE INDEX ticks_recent ON ticks (project_id, fired_at);
