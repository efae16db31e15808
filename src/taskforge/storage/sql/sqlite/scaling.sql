-- name: create_scaling_policy
-- audited
INSERT INTO scaling_policies (id, project_id, queue_id, enabled, min_workers, max_workers, target_queue_length,
  target_worker_utilization, target_age_seconds, scale_up_threshold, scale_down_threshold, scale_up_cooldown,
  scale_down_cooldown, provisioner, target, created_at, updated_at)
SELECT :id, q.project_id, q.id, :enabled, :min_workers, :max_workers, :target_queue_length,
  :target_worker_utilization, :target_age_seconds, :scale_up_threshold, :scale_down_threshold, :scale_up_cooldown,
  :scale_down_cooldown, :provisioner, :target, :now, :now
FROM queues q WHERE q.project_id = :project_id AND q.id = :queue_id
ON CONFLICT DO NOTHING
RETURNING id;

-- name: lock_scaling_policy
SELECT s.*, q.name AS queue_name FROM scaling_policies s JOIN queues q ON q.id = s.queue_id
WHERE s.project_id = :project_id AND s.queue_id = :queue_id;

-- name: update_scaling_policy
-- audited
-- Under another provisioner nothing is known of how many workers there are.
UPDATE scaling_policies SET enabled = :enabled, min_workers = :min_workers, max_workers = :max_workers,
  target_queue_length = :target_queue_length, target_worker_utilization = :target_worker_utilization,
  target_age_seconds = :target_age_seconds, scale_up_threshold = :scale_up_threshold,
  scale_down_threshold = :scale_down_threshold, scale_up_cooldown = :scale_up_cooldown,
  scale_down_cooldown = :scale_down_cooldown,
  confirmed_workers = CASE WHEN provisioner = :provisioner AND target IS :target THEN confirmed_workers END,
  failures = CASE WHEN provisioner = :provisioner AND target IS :target THEN failures ELSE 0 END,
  provisioner = :provisioner, target = :target, turn = turn + 1, updated_at = :now
WHERE project_id = :project_id AND queue_id = :queue_id
RETURNING id;

-- name: begin_scaling
-- Who saw an older turn acts no more.
UPDATE scaling_policies SET turn = turn + 1, changed_at = :now
WHERE project_id = :project_id AND queue_id = :queue_id AND turn = :turn AND enabled
RETURNING turn;

-- name: insert_scaling_decision
INSERT INTO scaling_decisions (id, project_id, queue_id, queue_name, action, workers, desired, reason, message, figures,
  provisioner, outcome, actor, decided_at)
VALUES (:id, :project_id, :queue_id, :queue_name, :action, :workers, :desired, :reason, :message, :figures,
  :provisioner, 'begun', :actor, :now);

-- name: confirm_scaling
-- A failure counts from its end, so that one which took long does not use up the pause after it.
UPDATE scaling_policies SET
  confirmed_workers = CASE WHEN :failed THEN confirmed_workers ELSE :desired END,
  failures = CASE WHEN :failed THEN failures + 1 ELSE 0 END, changed_at = :now
WHERE project_id = :project_id AND queue_id = :queue_id AND turn = :turn;

-- name: end_scaling_decision
-- Fewer may have been able to leave than was decided.
UPDATE scaling_decisions SET desired = CASE WHEN workers = :desired THEN desired ELSE :desired END, outcome = :outcome, detail = :detail, drained = :drained, finished_at = :now
WHERE project_id = :project_id AND id = :id AND outcome = 'begun'
RETURNING *;

-- name: list_scaling_decisions
SELECT * FROM scaling_decisions
WHERE project_id = :project_id AND (:queue_id IS NULL OR queue_id = :queue_id) AND (:before IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit;

-- name: forget_scaling_decisions
DELETE FROM scaling_decisions WHERE decided_at < :now - :keep_us;

-- name: drain_idle_worker
-- audited
-- One that runs something, or is asked to leave already, is left alone.
UPDATE workers SET drain_requested_at = :now, updated_at = :now
WHERE project_id = :project_id AND workers.id = :worker_id AND stopped_at IS NULL AND drain_requested_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.status = 'processing' AND j.worker_id = workers.id)
RETURNING workers.id, name;
