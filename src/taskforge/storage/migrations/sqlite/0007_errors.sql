-- Failures that are the same, together. Settling appends a row to failure_deltas for each failed attempt, in the
-- statement that ends it; from there the rows are folded into error_groups.

ALTER TABLE executions ADD COLUMN fingerprint TEXT;

-- Without a key and without checks, as attempt_deltas. tags: JSON, those of the job; tenant: its fairness key.
CREATE TABLE failure_deltas (
  project_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  job_id TEXT NOT NULL,
  job_type TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  failed_at INTEGER NOT NULL,
  tags TEXT,
  tenant TEXT
) STRICT;

-- tasks, queue_ids, tags, tenants: JSON, failures by name; hours: JSON, failures by the second at which an hour begins.
-- message, traceback and frames are those of the failure that made the group, or brought it back.
CREATE TABLE error_groups (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('new', 'returned', 'resolved', 'muted')),
  error_type TEXT NOT NULL,
  message TEXT,
  traceback TEXT,
  frames TEXT NOT NULL,
  failures INTEGER NOT NULL CHECK (failures >= 1),
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  job_id TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  tasks TEXT NOT NULL,
  queue_ids TEXT NOT NULL,
  tags TEXT NOT NULL,
  tenants TEXT NOT NULL,
  hours TEXT NOT NULL,
  status_at INTEGER NOT NULL,
  status_by TEXT,
  muted_until INTEGER,
  returned_at INTEGER,
  UNIQUE (project_id, fingerprint),
  CHECK (first_seen <= last_seen),
  CHECK (muted_until IS NULL OR status = 'muted'),
  CHECK (status <> 'returned' OR returned_at IS NOT NULL)
) STRICT;
CREATE INDEX error_groups_latest ON error_groups (project_id, last_seen);
CREATE INDEX error_groups_by_time ON error_groups (last_seen);
