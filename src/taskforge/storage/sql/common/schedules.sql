-- name: list_schedules
SELECT id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at, declared_at,
  version, created_at, updated_at FROM schedules
WHERE project_id = :project_id ORDER BY name;

-- name: find_schedule
SELECT id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at, declared_at,
  version, created_at, updated_at FROM schedules
WHERE project_id = :project_id AND name = :name;

-- name: delete_schedule
-- audited
DELETE FROM schedules WHERE project_id = :project_id AND id = :schedule_id RETURNING id;

-- name: schedules_paused
SELECT schedules_paused_at FROM projects WHERE id = :project_id;

-- name: list_calendars
SELECT id, name, content, created_at, updated_at FROM calendars WHERE project_id = :project_id ORDER BY name;

-- name: delete_calendar
-- audited
DELETE FROM calendars WHERE project_id = :project_id AND name = :name RETURNING id;

-- name: every_schedule
SELECT id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at, declared_at,
  version, created_at, updated_at FROM schedules ORDER BY id;

-- name: schedules_ahead
SELECT id, project_id FROM schedules WHERE next_due_at IS NOT NULL ORDER BY id;
