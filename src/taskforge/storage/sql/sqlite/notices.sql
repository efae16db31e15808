-- Who is told when jobs end.

-- name: put_notice
-- audited
INSERT INTO job_notices (job_id, project_id, receivers, created_at)
VALUES (:job_id, :project_id, :receivers, :now)
ON CONFLICT (job_id) DO UPDATE SET receivers = excluded.receivers, told_at = NULL
RETURNING job_id;

-- name: add_notices
-- By whoever makes the job. Of a job that stood already others may have asked to be told.
INSERT INTO job_notices (job_id, project_id, receivers, created_at) VALUES (:job_id, :project_id, :receivers, :now)
ON CONFLICT (job_id) DO UPDATE SET told_at = NULL,
  receivers = CASE WHEN job_notices.told_at IS NOT NULL THEN excluded.receivers ELSE (
    SELECT json_group_array(u.value) FROM (SELECT value FROM json_each(job_notices.receivers)
      UNION SELECT value FROM json_each(excluded.receivers)) u) END;

-- name: take_notice
UPDATE job_notices SET told_at = :now
WHERE project_id = :project_id AND job_id = :job_id AND told_at IS NULL RETURNING job_id;

-- name: note_endings
-- Of jobs that the same transaction has ended those whose queue has somebody told.
INSERT INTO job_endings (job_id, ended_at, project_id, queue_name, job_type, status, failure, attempt_count,
  execution_id, receivers, created_at)
SELECT j.id, j.completed_at, j.project_id, q.name, j.job_type, j.status, j.failure, j.attempt_count, j.execution_id,
  q.notify, j.created_at
FROM jobs j JOIN queues q ON q.id = j.queue_id AND q.project_id = j.project_id AND q.notify IS NOT NULL
WHERE j.id IN (SELECT value FROM json_each(:job_ids)) AND j.completed_at IS NOT NULL
  AND (q.notify_on IS NULL OR instr(q.notify_on, j.status) > 0)
ON CONFLICT DO NOTHING;

-- name: take_endings
-- ``own``: who is told of the same end because of the job itself.
DELETE FROM job_endings WHERE (job_id, ended_at) IN (
  SELECT e.job_id, e.ended_at FROM job_endings e WHERE e.project_id = :project_id
  ORDER BY e.ended_at, e.job_id LIMIT :limit)
RETURNING job_id, project_id, receivers, job_type, status, failure, attempt_count, created_at,
  ended_at AS completed_at, queue_name,
  (SELECT x.error_type FROM executions x WHERE x.id = execution_id) AS error_type,
  (SELECT o.receivers FROM job_notices o
    WHERE o.job_id = job_endings.job_id AND (o.told_at IS NULL OR o.told_at >= ended_at)) AS own;
