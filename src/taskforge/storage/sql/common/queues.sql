-- name: find_project
SELECT p.id FROM projects p JOIN organizations o ON o.id = p.organization_id
WHERE o.name = :organization AND p.name = :name;

-- name: project_configuration
SELECT p.config_version, p.organization_id,
  EXISTS (SELECT 1 FROM breakers b WHERE b.project_id = p.id) AS has_breakers
FROM projects p WHERE p.id = :project_id;

-- name: bump_config
UPDATE projects SET config_version = config_version + 1 WHERE id = :project_id;

-- name: get_queue
SELECT q.id, q.project_id, q.name, q.description, q.priority, q.state, q.settings, q.is_ruled, q.paused_at, q.paused_by,
  q.pause_reason, q.created_at, q.updated_at, g.plan
FROM queues q LEFT JOIN queue_gates g ON g.queue_id = q.id WHERE q.project_id = :project_id AND q.id = :queue_id;

-- name: find_queue
SELECT q.id, q.project_id, q.name, q.description, q.priority, q.state, q.settings, q.is_ruled, q.paused_at, q.paused_by,
  q.pause_reason, q.created_at, q.updated_at, g.plan
FROM queues q LEFT JOIN queue_gates g ON g.queue_id = q.id WHERE q.project_id = :project_id AND q.name = :name;

-- name: list_queues
SELECT q.id, q.project_id, q.name, q.description, q.priority, q.state, q.settings, q.is_ruled, q.paused_at, q.paused_by,
  q.pause_reason, q.created_at, q.updated_at, g.plan
FROM queues q LEFT JOIN queue_gates g ON g.queue_id = q.id WHERE q.project_id = :project_id ORDER BY q.name;

-- name: count_unfinished
SELECT 'pending' AS status, (SELECT count(*) FROM (SELECT 1 FROM jobs j WHERE j.project_id = :project_id
  AND j.queue_id = :queue_id AND j.status = 'pending' AND j.hold IS NULL LIMIT 10000) b)
  + (SELECT count(*) FROM (SELECT 1 FROM jobs j WHERE j.project_id = :project_id
  AND j.queue_id = :queue_id AND j.status = 'pending' AND j.hold IS NOT NULL LIMIT 10000) b) AS jobs
UNION ALL SELECT 'scheduled', (SELECT count(*) FROM (SELECT 1 FROM jobs j WHERE j.project_id = :project_id
  AND j.queue_id = :queue_id AND j.status = 'scheduled' LIMIT 10000) b)
UNION ALL SELECT 'processing', (SELECT count(*) FROM (SELECT 1 FROM jobs j WHERE j.project_id = :project_id
  AND j.queue_id = :queue_id AND j.status = 'processing' LIMIT 10000) b);

-- name: delete_queue
-- audited
DELETE FROM queues WHERE project_id = :project_id AND id = :queue_id RETURNING id;

-- name: shut_gate
-- Makes the gate, or waits for whoever holds it; shut until the transaction ends.
INSERT INTO queue_gates (queue_id, project_id) VALUES (:queue_id, :project_id)
ON CONFLICT (queue_id) DO UPDATE SET version = queue_gates.version + 1;

-- name: forget_starts
DELETE FROM queue_starts WHERE project_id = :project_id AND queue_id = :queue_id;
