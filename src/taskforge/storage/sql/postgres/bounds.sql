-- Bounded queues. Both parts of a backlog are counted over an index of their own, and never further than `most`.

-- name: lock_bounded_queues
-- One call at a time counts and adds: what is counted stays true.
SELECT q.id FROM queues q WHERE q.project_id = :project_id::uuid AND q.id = ANY (:queue_ids::uuid[])
ORDER BY q.id FOR NO KEY UPDATE;

-- name: backlog
SELECT
  (SELECT count(*) FROM (
    SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL
    LIMIT (SELECT :most::bigint)) r)
  + (SELECT count(*) FROM (
    SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NOT NULL
    LIMIT (SELECT :most::bigint)) h) AS waiting,
  (SELECT (extract(epoch FROM coalesce(:now::timestamptz, clock_timestamp())
      - coalesce(j.scheduled_for, j.created_at)) * 1000000)::bigint
    FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL
    ORDER BY j.rank, j.id LIMIT 1) AS age_us
FROM queues q WHERE q.project_id = :project_id::uuid AND q.id = :queue_id::uuid;

-- name: drop_oldest
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now),
chosen AS MATERIALIZED (
  SELECT w.id FROM t, (
    (SELECT j.id, j.priority, coalesce(j.scheduled_for, j.created_at) AS due
      FROM jobs j WHERE j.project_id = :project_id::uuid AND j.queue_id = :queue_id::uuid
        AND j.status = 'pending' AND j.hold IS NULL
      ORDER BY j.rank, j.id LIMIT (SELECT :most::bigint))
    UNION ALL
    (SELECT h.* FROM (VALUES ('key'), ('no_worker'), ('paused'), ('suspect')) AS why (hold), LATERAL (
      SELECT j.id, j.priority, coalesce(j.scheduled_for, j.created_at)
      FROM jobs j WHERE j.project_id = :project_id::uuid AND j.queue_id = :queue_id::uuid
        AND j.status = 'pending' AND j.hold = why.hold
      ORDER BY j.rank, j.id LIMIT (SELECT :most::bigint)) h)
  ) w
  WHERE :older_us::bigint IS NULL OR w.due < t.now - :older_us::bigint * interval '1 microsecond'
  ORDER BY w.priority, w.due, w.id LIMIT (SELECT :excess::bigint)
)
UPDATE jobs SET status = 'failed', hold = NULL, failure = 'queue_full', completed_at = t.now, updated_at = t.now
FROM t
WHERE id = ANY (ARRAY (
  -- one that is being claimed leaves the backlog anyway
  SELECT j.id FROM jobs j WHERE j.id = ANY (ARRAY (SELECT id FROM chosen)) AND j.status = 'pending'
  FOR UPDATE SKIP LOCKED
))
RETURNING id, project_id, concurrency_key;
