-- name: create_organization
-- audited
INSERT INTO organizations (id, name) VALUES (:organization_id, :name) ON CONFLICT (name) DO NOTHING
RETURNING id, name, suspended_at, max_queued_jobs, max_workers, max_schedules, max_requests_per_second, redacted_keys, created_at, updated_at;

-- name: list_organizations
SELECT id, name, suspended_at, max_queued_jobs, max_workers, max_schedules, max_requests_per_second, redacted_keys, created_at, updated_at FROM organizations
WHERE (id = :organization_id OR :organization_id IS NULL) AND (name = :name OR :name IS NULL) ORDER BY name;

-- name: delete_organization
-- audited
DELETE FROM organizations WHERE id = :organization_id RETURNING id;

-- name: create_project
-- audited
INSERT INTO projects (id, organization_id, name) VALUES (:project_id, :organization_id, :name)
ON CONFLICT (organization_id, name) DO NOTHING
RETURNING id, organization_id, name, created_at, updated_at;

-- name: list_projects
SELECT id, organization_id, name, created_at, updated_at FROM projects
WHERE organization_id = :organization_id AND (id = :project_id OR :project_id IS NULL)
  AND (name = :name OR :name IS NULL) ORDER BY name;

-- name: delete_project
-- audited
DELETE FROM projects WHERE organization_id = :organization_id AND id = :project_id RETURNING id;

-- name: project_use
SELECT (SELECT count(*) FROM queues q WHERE q.project_id = :project_id) AS queues,
  (SELECT count(*) FROM workers w WHERE w.project_id = :project_id AND w.stopped_at IS NULL) AS workers;

-- name: count_schedules_of_organization
SELECT count(*) AS schedules FROM projects p JOIN schedules s ON s.project_id = p.id
WHERE p.organization_id = :organization_id;

-- name: count_waiting_of_organization
-- by queue, since the indexes of waiting jobs begin with it
SELECT count(*) AS jobs FROM (
  SELECT 1 FROM projects p JOIN queues q ON q.project_id = p.id JOIN jobs j ON j.queue_id = q.id
  WHERE p.organization_id = :organization_id AND j.status IN ('pending', 'scheduled') LIMIT :limit) waiting;
