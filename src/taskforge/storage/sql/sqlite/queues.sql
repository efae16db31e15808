-- name: create_queue
INSERT INTO queues (id, project_id, name, description, priority, state, settings, aging_us, dead_letter_queue_id,
  created_at, updated_at)
VALUES (:id, :project_id, :name, :description, :priority, :state, :settings, :aging_us, :dead_letter_queue_id,
  :now, :now)
ON CONFLICT (project_id, name) DO NOTHING
RETURNING id, project_id, name, description, priority, state, settings, created_at, updated_at;

-- name: update_queue
UPDATE queues SET name = :name, description = :description, priority = :priority, state = :state,
  settings = :settings, aging_us = :aging_us, dead_letter_queue_id = :dead_letter_queue_id, updated_at = :now
WHERE project_id = :project_id AND id = :queue_id
RETURNING id, project_id, name, description, priority, state, settings, created_at, updated_at;

-- name: shut_out_writers
-- whoever writes here is alone
SELECT 1;
