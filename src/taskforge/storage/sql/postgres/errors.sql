-- Error groups: failures that are the same. One process folds at a time (`lock_fold`).

-- name: take_failures
DELETE FROM failure_deltas WHERE ctid = ANY (ARRAY (SELECT ctid FROM failure_deltas LIMIT :limit))
RETURNING project_id, fingerprint, queue_id, job_id, job_type, execution_id, failed_at, tags, tenant;

-- name: groups_to_fold
-- locked: what somebody says of a group meanwhile waits
SELECT g.* FROM unnest((SELECT :of_project::uuid[]), :fingerprint::uuid[]) AS k (project_id, fingerprint)
JOIN error_groups g USING (project_id, fingerprint)
ORDER BY g.id FOR UPDATE OF g;

-- name: count_error_groups
SELECT g.project_id, count(*) AS groups FROM error_groups g
WHERE g.project_id = ANY (:of_projects::uuid[]) GROUP BY g.project_id;

-- name: failed_samples
SELECT e.id, e.error_type, e.error_message, e.traceback
FROM unnest((SELECT :execution_ids::uuid[])) AS o (id),
  LATERAL (SELECT x.* FROM executions x WHERE x.id = o.id LIMIT 1) e;

-- name: put_error_groups
INSERT INTO error_groups (
  id, project_id, fingerprint, status, error_type, message, traceback, frames, failures, first_seen, last_seen, job_id,
  execution_id, tasks, queue_ids, tags, tenants, hours, status_at, status_by, muted_until, returned_at
)
SELECT * FROM unnest(
  (SELECT :id::uuid[]), :of_project::uuid[], :fingerprint::uuid[], :status::text[], :error_type::text[],
  :message::text[], :traceback::text[], :frames::text[], :failures::bigint[], :first_seen::timestamptz[],
  :last_seen::timestamptz[], :job_id::uuid[], :execution_id::uuid[], :tasks::text[], :queue_ids::text[],
  :tags::text[], :tenants::text[], :hours::text[], :status_at::timestamptz[], :status_by::text[], :muted_until::timestamptz[],
  :returned_at::timestamptz[]
)
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
WHERE g.project_id = :project_id::uuid AND (:statuses::text[] IS NULL OR g.status = ANY (:statuses::text[]))
  AND (:job_type::text IS NULL OR g.tasks::jsonb ? :job_type::text)
ORDER BY g.last_seen DESC, g.id DESC LIMIT :limit::bigint;

-- name: get_error_group
SELECT g.* FROM error_groups g WHERE g.project_id = :project_id::uuid AND g.id = :group_id::uuid;

-- name: judge_error_group
-- audited
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE error_groups g SET status = :status::text, status_at = t.now, status_by = :status_by::text,
  muted_until = :muted_until::timestamptz FROM t
WHERE g.project_id = :project_id::uuid AND g.id = :group_id::uuid
RETURNING g.*;

-- name: forget_error_groups
DELETE FROM error_groups WHERE ctid = ANY (ARRAY (SELECT g.ctid FROM error_groups g
  WHERE g.last_seen < coalesce(:now::timestamptz, clock_timestamp()) - :errors_us::bigint * interval '1 microsecond'
  LIMIT (SELECT :limit::bigint)));
