-- name: create_operation
-- audited
INSERT INTO operations (id, project_id, action, chosen, target_queue_id, per_second, counted, is_bounded, place, actor,
  next_at, created_at, updated_at)
SELECT :operation_id::uuid, p.id, :action::text, :chosen::text, :target_queue_id::uuid, :per_second::integer,
  :counted::bigint, :is_bounded::boolean, :operation_id::uuid, :actor::text, coalesce(:now::timestamptz, clock_timestamp()), coalesce(:now::timestamptz, clock_timestamp()), coalesce(:now::timestamptz, clock_timestamp())
FROM projects p WHERE p.id = :project_id::uuid
  AND (SELECT count(*) FROM operations o WHERE o.project_id = p.id AND o.status = 'running') < :most::bigint
RETURNING *;

-- name: cancel_operation
-- audited
UPDATE operations SET status = 'cancelled', updated_at = coalesce(:now::timestamptz, clock_timestamp()), completed_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND id = :operation_id::uuid AND status = 'running'
RETURNING *;

-- name: operation_due
SELECT (extract(epoch FROM min(next_at) - coalesce(:now::timestamptz, clock_timestamp())) * 1000000)::bigint AS due_us FROM operations WHERE status = 'running';

-- name: take_operation
-- For so long nobody else takes it: longer than a step may last.
UPDATE operations SET turn = turn + 1, next_at = coalesce(:now::timestamptz, clock_timestamp()) + :lease_us::bigint * interval '1 microsecond'
WHERE id = (SELECT o.id FROM operations o WHERE o.status = 'running' AND o.next_at <= coalesce(:now::timestamptz, clock_timestamp())
  ORDER BY o.next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *;

-- name: advance_operation
-- One that was cancelled meanwhile stays so, with what its last step has done.
UPDATE operations SET done = done + :done::bigint, skipped = skipped + :skipped::bigint, place = :place::uuid,
  failure = CASE WHEN status = 'running' THEN :failure::text END,
  status = CASE WHEN status <> 'running' THEN status WHEN :failure::text IS NOT NULL THEN 'failed'
    WHEN :place::uuid IS NULL THEN 'succeeded' ELSE status END,
  completed_at = CASE WHEN status <> 'running' THEN completed_at
    WHEN :failure::text IS NOT NULL OR :place::uuid IS NULL THEN coalesce(:now::timestamptz, clock_timestamp()) END,
  next_at = coalesce(:now::timestamptz, clock_timestamp()) + :pause_us::bigint * interval '1 microsecond', updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND id = :operation_id::uuid AND turn = :turn::bigint;

-- name: forget_old_operations
DELETE FROM operations WHERE completed_at <= coalesce(:now::timestamptz, clock_timestamp()) - :keep_us::bigint * interval '1 microsecond';
