-- name: lock_schedule
SELECT id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at, declared_at,
  version, created_at, updated_at, coalesce(:now::timestamptz, clock_timestamp()) AS now FROM schedules
WHERE project_id = :project_id AND id = :schedule_id FOR UPDATE;

-- name: create_schedule
-- audited
INSERT INTO schedules (id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at,
  declared_at, version, created_at, updated_at)
VALUES (:id::uuid, :project_id::uuid, :name::text, :declared::text, :changes::text, :enabled::boolean,
  :paused_at::timestamptz, :anchor_at::timestamptz, :next_due_at::timestamptz, :next_fire_at::timestamptz,
  :declared_at::timestamptz, 1, :anchor_at::timestamptz, :anchor_at::timestamptz)
ON CONFLICT (project_id, name) DO NOTHING
RETURNING id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at,
  declared_at, version, created_at, updated_at;

-- name: update_schedule
-- audited
UPDATE schedules SET declared = :declared::text, changes = :changes::text, enabled = :enabled::boolean,
  paused_at = :paused_at::timestamptz, anchor_at = :anchor_at::timestamptz, next_due_at = :next_due_at::timestamptz,
  next_fire_at = :next_fire_at::timestamptz, declared_at = :declared_at::timestamptz,
  version = version + 1, updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND id = :schedule_id::uuid
RETURNING id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at,
  declared_at, version, created_at, updated_at;

-- name: realign_schedule
UPDATE schedules SET next_due_at = :next_due_at::timestamptz, next_fire_at = :next_fire_at::timestamptz
WHERE project_id = :project_id::uuid AND id = :schedule_id::uuid AND next_due_at = :was_due_at::timestamptz;

-- name: pause_schedules
-- audited
UPDATE projects
SET schedules_paused_at = CASE WHEN :paused::boolean THEN coalesce(:now::timestamptz, clock_timestamp()) END
WHERE id = :project_id::uuid AND (schedules_paused_at IS NULL) = :paused::boolean
RETURNING schedules_paused_at;

-- name: put_calendar
-- audited
INSERT INTO calendars (id, project_id, name, content, created_at, updated_at)
SELECT :id::uuid, :project_id::uuid, :name::text, :content::text, t.now, t.now
FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t
ON CONFLICT (project_id, name) DO UPDATE SET content = excluded.content, updated_at = excluded.updated_at
RETURNING id, name, content, created_at, updated_at;
