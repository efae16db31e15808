-- name: take_chore
INSERT INTO chores (name, due_at) VALUES (:name, :now + :interval_us)
ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at WHERE chores.due_at <= :now
RETURNING name;

-- name: chore_is_due
SELECT NOT EXISTS (SELECT 1 FROM chores c WHERE c.name = :name AND c.due_at > :now) AS due;

-- name: finished_lines
WITH RECURSIVE succeeded (queue_id) AS (
  SELECT * FROM (SELECT j.queue_id FROM jobs j INDEXED BY jobs_succeeded WHERE j.status = 'succeeded'
    ORDER BY j.queue_id LIMIT 1)
  UNION ALL
  SELECT (SELECT j.queue_id FROM jobs j INDEXED BY jobs_succeeded
    WHERE j.status = 'succeeded' AND j.queue_id > s.queue_id ORDER BY j.queue_id LIMIT 1)
  FROM succeeded s WHERE s.queue_id IS NOT NULL
),
others (queue_id) AS (
  SELECT * FROM (SELECT j.queue_id FROM jobs j INDEXED BY jobs_failed WHERE j.status IN ('failed', 'cancelled')
    ORDER BY j.queue_id LIMIT 1)
  UNION ALL
  SELECT (SELECT j.queue_id FROM jobs j INDEXED BY jobs_failed
    WHERE j.status IN ('failed', 'cancelled') AND j.queue_id > o.queue_id ORDER BY j.queue_id LIMIT 1)
  FROM others o WHERE o.queue_id IS NOT NULL
)
SELECT l.queue_id, l.status, q.project_id, q.name, q.settings, CASE l.status WHEN 'succeeded'
  THEN (SELECT j.id FROM jobs j INDEXED BY jobs_succeeded
    WHERE j.queue_id = l.queue_id AND j.status = 'succeeded' ORDER BY j.id LIMIT 1)
  ELSE (SELECT j.id FROM jobs j INDEXED BY jobs_failed
    WHERE j.queue_id = l.queue_id AND j.status = l.status AND j.status IN ('failed', 'cancelled') ORDER BY j.id LIMIT 1)
  END AS first
FROM (
  SELECT queue_id, 'succeeded' AS status FROM succeeded
  UNION ALL SELECT queue_id, 'cancelled' FROM others
  UNION ALL SELECT queue_id, 'failed' FROM others
) l LEFT JOIN queues q ON q.id = l.queue_id
WHERE l.queue_id IS NOT NULL ORDER BY q.name, l.queue_id, l.status;

-- name: old_succeeded
SELECT j.id, j.project_id, j.completed_at < :cutoff AS is_old FROM jobs j INDEXED BY jobs_succeeded
WHERE j.queue_id = :queue_id AND j.status = 'succeeded' AND j.id > :after AND j.id < :before
ORDER BY j.id LIMIT :limit;

-- name: old_others
SELECT j.id, j.project_id, j.completed_at < :cutoff AS is_old FROM jobs j INDEXED BY jobs_failed
WHERE j.queue_id = :queue_id AND j.status IN ('failed', 'cancelled') AND j.status = :status
  AND j.id > :after AND j.id < :before
ORDER BY j.id LIMIT :limit;

-- name: prune_jobs
DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(:job_ids)) AND status = :status
  AND status IN ('succeeded', 'cancelled', 'failed') AND completed_at < :cutoff
RETURNING id, execution_id, claim_seq, created_at;

-- name: prune_attempts
DELETE FROM executions WHERE job_id IN (SELECT value FROM json_each(:job_ids)) AND :status = :status
  AND id >= :first
RETURNING id;

-- name: prune_lines
DELETE FROM log_lines WHERE execution_id IN (SELECT value FROM json_each(:execution_ids)) AND execution_id >= :first;

-- name: prune_strays
-- a file has no partitions: all went with the attempts
SELECT :job_ids, :execution_ids WHERE false;

-- name: executions_of_jobs
SELECT e.* FROM executions e
WHERE e.project_id = :project_id AND e.job_id IN (SELECT value FROM json_each(:job_ids)) ORDER BY e.job_id, e.claim_seq, e.id;

-- name: lines_of_jobs
SELECT l.execution_id, l.seq, l.level, l.message, l.metadata, l.logged_at
FROM executions e JOIN log_lines l ON l.execution_id = e.id
WHERE e.project_id = :project_id AND e.job_id IN (SELECT value FROM json_each(:job_ids))
ORDER BY l.execution_id, l.seq;

-- name: all_queue_settings
SELECT settings FROM queues;

-- name: give_back_space
PRAGMA incremental_vacuum(2000);
