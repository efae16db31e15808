-- Many jobs at once.

-- name: cancel_waiting_jobs
-- audited
UPDATE jobs SET status = 'cancelled', hold = NULL, completed_at = :now, updated_at = :now
WHERE project_id = :project_id AND id IN (SELECT value FROM json_each(:job_ids)) AND status IN ('pending', 'scheduled')
  AND key IS NULL AND concurrency_key IS NULL
RETURNING id;

-- name: request_cancels
-- audited
UPDATE jobs SET cancel_requested_at = :now, updated_at = :now
WHERE project_id = :project_id AND id IN (SELECT value FROM json_each(:job_ids)) AND status = 'processing'
  AND cancel_requested_at IS NULL
RETURNING id;

-- name: retry_jobs
-- audited
UPDATE jobs SET status = 'pending', manual_retries = manual_retries + 1, losses = 0, failure = NULL,
  queue_id = coalesce(:queue_id, queue_id), scheduled_for = NULL, expires_at = NULL, deadline = NULL,
  waits_until = NULL, completed_at = NULL, dead_letter_queue_id = NULL, dead_lettered_at = NULL, updated_at = :now,
  fairness_key = coalesce(fairness_key, (SELECT q.common_line FROM queues q WHERE q.id = coalesce(:queue_id, jobs.queue_id))),
  rank = :now - priority * (SELECT q.aging_us FROM queues q
    WHERE q.project_id = jobs.project_id AND q.id = coalesce(:queue_id, jobs.queue_id))
WHERE project_id = :project_id AND id IN (SELECT value FROM json_each(:job_ids)) AND status IN ('failed', 'cancelled')
  AND key IS NULL AND concurrency_key IS NULL
  AND EXISTS (SELECT 1 FROM queues q
    WHERE q.project_id = jobs.project_id AND q.id = coalesce(:queue_id, jobs.queue_id))
RETURNING id;

-- name: move_jobs
-- audited
UPDATE jobs SET queue_id = :queue_id, updated_at = :now,
  fairness_key = coalesce(fairness_key, (SELECT q.common_line FROM queues q WHERE q.id = :queue_id)),
  rank = rank + priority * (
    coalesce((SELECT o.aging_us FROM queues o WHERE o.id = jobs.queue_id),
      (SELECT q.aging_us FROM queues q WHERE q.id = :queue_id))
    - (SELECT q.aging_us FROM queues q WHERE q.id = :queue_id))
WHERE project_id = :project_id AND id IN (SELECT value FROM json_each(:job_ids)) AND status IN ('pending', 'scheduled')
  AND EXISTS (SELECT 1 FROM queues q WHERE q.project_id = :project_id AND q.id = :queue_id AND q.state <> 'closed')
RETURNING id;

-- name: lock_deletable_jobs
SELECT id FROM jobs
WHERE project_id = :project_id AND id IN (SELECT value FROM json_each(:job_ids)) AND status <> 'processing'
  AND key IS NULL AND concurrency_key IS NULL;

-- name: delete_lines_of_jobs
DELETE FROM log_lines WHERE execution_id IN (
  SELECT e.id FROM executions e
  WHERE e.project_id = :project_id AND e.job_id IN (SELECT value FROM json_each(:job_ids)));

-- name: delete_executions_of_jobs
DELETE FROM executions WHERE project_id = :project_id AND job_id IN (SELECT value FROM json_each(:job_ids));

-- name: delete_jobs
-- audited
DELETE FROM jobs
WHERE project_id = :project_id AND id IN (SELECT value FROM json_each(:job_ids)) AND status <> 'processing'
RETURNING id;
