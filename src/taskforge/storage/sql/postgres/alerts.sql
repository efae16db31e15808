-- name: create_receiver
-- audited
INSERT INTO alert_receivers (id, project_id, name, kind, address, enabled, created_at, updated_at)
SELECT :receiver_id::uuid, p.id, :name::text, :kind::text, :address::text, true, t.now, t.now
FROM projects p, (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t
WHERE p.id = :project_id::uuid AND (SELECT count(*) FROM alert_receivers r WHERE r.project_id = p.id) < :most::bigint
ON CONFLICT DO NOTHING RETURNING *;

-- name: put_receiver_secrets
INSERT INTO receiver_secrets (receiver_id, project_id, content)
VALUES (:receiver_id::uuid, :project_id::uuid, :content::text)
ON CONFLICT (receiver_id) DO UPDATE SET content = excluded.content;

-- name: update_receiver
-- audited
UPDATE alert_receivers SET name = :name::text, address = :address::text, enabled = :enabled::boolean,
  updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND id = :receiver_id::uuid RETURNING *;

-- name: create_rule
-- audited
INSERT INTO alert_rules (id, project_id, name, spec, enabled, next_at, created_at, updated_at)
SELECT :rule_id::uuid, p.id, :name::text, :spec::text, :enabled::boolean, t.now, t.now, t.now
FROM projects p, (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t
WHERE p.id = :project_id::uuid AND (SELECT count(*) FROM alert_rules r WHERE r.project_id = p.id) < :most::bigint
ON CONFLICT DO NOTHING RETURNING *;

-- name: lock_rule
SELECT r.*, coalesce(:now::timestamptz, clock_timestamp()) AS now FROM alert_rules r
WHERE r.project_id = :project_id::uuid AND r.id = :rule_id::uuid FOR UPDATE;

-- name: update_rule
-- audited
UPDATE alert_rules SET name = :name::text, spec = :spec::text, enabled = :enabled::boolean, turn = turn + 1,
  version = version + 1, fault = NULL, next_at = coalesce(:now::timestamptz, clock_timestamp()),
  updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND id = :rule_id::uuid RETURNING *;

-- name: rules_due
SELECT (extract(epoch FROM min(next_at) - coalesce(:now::timestamptz, clock_timestamp())) * 1000000)::bigint AS due_us
FROM alert_rules WHERE enabled;

-- name: take_rules
-- Those of one project that are due: they are looked at together.
UPDATE alert_rules SET turn = turn + 1,
  next_at = coalesce(:now::timestamptz, clock_timestamp()) + :interval_us::bigint * interval '1 microsecond'
WHERE id = ANY (ARRAY (SELECT r.id FROM alert_rules r
  WHERE r.enabled AND r.next_at <= coalesce(:now::timestamptz, clock_timestamp()) AND r.project_id = (
    SELECT d.project_id FROM alert_rules d
    WHERE d.enabled AND d.next_at <= coalesce(:now::timestamptz, clock_timestamp()) ORDER BY d.next_at, d.id LIMIT 1)
  ORDER BY r.id FOR UPDATE SKIP LOCKED))
RETURNING *, coalesce(:now::timestamptz, clock_timestamp()) AS now;

-- name: confirm_rule
-- Only who looked at it last may say what it saw.
UPDATE alert_rules SET evaluated_at = coalesce(:now::timestamptz, clock_timestamp()), fault = :fault::text
WHERE project_id = :project_id::uuid AND id = :rule_id::uuid AND turn = :turn::bigint AND enabled
RETURNING id, coalesce(:now::timestamptz, clock_timestamp()) AS now;

-- name: put_alert
INSERT INTO alerts (rule_id, subject, project_id, status, since, value, alert_id, recovered_at, good_since, flaps, told)
VALUES (:rule_id::uuid, :subject::text, :project_id::uuid, :status::text, :since::timestamptz, :value::double precision,
  :alert_id::uuid, :recovered_at::timestamptz, :good_since::timestamptz, :flaps::integer, :told::boolean)
ON CONFLICT (rule_id, subject) DO UPDATE SET status = excluded.status, since = excluded.since, value = excluded.value,
  alert_id = excluded.alert_id, recovered_at = excluded.recovered_at, good_since = excluded.good_since,
  flaps = excluded.flaps, told = excluded.told;

-- name: create_silence
-- audited
INSERT INTO alert_silences (id, project_id, rule_id, subject, starts_at, ends_at, reason, made_by, created_at)
SELECT :silence_id::uuid, p.id, :rule_id::uuid, :subject::text, coalesce(:starts_at::timestamptz, t.now),
  :ends_at::timestamptz, :reason::text, :made_by::text, t.now
FROM projects p, (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t
WHERE p.id = :project_id::uuid AND :ends_at::timestamptz > coalesce(:starts_at::timestamptz, t.now)
  AND :ends_at::timestamptz > t.now
  AND (SELECT count(*) FROM alert_silences s WHERE s.project_id = p.id AND s.ends_at > t.now) < :most::bigint
RETURNING *;

-- name: insert_alert_event
INSERT INTO alert_events (id, project_id, rule_id, rule_name, kind, subject, alert_id, change, value, threshold, summary,
  told, happened_at)
VALUES (:event_id::uuid, :project_id::uuid, :rule_id::uuid, :rule_name::text, :kind::text, :subject::text,
  :alert_id::uuid, :change::text, :value::double precision, :threshold::double precision, :summary::text,
  :told::boolean, :happened_at::timestamptz);

-- name: insert_delivery
INSERT INTO deliveries (id, project_id, receiver_id, cause, cause_id, message, created_at)
VALUES (:delivery_id::uuid, :project_id::uuid, :receiver_id::uuid, :cause::text, :cause_id::uuid, :message::text,
  coalesce(:now::timestamptz, clock_timestamp()));

-- name: note_try
UPDATE deliveries SET tries = tries + 1, last_answer = :answer::text,
  last_tried_at = coalesce(:now::timestamptz, clock_timestamp()),
  delivered_at = CASE WHEN :is_delivered::boolean THEN coalesce(:now::timestamptz, clock_timestamp()) END
WHERE project_id = :project_id::uuid AND id = :delivery_id::uuid AND delivered_at IS NULL;

-- name: delivery_outlook
-- Looks at jobs are for the first in the order of an index, as in recovery_outlook.
SELECT EXISTS (SELECT 1 FROM job_endings)
    OR EXISTS (SELECT 1 FROM job_notices n, LATERAL (
      SELECT 1 FROM jobs j WHERE j.id = n.job_id AND j.project_id = n.project_id AND j.completed_at IS NOT NULL LIMIT 1) e
      WHERE n.told_at IS NULL) AS has_ends,
  EXISTS (SELECT 1 FROM queues q WHERE q.name = :queue AND q.state <> 'paused' AND (
    (SELECT true FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL
      ORDER BY j.rank, j.id LIMIT 1) IS TRUE
    OR (SELECT true FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold = 'suspect'
      ORDER BY j.rank, j.id LIMIT 1) IS TRUE
    OR (SELECT j.scheduled_for FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled'
      ORDER BY j.scheduled_for LIMIT 1) <= coalesce(:now::timestamptz, clock_timestamp()))) AS has_due;

-- name: projects_with_deliveries
-- By the queue's name, which is ours. What is held or running is not due.
SELECT q.project_id FROM queues q
WHERE q.name = :queue AND q.state <> 'paused' AND (
  (SELECT true FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL
    ORDER BY j.rank, j.id LIMIT 1) IS TRUE
  OR (SELECT true FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold = 'suspect'
    ORDER BY j.rank, j.id LIMIT 1) IS TRUE
  OR (SELECT j.scheduled_for FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled'
    ORDER BY j.scheduled_for LIMIT 1) <= coalesce(:now::timestamptz, clock_timestamp()))
LIMIT 100;

-- name: forget_old_alerts
WITH e AS (DELETE FROM alert_events
  WHERE happened_at <= coalesce(:now::timestamptz, clock_timestamp()) - :keep_us::bigint * interval '1 microsecond'),
n AS (DELETE FROM job_notices
  WHERE told_at <= coalesce(:now::timestamptz, clock_timestamp()) - :keep_us::bigint * interval '1 microsecond'),
j AS (DELETE FROM job_endings
  WHERE ended_at <= coalesce(:now::timestamptz, clock_timestamp()) - :keep_us::bigint * interval '1 microsecond'),
s AS (DELETE FROM alert_silences
  WHERE ends_at <= coalesce(:now::timestamptz, clock_timestamp()) - :keep_us::bigint * interval '1 microsecond')
DELETE FROM deliveries
WHERE created_at <= coalesce(:now::timestamptz, clock_timestamp()) - :keep_us::bigint * interval '1 microsecond';

-- name: lost_workers
-- The latest of each name, when it was given up lately or gives no sign of life.
SELECT w.name FROM workers w, (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t
WHERE w.project_id = :project_id::uuid AND (
    (w.stopped_at IS NULL AND w.last_heartbeat < t.now - :silence_us::bigint * interval '1 microsecond')
    OR (w.stopped_at IS NOT NULL AND w.given_up_at > t.now - :window_us::bigint * interval '1 microsecond'))
  AND NOT EXISTS (SELECT 1 FROM workers n WHERE n.project_id = w.project_id AND n.name = w.name AND n.id > w.id)
ORDER BY w.name LIMIT 1000;

-- name: known_types
-- What living workers can run.
SELECT w.queues, w.job_types FROM workers w
WHERE w.project_id = :project_id::uuid AND w.stopped_at IS NULL
  AND w.last_heartbeat > coalesce(:now::timestamptz, clock_timestamp()) - :silence_us::bigint * interval '1 microsecond';

-- name: missed_ticks
-- And the due times that nobody has seen to for a minute: no scheduler runs.
SELECT s.name, (SELECT count(*) FROM ticks k WHERE k.schedule_id = s.id AND k.project_id = :project_id::uuid
    AND k.outcome = 'missed' AND k.fired_at > t.now - :window_us::bigint * interval '1 microsecond')
  + CASE WHEN s.next_fire_at < t.now - interval '1 minute' THEN 1 ELSE 0 END AS missed
FROM schedules s, (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t
WHERE s.project_id = :project_id::uuid;
