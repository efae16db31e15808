-- Error groups: failures that are the same. Whoever writes here is alone.

-- name: take_failures
SELECT json_group_array(json_array(project_id, fingerprint, queue_id, job_id, job_type, execution_id, failed_at, tags, tenant)) AS packed
FROM (SELECT * FROM failure_deltas ORDER BY rowid LIMIT :limit);
DELETE FROM failure_deltas WHERE rowid IN (SELECT rowid FROM failure_deltas ORDER BY rowid LIMIT :limit);

-- name: groups_to_fold
SELECT g.* FROM json_each(:cells) k
CROSS JOIN error_groups g ON g.project_id = k.value ->> 0 AND g.fingerprint = k.value ->> 1
ORDER BY g.id;

-- name: count_error_groups
SELECT g.project_id, count(*) AS groups FROM error_groups g
WHERE g.project_id IN (SELECT value FROM json_each(:of_projects)) GROUP BY g.project_id;

-- name: failed_samples
SELECT e.id, e.error_type, e.error_message, e.traceback FROM executions e
WHERE e.id IN (SELECT value FROM json_each(:execution_ids));

-- name: put_error_groups
INSERT INTO error_groups (
  id, project_id, fingerprint, status, error_type, message, traceback, frames, failures, first_seen, last_seen, job_id,
  execution_id, tasks, queue_ids, tags, tenants, hours, status_at, status_by, muted_until, returned_at
)
VALUES (:id, :of_project, :fingerprint, :status, :error_type, :message, :traceback, :frames, :failures, :first_seen,
  :last_seen, :job_id, :execution_id, :tasks, :queue_ids, :tags, :tenants, :hours, :status_at, :status_by, :muted_until,
  :returned_at)
ON CONFLICT (project_id, fingerprint) DO UPDATE SET status = excluded.status, error_type = excluded.error_type,
  message = excluded.message, traceback = excluded.traceback, frames = excluded.frames, failures = excluded.failures,
  first_seen = excluded.first_seen, last_seen = excluded.last_seen, job_id = excluded.job_id,
  execution_id = excluded.execution_id, tasks = excluded.tasks, queue_ids = excluded.queue_ids, tags = excluded.tags,
  tenants = excluded.tenants,  hours = excluded.hours, status_at = excluded.status_at, status_by = excluded.status_by,
  muted_until = excluded.muted_until, returned_at = excluded.returned_at;

-- name: list_error_groups
-- without tracebacks, which are long
SELECT g.id, g.project_id, g.fingerprint, g.status, g.error_type, g.message, NULL AS traceback, g.frames, g.failures,
  g.first_seen, g.last_seen, g.job_id, g.execution_id, g.tasks, g.queue_ids, g.tags, g.tenants, g.hours, g.status_at, g.status_by,
  g.muted_until, g.returned_at
FROM error_groups g
WHERE g.project_id = :project_id AND (:statuses IS NULL OR g.status IN (SELECT value FROM json_each(:statuses)))
  AND (:job_type IS NULL OR EXISTS (SELECT 1 FROM json_each(g.tasks) k WHERE k.key = :job_type))
ORDER BY g.last_seen DESC, g.id DESC LIMIT :limit;

-- name: get_error_group
SELECT g.* FROM error_groups g WHERE g.project_id = :project_id AND g.id = :group_id;

-- name: judge_error_group
-- audited
UPDATE error_groups SET status = :status, status_at = :now, status_by = :status_by, muted_until = :muted_until
WHERE project_id = :project_id AND id = :group_id
RETURNING *;

-- name: forget_error_groups
DELETE FROM error_groups WHERE rowid IN (
  SELECT rowid FROM error_groups WHERE last_seen < :now - :errors_us LIMIT :limit);
