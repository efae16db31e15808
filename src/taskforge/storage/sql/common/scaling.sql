-- name: get_scaling_policy
SELECT s.*, q.name AS queue_name FROM scaling_policies s JOIN queues q ON q.id = s.queue_id
WHERE s.project_id = :project_id AND s.queue_id = :queue_id;

-- name: list_scaling_policies
SELECT s.*, q.name AS queue_name FROM scaling_policies s JOIN queues q ON q.id = s.queue_id
WHERE s.project_id = :project_id ORDER BY q.name;

-- name: delete_scaling_policy
-- audited
DELETE FROM scaling_policies WHERE project_id = :project_id AND queue_id = :queue_id RETURNING id;

-- name: scaled_projects
SELECT DISTINCT project_id FROM scaling_policies WHERE enabled ORDER BY project_id;

-- name: queue_is_awaited
SELECT EXISTS (SELECT 1 FROM jobs j JOIN queues q ON q.id = j.queue_id
  WHERE q.project_id = :project_id AND j.queue_id = :queue_id AND j.status = 'pending' AND j.hold = 'no_worker') AS awaited;
