-- What is told to monitoring systems: of the projects that are named, or of all.

-- name: exposed_queues
SELECT q.id, q.name, q.state, p.name AS project, o.name AS organization,
  (SELECT count(*) FROM (SELECT 1 FROM jobs l WHERE l.dead_letter_queue_id = q.id LIMIT (SELECT :bound::bigint)) b) AS dead_letters
FROM queues q JOIN projects p ON p.id = q.project_id JOIN organizations o ON o.id = p.organization_id
WHERE :project_ids::uuid[] IS NULL OR q.project_id = ANY (:project_ids::uuid[])
ORDER BY q.id LIMIT :most::bigint;

-- name: exposed_attempts
SELECT m.subject_id, m.job_type, m.succeeded, m.failed, m.cancelled, m.duration_us, m.wait_us, m.durations, m.waits
FROM attempt_metrics m
WHERE m.span_seconds = 0 AND (m.job_type <> '') = :by_type::boolean
  AND (:project_ids::uuid[] IS NULL OR m.project_id = ANY (:project_ids::uuid[]))
ORDER BY m.succeeded + m.failed + m.cancelled DESC, m.subject_id, m.job_type LIMIT :most::bigint;

-- name: exposed_workers
SELECT w.last_heartbeat, w.drain_requested_at, w.max_concurrent_jobs, p.name AS project, o.name AS organization
FROM workers w JOIN projects p ON p.id = w.project_id JOIN organizations o ON o.id = p.organization_id
WHERE w.stopped_at IS NULL AND (:project_ids::uuid[] IS NULL OR w.project_id = ANY (:project_ids::uuid[]));

-- name: exposed_errors
SELECT g.status, count(*) AS groups, p.name AS project, o.name AS organization
FROM error_groups g JOIN projects p ON p.id = g.project_id JOIN organizations o ON o.id = p.organization_id
WHERE :project_ids::uuid[] IS NULL OR g.project_id = ANY (:project_ids::uuid[])
GROUP BY o.name, p.name, g.status ORDER BY o.name, p.name, g.status;
