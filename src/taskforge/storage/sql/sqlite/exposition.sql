-- What is told to monitoring systems: of the projects that are named, or of all.

-- name: exposed_queues
SELECT q.id, q.name, q.state, p.name AS project, o.name AS organization,
  (SELECT count(*) FROM (SELECT 1 FROM jobs l INDEXED BY jobs_dead_letters
    WHERE l.dead_letter_queue_id = q.id LIMIT :bound)) AS dead_letters
FROM queues q JOIN projects p ON p.id = q.project_id JOIN organizations o ON o.id = p.organization_id
WHERE :project_ids IS NULL OR q.project_id IN (SELECT value FROM json_each(:project_ids))
ORDER BY q.id LIMIT :most;

-- name: exposed_attempts
SELECT m.subject_id, m.job_type, m.succeeded, m.failed, m.cancelled, m.duration_us, m.wait_us, m.durations, m.waits
FROM attempt_metrics m
WHERE m.span_seconds = 0 AND (m.job_type <> '') = :by_type
  AND (:project_ids IS NULL OR m.project_id IN (SELECT value FROM json_each(:project_ids)))
ORDER BY m.succeeded + m.failed + m.cancelled DESC, m.subject_id, m.job_type LIMIT :most;

-- name: exposed_workers
SELECT w.last_heartbeat, w.drain_requested_at, w.max_concurrent_jobs, p.name AS project, o.name AS organization
FROM workers w JOIN projects p ON p.id = w.project_id JOIN organizations o ON o.id = p.organization_id
WHERE w.stopped_at IS NULL AND (:project_ids IS NULL OR w.project_id IN (SELECT value FROM json_each(:project_ids)));

-- name: exposed_errors
SELECT g.status, count(*) AS groups, p.name AS project, o.name AS organization
FROM error_groups g JOIN projects p ON p.id = g.project_id JOIN organizations o ON o.id = p.organization_id
WHERE :project_ids IS NULL OR g.project_id IN (SELECT value FROM json_each(:project_ids))
GROUP BY o.name, p.name, g.status ORDER BY o.name, p.name, g.status;
