-- name: take_chore
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
INSERT INTO chores AS c (name, due_at)
SELECT :name::text, t.now + :interval_us::bigint * interval '1 microsecond' FROM t
ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at WHERE c.due_at <= (SELECT now FROM t)
RETURNING c.name;

-- name: chore_is_due
SELECT NOT EXISTS (SELECT 1 FROM chores c
  WHERE c.name = :name::text AND c.due_at > coalesce(:now::timestamptz, clock_timestamp())) AS due;

-- name: finished_lines
WITH RECURSIVE succeeded (queue_id) AS (
  (SELECT j.queue_id FROM jobs j WHERE j.status = 'succeeded' ORDER BY j.queue_id LIMIT 1)
  UNION ALL
  SELECT (SELECT j.queue_id FROM jobs j WHERE j.status = 'succeeded' AND j.queue_id > s.queue_id
    ORDER BY j.queue_id LIMIT 1)
  FROM succeeded s WHERE s.queue_id IS NOT NULL
),
others (queue_id) AS (
  (SELECT j.queue_id FROM jobs j WHERE j.status IN ('failed', 'cancelled') ORDER BY j.queue_id LIMIT 1)
  UNION ALL
  SELECT (SELECT j.queue_id FROM jobs j WHERE j.status IN ('failed', 'cancelled') AND j.queue_id > o.queue_id
    ORDER BY j.queue_id LIMIT 1)
  FROM others o WHERE o.queue_id IS NOT NULL
)
SELECT l.queue_id, l.status, q.project_id, q.name, q.settings, CASE l.status WHEN 'succeeded'
  THEN (SELECT j.id FROM jobs j WHERE j.queue_id = l.queue_id AND j.status = 'succeeded' ORDER BY j.id LIMIT 1)
  ELSE (SELECT j.id FROM jobs j WHERE j.queue_id = l.queue_id AND j.status = l.status AND j.status IN ('failed', 'cancelled')
    ORDER BY j.id LIMIT 1) END AS first
FROM (
  SELECT s.queue_id, 'succeeded' AS status FROM succeeded s
  UNION ALL SELECT o.queue_id, unnest(ARRAY['cancelled', 'failed']) FROM others o
) l LEFT JOIN queues q ON q.id = l.queue_id
WHERE l.queue_id IS NOT NULL ORDER BY q.name, l.queue_id, l.status;

-- name: old_succeeded
SELECT j.id, j.project_id, j.completed_at < :cutoff::timestamptz AS is_old FROM jobs j
WHERE j.queue_id = :queue_id::uuid AND j.status = 'succeeded' AND j.id > :after::uuid AND j.id < :before::uuid
ORDER BY j.id LIMIT (SELECT :limit::bigint);

-- name: old_others
SELECT j.id, j.project_id, j.completed_at < :cutoff::timestamptz AS is_old FROM jobs j
WHERE j.queue_id = :queue_id::uuid AND j.status IN ('failed', 'cancelled') AND j.status = :status::text
  AND j.id > :after::uuid AND j.id < :before::uuid
ORDER BY j.id LIMIT (SELECT :limit::bigint);

-- name: prune_jobs
DELETE FROM jobs WHERE id = ANY (ARRAY (
  SELECT j.id FROM jobs j WHERE j.id = ANY (:job_ids::uuid[]) AND j.status = :status::text
    AND j.status IN ('succeeded', 'cancelled', 'failed') AND j.completed_at < :cutoff::timestamptz
  FOR UPDATE SKIP LOCKED))
RETURNING id, execution_id, claim_seq, created_at;

-- name: prune_attempts
-- What jobs leave in other classes than their own; that of their own class goes with its day.
DELETE FROM executions WHERE class IN ('cancelled', 'failed') AND class <> :status::text
  AND id >= :first::uuid AND job_id = ANY (:job_ids::uuid[])
RETURNING id;

-- name: prune_lines
DELETE FROM log_lines WHERE execution_id >= :first::uuid AND execution_id = ANY (:execution_ids::uuid[]);

-- name: prune_strays
-- What was moved out of its day, or came when its day had no partition.
WITH ids AS MATERIALIZED (
  SELECT unnest(:execution_ids::uuid[]) AS id
  UNION ALL SELECT e.id FROM executions_kept e WHERE e.job_id = ANY (:job_ids::uuid[])
  UNION ALL SELECT e.id FROM executions_cancelled_default e WHERE e.job_id = ANY (:job_ids::uuid[])
  UNION ALL SELECT e.id FROM executions_failed_default e WHERE e.job_id = ANY (:job_ids::uuid[])
),
kept AS (DELETE FROM executions_kept WHERE id = ANY (ARRAY (SELECT id FROM ids))),
succeeded AS (DELETE FROM executions_succeeded_default WHERE id = ANY (ARRAY (SELECT id FROM ids))),
cancelled AS (DELETE FROM executions_cancelled_default WHERE id = ANY (ARRAY (SELECT id FROM ids))),
failed AS (DELETE FROM executions_failed_default WHERE id = ANY (ARRAY (SELECT id FROM ids))),
kept_lines AS (DELETE FROM log_lines_kept WHERE execution_id = ANY (ARRAY (SELECT id FROM ids))),
succeeded_lines AS (DELETE FROM log_lines_succeeded_default WHERE execution_id = ANY (ARRAY (SELECT id FROM ids))),
cancelled_lines AS (DELETE FROM log_lines_cancelled_default WHERE execution_id = ANY (ARRAY (SELECT id FROM ids)))
DELETE FROM log_lines_failed_default WHERE execution_id = ANY (ARRAY (SELECT id FROM ids));

-- name: executions_of_jobs
SELECT e.*
FROM taskforge_executions_of(:project_id::uuid, :job_ids::uuid[]) AS o (id),
  LATERAL (SELECT x.* FROM executions x WHERE x.id = o.id LIMIT 1) e
ORDER BY e.job_id, e.claim_seq, e.id;

-- name: lines_of_jobs
SELECT l.execution_id, l.seq, l.level, l.message, l.metadata, l.logged_at
FROM taskforge_executions_of(:project_id::uuid, :job_ids::uuid[]) AS o (id),
  LATERAL (SELECT x.* FROM log_lines x WHERE x.execution_id = o.id ORDER BY x.seq OFFSET 0) l
ORDER BY l.execution_id, l.seq;

-- name: all_queue_settings
SELECT settings FROM queues;

-- name: give_back_space
-- autovacuum does
SELECT 1;
