-- name: list_receivers
SELECT * FROM alert_receivers WHERE project_id = :project_id ORDER BY name;

-- name: get_receiver
SELECT * FROM alert_receivers WHERE project_id = :project_id AND id = :receiver_id;

-- name: delete_receiver
-- audited
DELETE FROM alert_receivers WHERE project_id = :project_id AND id = :receiver_id RETURNING *;

-- name: receiver_secrets
SELECT r.id, r.kind, r.name, r.enabled, s.content FROM alert_receivers r
JOIN receiver_secrets s ON s.receiver_id = r.id AND s.project_id = :project_id
WHERE r.project_id = :project_id AND r.id = :receiver_id;

-- name: list_rules
SELECT * FROM alert_rules WHERE project_id = :project_id ORDER BY name;

-- name: get_rule
SELECT * FROM alert_rules WHERE project_id = :project_id AND id = :rule_id;

-- name: delete_rule
-- audited
DELETE FROM alert_rules WHERE project_id = :project_id AND id = :rule_id RETURNING *;

-- name: list_alerts
SELECT a.*, r.name AS rule_name, r.spec FROM alerts a JOIN alert_rules r ON r.id = a.rule_id AND r.project_id = :project_id
WHERE a.project_id = :project_id ORDER BY a.since DESC, r.name, a.subject;

-- name: alerts_of_rule
SELECT a.* FROM alerts a WHERE a.project_id = :project_id AND a.rule_id = :rule_id;

-- name: forget_alert
DELETE FROM alerts WHERE project_id = :project_id AND rule_id = :rule_id AND subject = :subject;

-- name: list_silences
SELECT * FROM alert_silences WHERE project_id = :project_id ORDER BY ends_at DESC, id;

-- name: get_silence
SELECT * FROM alert_silences WHERE project_id = :project_id AND id = :silence_id;

-- name: delete_silence
-- audited
DELETE FROM alert_silences WHERE project_id = :project_id AND id = :silence_id RETURNING *;

-- name: list_alert_events
SELECT * FROM alert_events WHERE project_id = :project_id
  AND (CAST(:rule_id AS TEXT) IS NULL OR CAST(rule_id AS TEXT) = CAST(:rule_id AS TEXT))
  AND id < :before
ORDER BY id DESC LIMIT :limit;

-- name: list_deliveries
SELECT d.*, r.name AS receiver_name, r.kind AS receiver_kind, j.status AS job_status,
  j.scheduled_for AS next_try_at FROM deliveries d
JOIN alert_receivers r ON r.id = d.receiver_id AND r.project_id = :project_id
LEFT JOIN jobs j ON j.id = d.id AND j.project_id = :project_id
WHERE d.project_id = :project_id
  AND (CAST(:receiver_id AS TEXT) IS NULL OR CAST(d.receiver_id AS TEXT) = CAST(:receiver_id AS TEXT))
  AND (CAST(:status AS TEXT) IS NULL OR CAST(:status AS TEXT) = CASE WHEN d.delivered_at IS NOT NULL THEN 'delivered'
    WHEN j.status = 'cancelled' THEN 'cancelled' WHEN j.status IN ('pending', 'scheduled', 'processing') THEN 'waiting'
    ELSE 'failed' END)
  AND d.id < :before
ORDER BY d.id DESC LIMIT :limit;

-- name: get_delivery
SELECT d.*, r.name AS receiver_name, r.kind AS receiver_kind, j.status AS job_status,
  j.scheduled_for AS next_try_at FROM deliveries d
JOIN alert_receivers r ON r.id = d.receiver_id AND r.project_id = :project_id
LEFT JOIN jobs j ON j.id = d.id AND j.project_id = :project_id
WHERE d.project_id = :project_id AND d.id = :delivery_id;

-- name: waiting_types
-- What nobody can run piles up at the head of its queue, so the head is looked at.
SELECT h.job_type, count(*) AS jobs FROM (
  SELECT j.job_type FROM jobs j WHERE j.project_id = :project_id AND j.queue_id = :queue_id
    AND j.status = 'pending' AND j.hold IS NULL ORDER BY j.rank, j.id LIMIT :bound
) h GROUP BY h.job_type;

-- name: dead_letters_listed
SELECT q.name, (SELECT count(*) FROM (
    SELECT 1 FROM jobs j WHERE j.dead_letter_queue_id = q.id LIMIT :bound) b) AS letters
FROM queues q WHERE q.project_id = :project_id;

-- name: fresh_error_groups
-- New or returned within the window, and not judged since.
SELECT g.id, g.error_type, g.failures FROM error_groups g
WHERE g.project_id = :project_id AND g.status IN ('new', 'returned')
  AND coalesce(g.returned_at, g.first_seen) > :since
ORDER BY g.failures DESC, g.id LIMIT :limit;

-- name: broken_types
-- The pause of a breaker is made when it opens, and goes when it closes: what is tried in between leaves it.
SELECT b.job_type, p.created_at AS held_since FROM breakers b
JOIN pauses p ON p.project_id = b.project_id AND p.kind = 'breaker' AND p.value = b.job_type AND p.removed_at IS NULL
WHERE b.project_id = :project_id AND b.state <> 'closed'
ORDER BY p.created_at, b.job_type LIMIT :limit;
