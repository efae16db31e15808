-- name: create_operation
-- audited
INSERT INTO operations (id, project_id, action, chosen, target_queue_id, per_second, counted, is_bounded, place, actor,
  next_at, created_at, updated_at)
SELECT :operation_id, p.id, :action, :chosen, :target_queue_id, :per_second,
  :counted, :is_bounded, :operation_id, :actor, :now, :now, :now
FROM projects p WHERE p.id = :project_id
  AND (SELECT count(*) FROM operations o WHERE o.project_id = p.id AND o.status = 'running') < :most
RETURNING *;

-- name: cancel_operation
-- audited
UPDATE operations SET status = 'cancelled', updated_at = :now, completed_at = :now
WHERE project_id = :project_id AND id = :operation_id AND status = 'running'
RETURNING *;

-- name: operation_due
SELECT min(next_at) - :now AS due_us FROM operations WHERE status = 'running';

-- name: take_operation
-- For so long nobody else takes it: longer than a step may last.
UPDATE operations SET turn = turn + 1, next_at = :now + :lease_us
WHERE id = (SELECT o.id FROM operations o WHERE o.status = 'running' AND o.next_at <= :now
  ORDER BY o.next_at LIMIT 1)
RETURNING *;

-- name: advance_operation
-- One that was cancelled meanwhile stays so, with what its last step has done.
UPDATE operations SET done = done + :done, skipped = skipped + :skipped, place = :place,
  failure = CASE WHEN status = 'running' THEN :failure END,
  status = CASE WHEN status <> 'running' THEN status WHEN :failure IS NOT NULL THEN 'failed'
    WHEN :place IS NULL THEN 'succeeded' ELSE status END,
  completed_at = CASE WHEN status <> 'running' THEN completed_at
    WHEN :failure IS NOT NULL OR :place IS NULL THEN :now END,
  next_at = :now + :pause_us, updated_at = :now
WHERE project_id = :project_id AND id = :operation_id AND turn = :turn;

-- name: forget_old_operations
DELETE FROM operations WHERE completed_at <= :now - :keep_us;
