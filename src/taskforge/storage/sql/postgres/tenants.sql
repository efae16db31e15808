-- name: lock_organization
SELECT id, name, suspended_at, max_queued_jobs, max_workers, max_schedules, max_requests_per_second, redacted_keys, created_at, updated_at FROM organizations WHERE id = :organization_id FOR UPDATE;

-- name: update_organization
-- audited
UPDATE organizations SET name = :name, max_queued_jobs = :max_queued_jobs, max_workers = :max_workers,
  max_schedules = :max_schedules, max_requests_per_second = :max_requests_per_second, redacted_keys = :redacted_keys,
  suspended_at = CASE WHEN :is_suspended::boolean THEN coalesce(suspended_at, coalesce(:now::timestamptz, clock_timestamp())) END,
  updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE id = :organization_id
RETURNING id, name, suspended_at, max_queued_jobs, max_workers, max_schedules, max_requests_per_second, redacted_keys, created_at, updated_at;

-- name: update_project
-- audited
UPDATE projects SET name = :name, updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE organization_id = :organization_id AND id = :project_id
RETURNING id, organization_id, name, created_at, updated_at;

-- name: empty_project
-- What is left in a project without queues.
WITH a AS (DELETE FROM tasks WHERE project_id = :project_id),
b AS (DELETE FROM pauses WHERE project_id = :project_id),
c AS (DELETE FROM worker_credentials WHERE project_id = :project_id),
d AS (DELETE FROM memberships WHERE project_id = :project_id),
e AS (DELETE FROM api_keys WHERE project_id = :project_id),
f AS (DELETE FROM operations WHERE project_id = :project_id),
g AS (DELETE FROM failure_deltas WHERE project_id = :project_id),
h AS (DELETE FROM error_groups WHERE project_id = :project_id),
h2 AS (DELETE FROM job_traces WHERE project_id = :project_id),
i AS (DELETE FROM leases WHERE project_id = :project_id),
j AS (DELETE FROM scaling_decisions WHERE project_id = :project_id),
k AS (DELETE FROM breakers WHERE project_id = :project_id)
DELETE FROM workers WHERE project_id = :project_id;

-- name: empty_organization
WITH a AS (DELETE FROM worker_credentials WHERE organization_id = :organization_id),
b AS (DELETE FROM memberships WHERE organization_id = :organization_id),
c AS (DELETE FROM sessions WHERE organization_id = :organization_id),
d AS (DELETE FROM api_keys WHERE organization_id = :organization_id),
e AS (DELETE FROM users WHERE organization_id = :organization_id)
DELETE FROM roles WHERE organization_id = :organization_id;

-- name: lock_limits
-- Of those who add to what is limited at once, one waits: the count has to come behind the lock.
SELECT o.id AS organization_id, o.max_workers, o.max_schedules FROM organizations o JOIN projects p ON p.organization_id = o.id
WHERE p.id = :project_id AND (o.max_workers IS NOT NULL OR o.max_schedules IS NOT NULL) FOR NO KEY UPDATE OF o;
