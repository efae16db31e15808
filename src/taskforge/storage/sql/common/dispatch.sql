-- name: count_ready
SELECT count(*) AS jobs FROM queues q JOIN jobs j ON j.queue_id = q.id
WHERE q.project_id = :project_id AND q.id = :queue_id AND j.status = 'pending' AND j.hold IS NULL;
