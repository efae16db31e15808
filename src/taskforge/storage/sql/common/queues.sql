-- name: find_project
SELECT p.id FROM projects p JOIN organizations o ON o.id = p.organization_id
WHERE o.name = :organization AND p.name = :name;

-- name: project_configuration
SELECT p.config_version, p.organization_id, o.max_queued_jobs
FROM projects p JOIN organizations o ON o.id = p.organization_id WHERE p.id = :project_id;

-- name: bump_config
UPDATE projects SET config_version = config_version + 1 WHERE id = :project_id;

-- name: get_queue
SELECT id, project_id, name, description, priority, state, settings, is_ruled, paused_at, paused_by, pause_reason,
  created_at, updated_at FROM queues
WHERE project_id = :project_id AND id = :queue_id;

-- name: find_queue
SELECT id, project_id, name, description, priority, state, settings, is_ruled, paused_at, paused_by, pause_reason,
  created_at, updated_at FROM queues
WHERE project_id = :project_id AND name = :name;

-- name: list_queues
SELECT id, project_id, name, description, priority, state, settings, is_ruled, paused_at, paused_by, pause_reason,
  created_at, updated_at FROM queues
WHERE project_id = :project_id ORDER BY name;

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
ON CONFLICT (queue_id) DO UPDATE SET project_id = excluded.project_id;

-- name: forget_starts
DELETE FROM queue_starts WHERE project_id = :project_id AND queue_id = :queue_id;
