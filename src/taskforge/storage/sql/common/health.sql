-- name: backlogs
SELECT q.name, (SELECT count(*) FROM (
    SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL LIMIT :bound
  ) bounded) AS pending
FROM queues q WHERE q.project_id = :project_id ORDER BY q.name;

-- name: unknown_job_types
SELECT job_type, count(*) AS jobs FROM jobs
WHERE project_id = :project_id AND hold = 'no_worker' GROUP BY job_type ORDER BY count(*) DESC, job_type LIMIT 20;

-- name: stored_settings
SELECT name, settings, max_concurrent_jobs, rate_limit FROM queues WHERE project_id = :project_id ORDER BY name;
