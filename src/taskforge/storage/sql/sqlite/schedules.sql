-- name: lock_schedule
-- whoever writes here is alone: there is nothing to lock
SELECT id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at, declared_at,
  version, created_at, updated_at, :now AS now FROM schedules
WHERE project_id = :project_id AND id = :schedule_id;

-- name: create_schedule
-- audited
INSERT INTO schedules (id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at,
  declared_at, version, created_at, updated_at)
VALUES (:id, :project_id, :name, :declared, :changes, :enabled, :paused_at, :anchor_at, :next_due_at, :next_fire_at,
  :declared_at, 1, :anchor_at, :anchor_at)
ON CONFLICT (project_id, name) DO NOTHING
RETURNING id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at,
  declared_at, version, created_at, updated_at;

-- name: update_schedule
-- audited
UPDATE schedules SET declared = :declared, changes = :changes, enabled = :enabled, paused_at = :paused_at,
  anchor_at = :anchor_at, next_due_at = :next_due_at, next_fire_at = :next_fire_at, declared_at = :declared_at,
  version = version + 1, updated_at = :now
WHERE project_id = :project_id AND id = :schedule_id
RETURNING id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at,
  declared_at, version, created_at, updated_at;

-- name: realign_schedule
UPDATE schedules SET next_due_at = :next_due_at, next_fire_at = :next_fire_at
WHERE project_id = :project_id AND id = :schedule_id AND next_due_at = :was_due_at;

-- name: pause_schedules
-- audited
UPDATE projects SET schedules_paused_at = CASE WHEN :paused THEN :now END
WHERE id = :project_id AND (schedules_paused_at IS NULL) = :paused
RETURNING schedules_paused_at;

-- name: put_calendar
-- audited
INSERT INTO calendars (id, project_id, name, content, created_at, updated_at)
VALUES (:id, :project_id, :name, :content, :now, :now)
ON CONFLICT (project_id, name) DO UPDATE SET content = excluded.content, updated_at = excluded.updated_at
RETURNING id, name, content, created_at, updated_at;
