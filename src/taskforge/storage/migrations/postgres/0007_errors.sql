-- Failures that are the same, together. Settling appends a row to failure_deltas for each failed attempt, in the
-- statement that ends it; from there the rows are folded into error_groups.

ALTER TABLE executions ADD COLUMN fingerprint uuid;

-- Without a key and without checks, as attempt_deltas. tags: JSON, those of the job; tenant: its fairness key.
CREATE TABLE failure_deltas (
  project_id uuid NOT NULL,
  fingerprint uuid NOT NULL,
  queue_id uuid NOT NULL,
  job_id uuid NOT NULL,
  job_type text NOT NULL,
  execution_id uuid NOT NULL,
  failed_at timestamptz NOT NULL,
  tags text,
  tenant text
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0);

-- tasks, queue_ids, tags, tenants: JSON, failures by name; hours: JSON, failures by the second at which an hour begins.
-- message, traceback and frames are those of the failure that made the group, or brought it back.
CREATE TABLE error_groups (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  fingerprint uuid NOT NULL,
  status text NOT NULL CHECK (status IN ('new', 'returned', 'resolved', 'muted')),
  error_type text NOT NULL,
  message text,
  traceback text,
  frames text NOT NULL,
  failures bigint NOT NULL CHECK (failures >= 1),
  first_seen timestamptz NOT NULL,
  last_seen timestamptz NOT NULL,
  job_id uuid NOT NULL,
  execution_id uuid NOT NULL,
  tasks text NOT NULL,
  queue_ids text NOT NULL,
  tags text NOT NULL,
  tenants text NOT NULL,
  hours text NOT NULL,
  status_at timestamptz NOT NULL,
  status_by text,
  muted_until timestamptz,
  returned_at timestamptz,
  UNIQUE (project_id, fingerprint),
  CHECK (first_seen <= last_seen),
  CHECK (muted_until IS NULL OR status = 'muted'),
  CHECK (status <> 'returned' OR returned_at IS NOT NULL)
) WITH (fillfactor = 70);
CREATE INDEX error_groups_latest ON error_groups (project_id, last_seen);
CREATE INDEX error_groups_by_time ON error_groups (last_seen);
