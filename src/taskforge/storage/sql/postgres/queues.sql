-- name: create_queue
-- audited
INSERT INTO queues (id, project_id, name, description, priority, state, settings, aging_us, is_ruled,
  max_concurrent_jobs, rate_limit, dead_letter_queue_id, paused_at, paused_by, pause_reason, project_has_pauses, created_at, updated_at, common_line,
  notify, notify_on)
SELECT :id::uuid, :project_id::uuid, :name::text, :description::text, :priority::smallint, :state::text,
  :settings::text, :aging_us::bigint, :is_ruled::boolean, :max_concurrent_jobs::integer, :rate_limit::integer,
  :dead_letter_queue_id::uuid,
  CASE WHEN :state::text = 'paused' THEN t.now END, :paused_by::text, :pause_reason::text,
  EXISTS (SELECT 1 FROM pauses p WHERE p.project_id = :project_id::uuid AND p.removed_at IS NULL), t.now, t.now, :common_line::text,
  :notify::text, :notify_on::text
FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t
ON CONFLICT (project_id, name) DO NOTHING
RETURNING id, project_id, name, description, priority, state, settings, is_ruled, paused_at, paused_by, pause_reason,
  created_at, updated_at, NULL AS plan;

-- name: update_queue
-- audited
UPDATE queues SET name = :name::text, description = :description::text, priority = :priority::smallint,
  state = :state::text, settings = :settings::text, aging_us = :aging_us::bigint, is_ruled = :is_ruled::boolean OR has_weights, common_line = :common_line::text,
  notify = :notify::text, notify_on = :notify_on::text,
   max_concurrent_jobs = :max_concurrent_jobs::integer, rate_limit = :rate_limit::integer,
  dead_letter_queue_id = :dead_letter_queue_id::uuid, paused_by = :paused_by::text, pause_reason = :pause_reason::text,
  paused_at = CASE WHEN :state::text = 'paused' THEN coalesce(paused_at, :now::timestamptz, clock_timestamp()) END,
  updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND id = :queue_id::uuid
RETURNING id, project_id, name, description, priority, state, settings, is_ruled, paused_at, paused_by, pause_reason,
  created_at, updated_at, NULL AS plan;
