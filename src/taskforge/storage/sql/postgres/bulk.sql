-- Many jobs at once. Rows are locked in the order of their ids, so that two batches never wait in a circle.

-- name: cancel_waiting_jobs
-- audited
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs j SET status = 'cancelled', hold = NULL, completed_at = t.now, updated_at = t.now FROM t
WHERE j.id = ANY (ARRAY (
  SELECT c.id FROM jobs c WHERE c.project_id = :project_id::uuid AND c.id = ANY (:job_ids::uuid[])
    AND c.status IN ('pending', 'scheduled') AND c.key IS NULL AND c.concurrency_key IS NULL
  ORDER BY c.id FOR UPDATE))
RETURNING j.id;

-- name: request_cancels
-- audited
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs j SET cancel_requested_at = coalesce(j.cancel_requested_at, t.now), updated_at = t.now FROM t
WHERE j.id = ANY (ARRAY (
  SELECT c.id FROM jobs c WHERE c.project_id = :project_id::uuid AND c.id = ANY (:job_ids::uuid[])
    AND c.status = 'processing' AND c.cancel_requested_at IS NULL
  ORDER BY c.id FOR UPDATE))
RETURNING j.id;

-- name: retry_jobs
-- audited
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs j SET status = 'pending', manual_retries = j.manual_retries + 1, losses = 0, failure = NULL,
  queue_id = q.id, scheduled_for = NULL, expires_at = NULL, deadline = NULL, waits_until = NULL,
  completed_at = NULL, dead_letter_queue_id = NULL, dead_lettered_at = NULL, updated_at = t.now,
  fairness_key = coalesce(j.fairness_key, q.common_line),
  rank = (extract(epoch FROM t.now) * 1000000)::bigint - j.priority * q.aging_us
FROM t, (
  SELECT k.id, k.aging_us, k.common_line FROM queues k -- locked, so that none can go meanwhile (deletion.sql)
  WHERE k.project_id = :project_id::uuid AND k.id = ANY (ARRAY (
    SELECT coalesce(:queue_id::uuid, o.queue_id) FROM jobs o
    WHERE o.project_id = :project_id::uuid AND o.id = ANY (:job_ids::uuid[])))
  ORDER BY k.id FOR KEY SHARE
) q
WHERE j.id = ANY (ARRAY (
  SELECT c.id FROM jobs c WHERE c.project_id = :project_id::uuid AND c.id = ANY (:job_ids::uuid[])
    AND c.status IN ('failed', 'cancelled') AND c.key IS NULL AND c.concurrency_key IS NULL
  ORDER BY c.id FOR UPDATE))
  AND q.id = coalesce(:queue_id::uuid, j.queue_id)
RETURNING j.id;

-- name: move_jobs
-- audited
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs j SET queue_id = q.id, updated_at = t.now, fairness_key = coalesce(j.fairness_key, q.common_line),
  rank = j.rank + j.priority * (
    coalesce((SELECT o.aging_us FROM queues o WHERE o.id = j.queue_id), q.aging_us) - q.aging_us)
FROM t, queues q
WHERE j.id = ANY (ARRAY (
  SELECT c.id FROM jobs c WHERE c.project_id = :project_id::uuid AND c.id = ANY (:job_ids::uuid[])
    AND c.status IN ('pending', 'scheduled')
  ORDER BY c.id FOR UPDATE))
  AND q.project_id = :project_id::uuid AND q.id = :queue_id::uuid AND q.state <> 'closed'
RETURNING j.id;

-- name: lock_deletable_jobs
SELECT c.id FROM jobs c
WHERE c.project_id = :project_id::uuid AND c.id = ANY (:job_ids::uuid[]) AND c.status <> 'processing'
  AND c.key IS NULL AND c.concurrency_key IS NULL
ORDER BY c.id FOR UPDATE;

-- name: delete_lines_of_jobs
DELETE FROM log_lines WHERE execution_id IN (
  SELECT taskforge_executions_of(:project_id::uuid, :job_ids::uuid[]));

-- name: delete_executions_of_jobs
DELETE FROM executions WHERE project_id = :project_id::uuid AND id IN (
  SELECT taskforge_executions_of(:project_id::uuid, :job_ids::uuid[]));

-- name: delete_jobs
-- audited
DELETE FROM jobs WHERE project_id = :project_id::uuid AND id = ANY (:job_ids::uuid[]) AND status <> 'processing'
RETURNING id;
