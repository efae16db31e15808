-- name: get_execution
SELECT e.id, e.job_id, e.queue_id, e.job_type, e.worker_id, e.status, e.reason, e.attempt_number, e.output,
  e.error_type, e.error_message, e.traceback, e.claimed_at, e.started_at, e.finished_at, e.heartbeat_at,
  e.duration_us
FROM executions e WHERE e.project_id = :project_id AND e.id = :execution_id;

-- name: job_of_live_execution
SELECT j.*, q.name AS queue_name, q.settings AS queue_settings
FROM queues q JOIN jobs j ON j.queue_id = q.id
WHERE q.project_id = :project_id AND j.status = 'processing' AND j.execution_id = :execution_id;

-- name: jobs_of_worker
SELECT j.id FROM queues q JOIN jobs j ON j.queue_id = q.id
WHERE q.project_id = :project_id AND j.project_id = :project_id AND j.status = 'processing' AND j.worker_id = :worker_id
ORDER BY j.id DESC;

-- name: timed_out_executions
SELECT e.id, e.job_id, e.queue_id, e.job_type, e.worker_id, e.status, e.reason, e.attempt_number, e.output,
  e.error_type, e.error_message, e.traceback, e.claimed_at, e.started_at, e.finished_at, e.heartbeat_at,
  e.duration_us
FROM executions e
WHERE e.project_id = :project_id AND e.id >= :floor AND e.reason = 'timeout' ORDER BY e.id DESC LIMIT :limit;

-- name: worker_executions
SELECT count(*) AS total,
  sum(CASE WHEN r.status = 'succeeded' THEN 1 ELSE 0 END) AS succeeded,
  sum(CASE WHEN r.status IN ('failed', 'retry_scheduled', 'dead_letter') THEN 1 ELSE 0 END) AS failed
FROM (
  SELECT e.status FROM executions e
  WHERE e.project_id = :project_id AND e.worker_id = :worker_id AND e.id >= :floor ORDER BY e.id DESC LIMIT :bound
) r;

-- name: dead_letter_groups
SELECT g.queue_id, g.job_type, g.error_type, count(*) AS jobs, min(g.dead_lettered_at) AS first_at,
  max(g.dead_lettered_at) AS last_at, max(g.error_message) AS example, min(CAST(g.id AS TEXT)) AS oldest
FROM (
  SELECT j.id, j.dead_letter_queue_id AS queue_id, j.job_type, coalesce(e.error_type, '') AS error_type,
    e.error_message, j.dead_lettered_at
  FROM queues q JOIN jobs j ON j.dead_letter_queue_id = q.id LEFT JOIN executions e ON e.id = j.execution_id
  WHERE q.project_id = :project_id AND j.project_id = :project_id AND j.id < :before ORDER BY j.id DESC LIMIT :bound
) g
GROUP BY g.queue_id, g.job_type, g.error_type ORDER BY count(*) DESC, max(g.dead_lettered_at) DESC;
