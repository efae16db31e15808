-- name: create_receiver
-- audited
INSERT INTO alert_receivers (id, project_id, name, kind, address, enabled, created_at, updated_at)
SELECT :receiver_id, p.id, :name, :kind, :address, 1, t.now, t.now
FROM projects p, (SELECT :now AS now) t
WHERE p.id = :project_id AND (SELECT count(*) FROM alert_receivers r WHERE r.project_id = p.id) < :most
ON CONFLICT DO NOTHING RETURNING *;

-- name: put_receiver_secrets
INSERT INTO receiver_secrets (receiver_id, project_id, content)
VALUES (:receiver_id, :project_id, :content)
ON CONFLICT (receiver_id) DO UPDATE SET content = excluded.content;

-- name: update_receiver
-- audited
UPDATE alert_receivers SET name = :name, address = :address, enabled = :enabled,
  updated_at = :now
WHERE project_id = :project_id AND id = :receiver_id RETURNING *;

-- name: create_rule
-- audited
INSERT INTO alert_rules (id, project_id, name, spec, enabled, next_at, created_at, updated_at)
SELECT :rule_id, p.id, :name, :spec, :enabled, t.now, t.now, t.now
FROM projects p, (SELECT :now AS now) t
WHERE p.id = :project_id AND (SELECT count(*) FROM alert_rules r WHERE r.project_id = p.id) < :most
ON CONFLICT DO NOTHING RETURNING *;

-- name: lock_rule
SELECT r.*, :now AS now FROM alert_rules r
WHERE r.project_id = :project_id AND r.id = :rule_id;

-- name: update_rule
-- audited
UPDATE alert_rules SET name = :name, spec = :spec, enabled = :enabled, turn = turn + 1,
  version = version + 1, fault = NULL, next_at = :now,
  updated_at = :now
WHERE project_id = :project_id AND id = :rule_id RETURNING *;

-- name: rules_due
SELECT min(next_at) - :now AS due_us
FROM alert_rules WHERE enabled;

-- name: take_rules
-- Those of one project that are due: they are looked at together.
UPDATE alert_rules SET turn = turn + 1,
  next_at = :now + :interval_us
WHERE id IN (SELECT r.id FROM alert_rules r
  WHERE r.enabled AND r.next_at <= :now AND r.project_id = (
    SELECT d.project_id FROM alert_rules d
    WHERE d.enabled AND d.next_at <= :now ORDER BY d.next_at, d.id LIMIT 1)
  )
RETURNING *, :now AS now;

-- name: confirm_rule
-- Only who looked at it last may say what it saw.
UPDATE alert_rules SET evaluated_at = :now, fault = :fault
WHERE project_id = :project_id AND id = :rule_id AND turn = :turn AND enabled
RETURNING id, :now AS now;

-- name: put_alert
INSERT INTO alerts (rule_id, subject, project_id, status, since, value, alert_id, recovered_at, good_since, flaps, told)
VALUES (:rule_id, :subject, :project_id, :status, :since, :value,
  :alert_id, :recovered_at, :good_since, :flaps, :told)
ON CONFLICT (rule_id, subject) DO UPDATE SET status = excluded.status, since = excluded.since, value = excluded.value,
  alert_id = excluded.alert_id, recovered_at = excluded.recovered_at, good_since = excluded.good_since,
  flaps = excluded.flaps, told = excluded.told;

-- name: create_silence
-- audited
INSERT INTO alert_silences (id, project_id, rule_id, subject, starts_at, ends_at, reason, made_by, created_at)
SELECT :silence_id, p.id, :rule_id, :subject, coalesce(:starts_at, t.now),
  :ends_at, :reason, :made_by, t.now
FROM projects p, (SELECT :now AS now) t
WHERE p.id = :project_id AND :ends_at > coalesce(:starts_at, t.now)
  AND :ends_at > t.now
  AND (SELECT count(*) FROM alert_silences s WHERE s.project_id = p.id AND s.ends_at > t.now) < :most
RETURNING *;

-- name: insert_alert_event
INSERT INTO alert_events (id, project_id, rule_id, rule_name, kind, subject, alert_id, change, value, threshold, summary,
  told, happened_at)
VALUES (:event_id, :project_id, :rule_id, :rule_name, :kind, :subject,
  :alert_id, :change, :value, :threshold, :summary,
  :told, :happened_at);

-- name: insert_delivery
INSERT INTO deliveries (id, project_id, receiver_id, cause, cause_id, message, created_at)
VALUES (:delivery_id, :project_id, :receiver_id, :cause, :cause_id, :message,
  :now);

-- name: note_try
UPDATE deliveries SET tries = tries + 1, last_answer = :answer,
  last_tried_at = :now,
  delivered_at = CASE WHEN :is_delivered THEN :now END
WHERE project_id = :project_id AND id = :delivery_id AND delivered_at IS NULL;

-- name: delivery_outlook
SELECT EXISTS (SELECT 1 FROM job_endings)
    OR EXISTS (SELECT 1 FROM job_notices n CROSS JOIN jobs j ON j.id = n.job_id AND j.project_id = n.project_id
      WHERE n.told_at IS NULL AND j.completed_at IS NOT NULL) AS has_ends,
  EXISTS (SELECT 1 FROM queues q WHERE q.name = :queue AND q.state <> 'paused' AND (
    EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL)
    OR EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold = 'suspect')
    OR EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled'
      AND j.scheduled_for <= :now))) AS has_due;

-- name: projects_with_deliveries
-- By the queue's name, which is ours. What is held or running is not due.
SELECT q.project_id FROM queues q WHERE q.name = :queue AND q.state <> 'paused' AND (
  EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL)
  OR EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold = 'suspect')
  OR EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled'
    AND j.scheduled_for <= :now))
LIMIT 100;

-- name: forget_old_alerts
DELETE FROM alert_events WHERE happened_at <= :now - :keep_us;
DELETE FROM alert_silences WHERE ends_at <= :now - :keep_us;
DELETE FROM job_endings WHERE ended_at <= :now - :keep_us;
DELETE FROM job_notices WHERE told_at <= :now - :keep_us;
DELETE FROM deliveries
WHERE created_at <= :now - :keep_us;

-- name: lost_workers
-- The latest of each name, when it was given up lately or gives no sign of life.
SELECT w.name FROM workers w, (SELECT :now AS now) t
WHERE w.project_id = :project_id AND (
    (w.stopped_at IS NULL AND w.last_heartbeat < t.now - :silence_us)
    OR (w.stopped_at IS NOT NULL AND w.given_up_at > t.now - :window_us))
  AND NOT EXISTS (SELECT 1 FROM workers n WHERE n.project_id = w.project_id AND n.name = w.name AND n.id > w.id)
ORDER BY w.name LIMIT 1000;

-- name: known_types
-- What living workers can run.
SELECT w.queues, w.job_types FROM workers w
WHERE w.project_id = :project_id AND w.stopped_at IS NULL
  AND w.last_heartbeat > :now - :silence_us;

-- name: missed_ticks
-- And the due times that nobody has seen to for a minute: no scheduler runs.
SELECT s.name, (SELECT count(*) FROM ticks k WHERE k.schedule_id = s.id AND k.project_id = :project_id
    AND k.outcome = 'missed' AND k.fired_at > t.now - :window_us)
  + CASE WHEN s.next_fire_at < t.now - 60000000 THEN 1 ELSE 0 END AS missed
FROM schedules s, (SELECT :now AS now) t
WHERE s.project_id = :project_id;
