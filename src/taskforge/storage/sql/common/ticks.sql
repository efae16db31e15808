-- name: unfinished_runs
SELECT t.job_id, j.status FROM ticks t JOIN jobs j ON j.id = t.job_id
WHERE t.project_id = :project_id AND t.schedule_id = :schedule_id AND t.job_id IS NOT NULL AND t.finished_at IS NULL
  AND j.status IN ('pending', 'scheduled', 'processing')
ORDER BY t.due_at LIMIT 1000;

-- name: runs_of_schedule
SELECT t.id, t.schedule_id, s.name AS schedule_name, t.due_at, t.fired_at, t.cause, t.outcome, t.reason,
  t.missed_until, t.job_id, coalesce(t.status, j.status) AS status, coalesce(t.attempts, j.attempt_count) AS attempts,
  coalesce(t.started_at, e.started_at, e.claimed_at, j.started_at, j.claimed_at) AS started_at,
  coalesce(t.finished_at, j.completed_at) AS finished_at, coalesce(t.duration_us, e.duration_us) AS duration_us,
  coalesce(t.result, e.output) AS result, coalesce(t.error_type, e.error_type) AS error_type,
  coalesce(t.error_message, e.error_message) AS error_message, coalesce(t.traceback, e.traceback) AS traceback
FROM ticks t JOIN schedules s ON s.id = t.schedule_id AND s.project_id = :project_id
LEFT JOIN jobs j ON j.id = t.job_id AND t.finished_at IS NULL
LEFT JOIN executions e ON e.id = j.execution_id
WHERE t.schedule_id = :schedule_id AND t.due_at < :until
  AND (CAST(:outcome AS TEXT) IS NULL OR t.outcome = CAST(:outcome AS TEXT))
  AND (CAST(:ended AS TEXT) IS NULL OR CASE coalesce(t.status, j.status) WHEN 'succeeded' THEN 'well'
    WHEN 'failed' THEN 'badly' WHEN 'cancelled' THEN 'badly' END = CAST(:ended AS TEXT))
ORDER BY t.due_at DESC LIMIT :limit OFFSET :skip;

-- name: due_time_of_run
SELECT t.due_at FROM ticks t WHERE t.project_id = :project_id AND t.schedule_id = :schedule_id AND t.id = :run_id;

-- name: count_runs_of_schedule
SELECT count(*) AS runs FROM (
  SELECT 1 FROM ticks t JOIN schedules s ON s.id = t.schedule_id AND s.project_id = :project_id
  LEFT JOIN jobs j ON j.id = t.job_id AND t.finished_at IS NULL
  WHERE t.schedule_id = :schedule_id
    AND (CAST(:outcome AS TEXT) IS NULL OR t.outcome = CAST(:outcome AS TEXT))
    AND (CAST(:ended AS TEXT) IS NULL OR CASE coalesce(t.status, j.status) WHEN 'succeeded' THEN 'well'
      WHEN 'failed' THEN 'badly' WHEN 'cancelled' THEN 'badly' END = CAST(:ended AS TEXT))
  LIMIT :bound
) b;

-- name: recent_runs
SELECT t.id, t.schedule_id, s.name AS schedule_name, t.due_at, t.fired_at, t.cause, t.outcome, t.reason,
  t.missed_until, t.job_id, coalesce(t.status, j.status) AS status, coalesce(t.attempts, j.attempt_count) AS attempts,
  coalesce(t.started_at, e.started_at, e.claimed_at, j.started_at, j.claimed_at) AS started_at,
  coalesce(t.finished_at, j.completed_at) AS finished_at, coalesce(t.duration_us, e.duration_us) AS duration_us,
  coalesce(t.result, e.output) AS result, coalesce(t.error_type, e.error_type) AS error_type,
  coalesce(t.error_message, e.error_message) AS error_message, coalesce(t.traceback, e.traceback) AS traceback
FROM ticks t JOIN schedules s ON s.id = t.schedule_id AND s.project_id = :project_id
LEFT JOIN jobs j ON j.id = t.job_id AND t.finished_at IS NULL
LEFT JOIN executions e ON e.id = j.execution_id
WHERE t.project_id = :project_id AND t.fired_at >= :since AND t.job_id IS NOT NULL
  AND (CAST(:ended AS TEXT) IS NULL OR CASE coalesce(t.status, j.status) WHEN 'succeeded' THEN 'well'
    WHEN 'failed' THEN 'badly' WHEN 'cancelled' THEN 'badly' END = CAST(:ended AS TEXT))
ORDER BY t.fired_at DESC LIMIT :limit OFFSET :skip;

-- name: count_recent_runs
SELECT count(*) AS runs FROM (
  SELECT 1 FROM ticks t JOIN schedules s ON s.id = t.schedule_id AND s.project_id = :project_id
  LEFT JOIN jobs j ON j.id = t.job_id AND t.finished_at IS NULL
  WHERE t.project_id = :project_id AND t.fired_at >= :since AND t.job_id IS NOT NULL
    AND (CAST(:ended AS TEXT) IS NULL OR CASE coalesce(t.status, j.status) WHEN 'succeeded' THEN 'well'
      WHEN 'failed' THEN 'badly' WHEN 'cancelled' THEN 'badly' END = CAST(:ended AS TEXT))
  LIMIT :bound
) b;

-- name: run_stats
SELECT count(*) AS total_runs, count(CASE WHEN coalesce(t.status, j.status) = 'succeeded' THEN 1 END) AS successful_runs,
  count(CASE WHEN coalesce(t.status, j.status) IN ('failed', 'cancelled') THEN 1 END) AS failed_runs,
  avg(coalesce(t.duration_us, e.duration_us)) AS avg_duration_us
FROM ticks t
LEFT JOIN jobs j ON j.id = t.job_id AND t.finished_at IS NULL
LEFT JOIN executions e ON e.id = j.execution_id
WHERE t.project_id = :project_id AND t.schedule_id = :schedule_id AND t.due_at >= :since AND t.job_id IS NOT NULL;
