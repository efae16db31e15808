-- Any request under an Idempotency-Key, beside those for jobs. `attempt_id` is whose it is to carry it out now: the
-- change that another one makes under this key is undone. `carried_out` (JSON: what the audit log calls it, and of what)
-- is written in the transaction of the first change, `answer` (JSON: status, headers, body without what is shown once)
-- after the last.
ALTER TABLE idempotency_keys ADD COLUMN attempt_id uuid;
ALTER TABLE idempotency_keys ADD COLUMN carried_out text;
ALTER TABLE idempotency_keys ADD COLUMN answer text;
