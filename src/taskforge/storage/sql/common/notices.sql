-- Who is told when jobs end.

-- name: ended_unnoticed
-- Those of which somebody is to be told, and that have ended. Of projects that take no deliveries nothing is told.
SELECT n.job_id, n.project_id, n.receivers, j.job_type, j.status, j.failure, j.attempt_count, j.created_at,
  j.completed_at, q.name AS queue_name, e.error_type
FROM job_notices n JOIN jobs j ON j.id = n.job_id AND j.project_id = n.project_id
JOIN queues q ON q.id = j.queue_id LEFT JOIN executions e ON e.id = j.execution_id
WHERE n.told_at IS NULL AND j.completed_at IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM queues c WHERE c.project_id = n.project_id AND c.name = :queue AND c.state = 'closed')
ORDER BY n.job_id LIMIT :limit;

-- name: projects_with_endings
SELECT DISTINCT n.project_id FROM job_endings n WHERE NOT EXISTS (
  SELECT 1 FROM queues c WHERE c.project_id = n.project_id AND c.name = :queue AND c.state = 'closed')
LIMIT 100;
