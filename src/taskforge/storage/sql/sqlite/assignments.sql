-- name: create_assignment
-- audited
INSERT INTO assignments (id, project_id, queue_id, worker_name, weight, is_active, created_at, updated_at)
SELECT :id, q.project_id, q.id, :worker_name, :weight, :is_active, :now, :now
FROM queues q WHERE q.project_id = :project_id AND q.id = :queue_id
ON CONFLICT (queue_id, worker_name) DO NOTHING
RETURNING id;

-- name: update_assignment
-- audited
UPDATE assignments SET weight = :weight, is_active = :is_active, updated_at = :now
WHERE project_id = :project_id AND id = :assignment_id
RETURNING id;

-- name: put_shares
UPDATE queue_gates SET shares = :shares, version = version + 1 WHERE project_id = :project_id AND queue_id = :queue_id;
