-- Whoever writes here is alone, so there is nobody to wait for.

-- name: short_writers_of_jobs
SELECT NULL AS writer WHERE false;

-- name: enlist_queues
SELECT id, name, state FROM queues
WHERE project_id = :project_id AND id IN (SELECT value FROM json_each(:queue_ids)) ORDER BY id;

-- name: wait_briefly
SELECT 1;

-- name: lock_queue
SELECT state FROM queues WHERE project_id = :project_id AND id = :queue_id;

-- name: set_queue_state
UPDATE queues SET state = :state, paused_at = CASE WHEN :state = 'paused' THEN :paused_at END
WHERE project_id = :project_id AND id = :queue_id AND state = :was RETURNING id;
