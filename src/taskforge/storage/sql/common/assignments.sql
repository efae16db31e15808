-- name: list_assignments
SELECT a.id, a.project_id, a.queue_id, q.name AS queue_name, a.worker_name, a.weight, a.is_active, a.created_at,
  a.updated_at
FROM assignments a JOIN queues q ON q.project_id = a.project_id AND q.id = a.queue_id
WHERE a.project_id = :project_id ORDER BY q.name, a.worker_name;

-- name: assignments_of_queue
SELECT a.id, a.project_id, a.queue_id, q.name AS queue_name, a.worker_name, a.weight, a.is_active, a.created_at,
  a.updated_at
FROM assignments a JOIN queues q ON q.project_id = a.project_id AND q.id = a.queue_id
WHERE a.project_id = :project_id AND a.queue_id = :queue_id ORDER BY a.worker_name;

-- name: get_assignment
SELECT a.id, a.project_id, a.queue_id, q.name AS queue_name, a.worker_name, a.weight, a.is_active, a.created_at,
  a.updated_at
FROM assignments a JOIN queues q ON q.project_id = a.project_id AND q.id = a.queue_id
WHERE a.project_id = :project_id AND a.id = :assignment_id;

-- name: delete_assignment
-- audited
DELETE FROM assignments WHERE project_id = :project_id AND id = :assignment_id RETURNING id;

-- name: put_plan
-- with another plan the shares begin anew
UPDATE queue_gates SET plan = :plan, shares = CASE WHEN plan = :plan THEN shares END
WHERE project_id = :project_id AND queue_id = :queue_id;

-- name: keep_shares
-- By who does not hold the gate: nothing when somebody was there since it was looked at.
UPDATE queue_gates SET shares = :shares, version = version + 1
WHERE project_id = :project_id AND queue_id = :queue_id AND version = :version RETURNING version;

-- name: rule_queue
UPDATE queues SET is_ruled = :is_ruled OR has_weights WHERE project_id = :project_id AND id = :queue_id;

-- name: list_requirements
SELECT content FROM requirements WHERE project_id = :project_id ORDER BY content;

-- name: put_requirement
INSERT INTO requirements (project_id, content) VALUES (:project_id, :content)
ON CONFLICT (project_id, content) DO NOTHING RETURNING content;
