-- What is kept of requests over HTTP beyond their answer.

-- Those that were sent under an Idempotency-Key. Of the answer only its identity is kept: the ids of the jobs are
-- counted up from first_id, and `standing` (JSON: {"place in the request": id}) names other jobs that stand for some
-- of them. NULL: not answered yet.
CREATE TABLE idempotency_keys (
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  principal_id TEXT NOT NULL,
  key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
  first_id TEXT NOT NULL,
  standing TEXT,
  locked_until INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (organization_id, principal_id, key)
) STRICT;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (expires_at);

-- The same done to all jobs that a filter chooses, batch by batch, from the newest to the oldest: `place` is the id
-- behind which the next batch begins. Whoever carries out a step has bumped `turn`; the next step is due at next_at.
CREATE TABLE operations (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  action TEXT NOT NULL CHECK (action IN ('cancel', 'retry', 'delete', 'move', 'backfill')),
  status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'succeeded', 'failed', 'cancelled')),
  chosen TEXT NOT NULL,
  target_queue_id TEXT,
  per_second INTEGER CHECK (per_second >= 1),
  counted INTEGER NOT NULL CHECK (counted >= 0),
  is_bounded INTEGER NOT NULL CHECK (is_bounded IN (0, 1)),
  done INTEGER NOT NULL DEFAULT 0 CHECK (done >= 0),
  skipped INTEGER NOT NULL DEFAULT 0 CHECK (skipped >= 0),
  place TEXT,
  failure TEXT,
  actor TEXT NOT NULL,
  turn INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  completed_at INTEGER,
  CHECK ((status = 'running') = (completed_at IS NULL)),
  CHECK ((status = 'failed') = (failure IS NOT NULL))
) STRICT;
CREATE INDEX operations_of_project ON operations (project_id, id);
CREATE INDEX operations_due ON operations (next_at) WHERE status = 'running';
