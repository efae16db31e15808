-- name: execution_stats
SELECT count(*) AS total_executions,
  sum(CASE WHEN e.status = 'succeeded' THEN 1 ELSE 0 END) AS succeeded_count,
  sum(CASE WHEN e.status IN ('failed', 'retry_scheduled', 'dead_letter') THEN 1 ELSE 0 END) AS failed_count,
  avg(CASE WHEN e.status = 'succeeded' THEN e.duration_us END) AS avg_duration_us,
  min(CASE WHEN e.status = 'succeeded' THEN e.duration_us END) AS min_duration_us,
  max(CASE WHEN e.status = 'succeeded' THEN e.duration_us END) AS max_duration_us
FROM executions e WHERE e.project_id = :project_id AND e.job_id = :job_id;

-- name: list_executions
SELECT e.id, e.job_id, e.queue_id, e.job_type, e.worker_id, e.status, e.reason, e.attempt_number, e.output,
  e.error_type, e.error_message, e.traceback, e.claimed_at, e.started_at, e.finished_at, e.heartbeat_at,
  e.duration_us
FROM executions e WHERE e.project_id = :project_id AND e.job_id = :job_id ORDER BY e.claim_seq DESC, e.id DESC;

-- name: get_job
SELECT j.*, q.name AS queue_name, q.settings AS queue_settings FROM jobs j LEFT JOIN queues q ON q.id = j.queue_id
WHERE j.project_id = :project_id AND j.id = :job_id;

-- name: dead_letter_count
SELECT count(*) AS jobs FROM jobs WHERE project_id = :project_id AND dead_letter_queue_id = :queue_id;
