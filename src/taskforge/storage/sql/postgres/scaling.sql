-- name: create_scaling_policy
-- audited
INSERT INTO scaling_policies (id, project_id, queue_id, enabled, min_workers, max_workers, target_queue_length,
  target_worker_utilization, target_age_seconds, scale_up_threshold, scale_down_threshold, scale_up_cooldown,
  scale_down_cooldown, provisioner, target, created_at, updated_at)
SELECT :id::uuid, q.project_id, q.id, :enabled::boolean, :min_workers::integer, :max_workers::integer,
  :target_queue_length::integer, :target_worker_utilization::integer, :target_age_seconds::integer,
  :scale_up_threshold::integer, :scale_down_threshold::integer, :scale_up_cooldown::integer,
  :scale_down_cooldown::integer, :provisioner::text, :target::text, t.now, t.now
FROM queues q, (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t
WHERE q.project_id = :project_id::uuid AND q.id = :queue_id::uuid
ON CONFLICT DO NOTHING
RETURNING id;

-- name: lock_scaling_policy
SELECT s.*, q.name AS queue_name FROM scaling_policies s JOIN queues q ON q.id = s.queue_id
WHERE s.project_id = :project_id::uuid AND s.queue_id = :queue_id::uuid FOR NO KEY UPDATE OF s;

-- name: update_scaling_policy
-- audited
-- Under another provisioner nothing is known of how many workers there are.
UPDATE scaling_policies SET enabled = :enabled::boolean, min_workers = :min_workers::integer,
  max_workers = :max_workers::integer, target_queue_length = :target_queue_length::integer,
  target_worker_utilization = :target_worker_utilization::integer, target_age_seconds = :target_age_seconds::integer,
  scale_up_threshold = :scale_up_threshold::integer, scale_down_threshold = :scale_down_threshold::integer,
  scale_up_cooldown = :scale_up_cooldown::integer, scale_down_cooldown = :scale_down_cooldown::integer,
  confirmed_workers = CASE WHEN provisioner = :provisioner::text AND target IS NOT DISTINCT FROM :target::text
    THEN confirmed_workers END,
  failures = CASE WHEN provisioner = :provisioner::text AND target IS NOT DISTINCT FROM :target::text
    THEN failures ELSE 0 END,
  provisioner = :provisioner::text, target = :target::text, turn = turn + 1,
  updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND queue_id = :queue_id::uuid
RETURNING id;

-- name: begin_scaling
-- Who saw an older turn acts no more.
UPDATE scaling_policies SET turn = turn + 1, changed_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND queue_id = :queue_id::uuid AND turn = :turn::bigint AND enabled
RETURNING turn;

-- name: insert_scaling_decision
INSERT INTO scaling_decisions (id, project_id, queue_id, queue_name, action, workers, desired, reason, message, figures,
  provisioner, outcome, actor, decided_at)
SELECT :id::uuid, :project_id::uuid, :queue_id::uuid, :queue_name::text, :action::text, :workers::integer,
  :desired::integer, :reason::text, :message::text, :figures::text, :provisioner::text, 'begun', :actor::text,
  coalesce(:now::timestamptz, clock_timestamp());

-- name: confirm_scaling
-- A failure counts from its end, so that one which took long does not use up the pause after it.
UPDATE scaling_policies SET
  confirmed_workers = CASE WHEN :failed::boolean THEN confirmed_workers ELSE :desired::integer END,
  failures = CASE WHEN :failed::boolean THEN failures + 1 ELSE 0 END,
  changed_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND queue_id = :queue_id::uuid AND turn = :turn::bigint;

-- name: end_scaling_decision
-- Fewer may have been able to leave than was decided.
UPDATE scaling_decisions SET desired = CASE WHEN workers = :desired::integer THEN desired ELSE :desired::integer END, outcome = :outcome::text, detail = :detail::text, drained = :drained::text,
  finished_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND id = :id::uuid AND outcome = 'begun'
RETURNING *;

-- name: list_scaling_decisions
SELECT * FROM scaling_decisions
WHERE project_id = :project_id::uuid AND (:queue_id::uuid IS NULL OR queue_id = :queue_id::uuid)
  AND (:before::uuid IS NULL OR id < :before::uuid)
ORDER BY id DESC LIMIT :limit::bigint;

-- name: forget_scaling_decisions
DELETE FROM scaling_decisions WHERE decided_at < coalesce(:now::timestamptz, clock_timestamp())
  - :keep_us::bigint * interval '1 microsecond';

-- name: drain_idle_worker
-- audited
-- One that runs something, or is asked to leave already, is left alone.
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE workers SET drain_requested_at = t.now, updated_at = t.now FROM t
WHERE project_id = :project_id::uuid AND workers.id = :worker_id::uuid AND stopped_at IS NULL
  AND drain_requested_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.status = 'processing' AND j.worker_id = workers.id)
RETURNING workers.id, name;
