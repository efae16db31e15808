-- name: create_queue
-- audited
INSERT INTO queues (id, project_id, name, description, priority, state, settings, aging_us, is_ruled,
  max_concurrent_jobs, rate_limit, dead_letter_queue_id, paused_at, paused_by, pause_reason, project_has_pauses, created_at, updated_at, common_line,
  notify, notify_on)
VALUES (:id, :project_id, :name, :description, :priority, :state, :settings, :aging_us, :is_ruled,
  :max_concurrent_jobs, :rate_limit, :dead_letter_queue_id,
  CASE WHEN :state = 'paused' THEN :now END, :paused_by, :pause_reason,
  EXISTS (SELECT 1 FROM pauses p WHERE p.project_id = :project_id AND p.removed_at IS NULL), :now, :now, :common_line, :notify, :notify_on)
ON CONFLICT (project_id, name) DO NOTHING
RETURNING id, project_id, name, description, priority, state, settings, is_ruled, paused_at, paused_by, pause_reason,
  created_at, updated_at, NULL AS plan;

-- name: update_queue
-- audited
UPDATE queues SET name = :name, description = :description, priority = :priority, state = :state,
  settings = :settings, aging_us = :aging_us, is_ruled = :is_ruled OR has_weights, common_line = :common_line,
  notify = :notify, notify_on = :notify_on,
   max_concurrent_jobs = :max_concurrent_jobs, rate_limit = :rate_limit,
  dead_letter_queue_id = :dead_letter_queue_id,
  paused_by = :paused_by, pause_reason = :pause_reason,
  paused_at = CASE WHEN :state = 'paused' THEN coalesce(paused_at, :now) END, updated_at = :now
WHERE project_id = :project_id AND id = :queue_id
RETURNING id, project_id, name, description, priority, state, settings, is_ruled, paused_at, paused_by, pause_reason,
  created_at, updated_at, NULL AS plan;
