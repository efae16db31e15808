-- What is kept of requests over HTTP beyond their answer.

-- Those that were sent under an Idempotency-Key. Of the answer only its identity is kept: the ids of the jobs are
-- counted up from first_id, and `standing` (JSON: {"place in the request": id}) names other jobs that stand for some
-- of them. NULL: not answered yet.
CREATE TABLE idempotency_keys (
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  principal_id uuid NOT NULL,
  key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
  fingerprint text NOT NULL CHECK (char_length(fingerprint) = 64),
  first_id uuid NOT NULL,
  standing text,
  locked_until timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (organization_id, principal_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (expires_at);

-- The same done to all jobs that a filter chooses, batch by batch, from the newest to the oldest: `place` is the id
-- behind which the next batch begins. Whoever carries out a step has bumped `turn`; the next step is due at next_at.
CREATE TABLE operations (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id),
  action text NOT NULL CHECK (action IN ('cancel', 'retry', 'delete', 'move', 'backfill')),
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'succeeded', 'failed', 'cancelled')),
  chosen text NOT NULL,
  target_queue_id uuid,
  per_second integer CHECK (per_second >= 1),
  counted bigint NOT NULL CHECK (counted >= 0),
  is_bounded boolean NOT NULL,
  done bigint NOT NULL DEFAULT 0 CHECK (done >= 0),
  skipped bigint NOT NULL DEFAULT 0 CHECK (skipped >= 0),
  place uuid,
  failure text,
  actor text NOT NULL,
  turn bigint NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  completed_at timestamptz,
  CHECK ((status = 'running') = (completed_at IS NULL)),
  CHECK ((status = 'failed') = (failure IS NOT NULL))
);
CREATE INDEX operations_of_project ON operations (project_id, id);
CREATE INDEX operations_due ON operations (next_at) WHERE status = 'running';
