-- name: create_assignment
-- audited
INSERT INTO assignments (id, project_id, queue_id, worker_name, weight, is_active, created_at, updated_at)
SELECT :id::uuid, q.project_id, q.id, :worker_name::text, :weight::integer, :is_active::boolean, t.now, t.now
FROM queues q, (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t
WHERE q.project_id = :project_id::uuid AND q.id = :queue_id::uuid
ON CONFLICT (queue_id, worker_name) DO NOTHING
RETURNING id;

-- name: update_assignment
-- audited
UPDATE assignments SET weight = :weight::integer, is_active = :is_active::boolean,
  updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND id = :assignment_id::uuid
RETURNING id;

-- name: put_shares
UPDATE queue_gates g SET shares = s.shares, version = g.version + 1
FROM unnest(:queue_id::uuid[], :shares::text[]) AS s (queue_id, shares)
WHERE g.project_id = :project_id::uuid AND g.queue_id = s.queue_id;
