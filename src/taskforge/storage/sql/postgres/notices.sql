-- Who is told when jobs end.

-- name: put_notice
-- audited
INSERT INTO job_notices (job_id, project_id, receivers, created_at)
VALUES (:job_id::uuid, :project_id::uuid, :receivers::text, coalesce(:now::timestamptz, clock_timestamp()))
ON CONFLICT (job_id) DO UPDATE SET receivers = excluded.receivers, told_at = NULL
RETURNING job_id;

-- name: add_notices
-- By whoever makes the job. Of a job that stood already others may have asked to be told.
INSERT INTO job_notices (job_id, project_id, receivers, created_at)
SELECT n.job_id, :project_id::uuid, n.receivers, coalesce(:now::timestamptz, clock_timestamp())
FROM unnest((SELECT :job_id::uuid[]), :receivers::text[]) AS n (job_id, receivers)
ON CONFLICT (job_id) DO UPDATE SET told_at = NULL,
  receivers = CASE WHEN job_notices.told_at IS NOT NULL THEN excluded.receivers ELSE (
    SELECT json_agg(u.id)::text FROM (SELECT json_array_elements_text(job_notices.receivers::json) AS id
      UNION SELECT json_array_elements_text(excluded.receivers::json)) u) END;

-- name: take_notice
UPDATE job_notices SET told_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND job_id = :job_id::uuid AND told_at IS NULL RETURNING job_id;

-- name: note_endings
-- Of jobs that the same transaction has ended those whose queue has somebody told.
INSERT INTO job_endings (job_id, ended_at, project_id, queue_name, job_type, status, failure, attempt_count,
  execution_id, receivers, created_at)
SELECT j.id, j.completed_at, j.project_id, q.name, j.job_type, j.status, j.failure, j.attempt_count, j.execution_id,
  q.notify, j.created_at
FROM jobs j JOIN queues q ON q.id = j.queue_id AND q.project_id = j.project_id AND q.notify IS NOT NULL
WHERE j.id = ANY (:job_ids::uuid[]) AND j.completed_at IS NOT NULL
  AND (q.notify_on IS NULL OR position(j.status IN q.notify_on) > 0)
ON CONFLICT DO NOTHING;

-- name: take_endings
-- ``own``: who is told of the same end because of the job itself.
-- An array, so that it is chosen once: looked at again for each row, the next ones would be taken, without a limit.
DELETE FROM job_endings n WHERE n.ctid = ANY (ARRAY (
  SELECT e.ctid FROM job_endings e WHERE e.project_id = :project_id::uuid
  ORDER BY e.ended_at, e.job_id LIMIT :limit FOR UPDATE SKIP LOCKED))
RETURNING n.job_id, n.project_id, n.receivers, n.job_type, n.status, n.failure, n.attempt_count, n.created_at,
  n.ended_at AS completed_at, n.queue_name,
  (SELECT x.error_type FROM executions x WHERE x.id = n.execution_id) AS error_type,
  (SELECT o.receivers FROM job_notices o
    WHERE o.job_id = n.job_id AND (o.told_at IS NULL OR o.told_at >= n.ended_at)) AS own;
