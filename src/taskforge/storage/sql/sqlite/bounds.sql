-- Bounded queues. Both parts of a backlog are counted over an index of their own, and never further than `most`.

-- name: lock_bounded_queues
-- whoever writes here is alone
SELECT q.id FROM queues q WHERE q.project_id = :project_id AND q.id IN (SELECT value FROM json_each(:queue_ids));

-- name: backlog
SELECT
  (SELECT count(*) FROM (
    SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL LIMIT :most))
  + (SELECT count(*) FROM (
    SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NOT NULL LIMIT :most))
  AS waiting,
  (SELECT :now - coalesce(j.scheduled_for, j.created_at) FROM jobs j
    WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL ORDER BY j.rank, j.id LIMIT 1) AS age_us
FROM queues q WHERE q.project_id = :project_id AND q.id = :queue_id;

-- name: drop_oldest
UPDATE jobs SET status = 'failed', hold = NULL, failure = 'queue_full', completed_at = :now, updated_at = :now
WHERE id IN (
  SELECT id FROM (
    SELECT * FROM (
      SELECT j.id, j.priority, coalesce(j.scheduled_for, j.created_at) AS due FROM jobs j
      WHERE j.project_id = :project_id AND j.queue_id = :queue_id AND j.status = 'pending' AND j.hold IS NULL
      ORDER BY j.rank, j.id LIMIT :most)
    UNION ALL
    SELECT * FROM (
      SELECT j.id, j.priority, coalesce(j.scheduled_for, j.created_at) FROM jobs j
      WHERE j.project_id = :project_id AND j.queue_id = :queue_id AND j.status = 'pending' AND j.hold IS NOT NULL
      ORDER BY j.id LIMIT :most)
  )
  WHERE :older_us IS NULL OR due < :now - :older_us
  ORDER BY priority, due, id LIMIT :excess
)
RETURNING id, project_id, concurrency_key;
