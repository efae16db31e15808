-- Schedules, and what became of each of their due times.

-- From when on the schedules of the project rest; one that is made meanwhile rests as well.
ALTER TABLE projects ADD COLUMN schedules_paused_at INTEGER;

-- Named sets of days on which nothing runs. content: JSON, {"dates": [...], "weekdays": [...]}
CREATE TABLE calendars (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  content TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (project_id, name)
) STRICT;

-- `declared` is what code says (NULL: no code names it), `changes` what operators changed of it: a deploy writes the
-- one and leaves the other. next_due_at is the first due time that nobody has seen to; from next_fire_at on, which is
-- later by the jitter, it may be. Whoever moves it on writes the tick, and its job, in the same transaction.
CREATE TABLE schedules (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  declared TEXT,
  changes TEXT NOT NULL,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  paused_at INTEGER,
  anchor_at INTEGER NOT NULL,
  next_due_at INTEGER,
  next_fire_at INTEGER,
  declared_at INTEGER,
  version INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (project_id, name),
  CONSTRAINT due_and_not_early CHECK ((next_due_at IS NULL) = (next_fire_at IS NULL) AND next_fire_at >= next_due_at),
  CONSTRAINT at_rest_is_not_due CHECK (next_due_at IS NULL OR (enabled AND paused_at IS NULL))
) STRICT;
CREATE INDEX schedules_due ON schedules (next_fire_at) WHERE next_fire_at IS NOT NULL;

-- A due time that was seen to: the key keeps it to one, whoever looks. With missed_until it stands for all due times
-- from due_at on and before that. What the job came to is copied when it has ended, so that it outlives the job.
CREATE TABLE ticks (
  schedule_id TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  cause TEXT NOT NULL CHECK (cause IN ('due', 'manual', 'backfill')),
  outcome TEXT NOT NULL CHECK (outcome IN ('fired', 'missed', 'skipped')),
  reason TEXT CHECK (reason IN ('downtime', 'coalesced', 'too_old', 'limit', 'overlap', 'holiday', 'queue_closed', 'queue_full', 'invalid')),
  missed_until INTEGER,
  fired_at INTEGER NOT NULL,
  job_id TEXT,
  status TEXT CHECK (status IN ('succeeded', 'failed', 'cancelled')),
  attempts INTEGER,
  started_at INTEGER,
  finished_at INTEGER,
  duration_us INTEGER CHECK (duration_us >= 0),
  result TEXT,
  error_type TEXT,
  error_message TEXT,
  traceback TEXT,
  PRIMARY KEY (schedule_id, due_at),
  CONSTRAINT only_the_fired_has_a_job CHECK ((outcome = 'fired') = (job_id IS NOT NULL)),
  CONSTRAINT the_others_have_a_reason CHECK ((outcome = 'fired') = (reason IS NULL)),
  CONSTRAINT finished_has_its_status CHECK ((status IS NULL) = (finished_at IS NULL)),
  CONSTRAINT only_a_job_ends CHECK (status IS NULL OR job_id IS NOT NULL),
  CONSTRAINT only_the_missed_are_many CHECK (missed_until IS NULL OR (outcome = 'missed' AND missed_until > due_at))
) STRICT;
CREATE INDEX ticks_unfinished ON ticks (schedule_id, due_at) WHERE job_id IS NOT NULL AND finished_at IS NULL;
CREATE INDEX ticks_recent ON ticks (project_id, fired_at);
