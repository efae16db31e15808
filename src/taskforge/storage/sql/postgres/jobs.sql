-- name: accept_jobs
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now),
n AS (
  SELECT u.*, coalesce(u.scheduled_for, t.now + u.delay_us * interval '1 microsecond', t.now) AS due, t.now
  FROM t, unnest(
    :id::uuid[], :queue_id::uuid[], :job_type::text[], :payload::text[], :priority::smallint[],
    :max_attempts::integer[], :retry_policy::text[], :timeout_ms::bigint[], :scheduled_for::timestamptz[],
    :delay_us::bigint[], :expires_at::timestamptz[], :deadline::timestamptz[], :tags::text[]
  ) AS u (id, queue_id, job_type, payload, priority, max_attempts, retry_policy, timeout_ms, scheduled_for,
          delay_us, expires_at, deadline, tags)
)
INSERT INTO jobs (
  id, project_id, queue_id, job_type, payload, status, hold, rank, priority, max_attempts, retry_policy,
  timeout_ms, scheduled_for, expires_at, deadline, waits_until, tags, created_at, updated_at
)
SELECT n.id, q.project_id, q.id, n.job_type, n.payload::json,
  CASE WHEN n.due > n.now THEN 'scheduled' ELSE 'pending' END,
  CASE WHEN k.name IS NULL THEN 'no_worker' END,
  (extract(epoch FROM n.due) * 1000000)::bigint - n.priority * q.aging_us,
  n.priority, n.max_attempts, n.retry_policy, n.timeout_ms,
  CASE WHEN n.scheduled_for IS NOT NULL OR n.delay_us IS NOT NULL THEN n.due END,
  n.expires_at, n.deadline, least(n.expires_at, n.deadline), n.tags::jsonb, n.now, n.now
FROM n
JOIN queues q ON q.id = n.queue_id AND q.project_id = :project_id::uuid AND q.state <> 'closed'
LEFT JOIN tasks k ON k.project_id = :project_id::uuid AND k.name = n.job_type
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: claim_jobs
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now),
lane AS MATERIALIZED (
  SELECT q.id FROM queues q
  WHERE q.project_id = :project_id::uuid AND q.id = ANY (:queue_ids::uuid[]) AND q.state <> 'paused'
  ORDER BY q.priority DESC, q.id
),
suspect AS MATERIALIZED (
  SELECT h.id FROM lane, t, LATERAL (
    SELECT j.id FROM jobs j
    WHERE j.queue_id = lane.id AND j.status = 'pending' AND j.hold = 'suspect'
      AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
    ORDER BY j.rank, j.id LIMIT :suspects::bigint FOR UPDATE SKIP LOCKED
  ) h LIMIT :suspects::bigint
),
ready AS MATERIALIZED (
  SELECT h.id FROM lane, t, LATERAL (
    SELECT j.id FROM jobs j
    WHERE j.queue_id = lane.id AND j.status = 'pending' AND j.hold IS NULL
      AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
    ORDER BY j.rank, j.id LIMIT :free::bigint FOR UPDATE SKIP LOCKED
  ) h LIMIT greatest(0, :free::bigint - (SELECT count(*) FROM suspect))
),
claimed AS (
  -- id = ANY (ARRAY (...)): joined by UPDATE ... FROM, a generic plan merges over the whole key after churn
  UPDATE jobs SET status = 'processing', hold = NULL, claim_seq = claim_seq + 1, attempt_count = attempt_count + 1,
    execution_id = taskforge_uuid7(), worker_id = :worker_id::uuid, claimed_at = (SELECT now FROM t),
    started_at = NULL, heartbeat_at = NULL, progress = NULL, updated_at = (SELECT now FROM t),
    lease_until = (SELECT now FROM t) + :lease_us::bigint * interval '1 microsecond'
  WHERE id = ANY (ARRAY (SELECT id FROM suspect UNION ALL SELECT id FROM ready))
  RETURNING id, queue_id, job_type, payload, priority, rank, attempt_count, max_attempts, manual_retries,
    retry_policy, timeout_ms, losses, claim_seq, execution_id, deadline, state, claimed_at
)
SELECT claimed.*, t.now,
  (SELECT min(d.scheduled_for) FROM lane, LATERAL (
    SELECT j.scheduled_for FROM jobs j WHERE j.queue_id = lane.id AND j.status = 'scheduled'
    ORDER BY j.scheduled_for LIMIT 1) d) AS next_due_at,
  (SELECT config_version FROM projects WHERE id = :project_id::uuid) AS config_version
FROM t LEFT JOIN claimed ON true;

-- name: settle_jobs
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now),
o AS MATERIALIZED (
  SELECT * FROM unnest(
    :job_id::uuid[], :claim_seq::bigint[], :execution_id::uuid[], :status::text[], :execution_status::text[],
    :reason::text[], :delay_us::bigint[], :attempts::integer[], :losses::integer[], :hold::text[],
    :dead_letter_queue_id::uuid[], :output::text[], :error_type::text[], :error_message::text[],
    :traceback::text[], :wait_us::bigint[], :duration_us::bigint[], :state::text[], :lost_only::boolean[]
  ) AS o (job_id, claim_seq, execution_id, status, execution_status, reason, delay_us, attempts, losses, hold,
          dead_letter_queue_id, output, error_type, error_message, traceback, wait_us, duration_us, state, lost_only)
),
settled AS (
  UPDATE jobs j SET status = o.status, hold = o.hold, attempt_count = j.attempt_count + o.attempts,
    losses = j.losses + o.losses, lease_until = NULL, cancel_requested_at = NULL, waits_until = j.deadline,
    scheduled_for = CASE WHEN o.delay_us IS NULL THEN j.scheduled_for
      ELSE t.now + o.delay_us * interval '1 microsecond' END,
    rank = CASE WHEN o.delay_us IS NULL THEN j.rank
      ELSE (extract(epoch FROM t.now) * 1000000)::bigint + o.delay_us
        - j.priority * (SELECT q.aging_us FROM queues q WHERE q.id = j.queue_id) END,
    dead_letter_queue_id = o.dead_letter_queue_id,
    dead_lettered_at = CASE WHEN o.dead_letter_queue_id IS NOT NULL THEN t.now END,
    completed_at = CASE WHEN o.status IN ('succeeded', 'failed', 'cancelled') THEN t.now END,
    state = coalesce(o.state, j.state), updated_at = t.now
  FROM o, t
  WHERE j.id = o.job_id AND j.status = 'processing' AND j.claim_seq = o.claim_seq
    AND j.execution_id = o.execution_id
    AND (NOT o.lost_only OR j.lease_until < t.now OR j.worker_id = ANY (:dead_workers::uuid[]))
  RETURNING j.id, j.execution_id, j.project_id, j.queue_id, j.job_type, j.worker_id, j.claim_seq, j.claimed_at,
    j.started_at, j.heartbeat_at, j.attempt_count - o.attempts AS attempt_number, o.execution_status, o.reason,
    o.output, o.error_type, o.error_message, o.traceback, o.wait_us, o.duration_us, t.now
),
recorded AS (
  INSERT INTO executions (
    id, job_id, project_id, queue_id, job_type, worker_id, status, reason, attempt_number, claim_seq, output,
    error_type, error_message, traceback, claimed_at, started_at, finished_at, heartbeat_at, duration_us
  )
  SELECT s.execution_id, s.id, s.project_id, s.queue_id, s.job_type, s.worker_id, s.execution_status, s.reason,
    s.attempt_number, s.claim_seq, s.output, s.error_type, s.error_message, s.traceback, s.claimed_at,
    coalesce(s.claimed_at + s.wait_us * interval '1 microsecond', s.started_at), s.now, s.heartbeat_at, s.duration_us
  FROM settled s
)
SELECT execution_id FROM settled;

-- name: settle_lines
INSERT INTO log_lines (execution_id, seq, level, message, metadata, logged_at)
SELECT l.execution_id, l.seq, l.level, l.message, l.metadata,
  coalesce(l.logged_at, :now::timestamptz, clock_timestamp())
FROM unnest(
  :execution_id::uuid[], :seq::integer[], :level::text[], :message::text[], :metadata::text[],
  :logged_at::timestamptz[]
) AS l (execution_id, seq, level, message, metadata, logged_at)
ON CONFLICT DO NOTHING;

-- name: beat_jobs
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now),
me AS (
  UPDATE workers w SET last_heartbeat = t.now, updated_at = t.now FROM t WHERE w.id = :worker_id::uuid
  RETURNING coalesce(w.drain_requested_at, w.stopped_at) AS drain
),
b AS MATERIALIZED (
  SELECT * FROM unnest(
    :job_id::uuid[], :claim_seq::bigint[], :execution_id::uuid[], :started::boolean[], :signed::boolean[],
    :progress::text[], :state::text[]
  ) AS b (job_id, claim_seq, execution_id, started, signed, progress, state)
),
alive AS (
  UPDATE jobs j SET lease_until = t.now + :lease_us::bigint * interval '1 microsecond',
    started_at = coalesce(j.started_at, CASE WHEN b.started THEN t.now END),
    heartbeat_at = CASE WHEN b.signed THEN t.now ELSE j.heartbeat_at END,
    progress = coalesce(b.progress, j.progress), state = coalesce(b.state, j.state), updated_at = t.now
  FROM b, t
  WHERE j.id = b.job_id AND j.status = 'processing' AND j.claim_seq = b.claim_seq
    AND j.execution_id = b.execution_id
  RETURNING j.execution_id, j.cancel_requested_at AS cancel
)
SELECT alive.execution_id, alive.cancel, (SELECT drain FROM me) AS drain
FROM t LEFT JOIN alive ON true;

-- name: append_lines
INSERT INTO log_lines (execution_id, seq, level, message, metadata, logged_at)
SELECT l.execution_id, l.seq, l.level, l.message, l.metadata, l.logged_at
FROM unnest(
  :job_id::uuid[], :claim_seq::bigint[], :execution_id::uuid[], :seq::integer[], :level::text[],
  :message::text[], :metadata::text[], :logged_at::timestamptz[]
) AS l (job_id, claim_seq, execution_id, seq, level, message, metadata, logged_at)
JOIN jobs j ON j.id = l.job_id AND j.status = 'processing' AND j.claim_seq = l.claim_seq
  AND j.execution_id = l.execution_id
ON CONFLICT DO NOTHING
RETURNING seq;

-- name: promote_jobs
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs SET status = 'pending', updated_at = (SELECT now FROM t)
WHERE id = ANY (ARRAY (
  SELECT h.id FROM t, queues q, LATERAL (
    SELECT j.id FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled' AND j.scheduled_for <= t.now
    ORDER BY j.scheduled_for LIMIT :limit::bigint FOR UPDATE SKIP LOCKED
  ) h
  WHERE :project_id::uuid IS NULL OR q.project_id = :project_id::uuid
  LIMIT :limit::bigint
))
RETURNING id;

-- name: expired_leases
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
SELECT j.id, j.project_id, j.queue_id, j.claim_seq, j.execution_id, j.worker_id, j.attempt_count, j.losses, j.max_attempts,
  j.manual_retries, j.cancel_requested_at IS NOT NULL AS cancel_requested,
  EXISTS (SELECT 1 FROM jobs s WHERE s.status = 'processing' AND s.worker_id = j.worker_id AND s.losses > 0
    AND s.id <> j.id) AS has_suspect_neighbour
FROM jobs j, t
WHERE j.status = 'processing' AND (j.lease_until < t.now OR j.worker_id = ANY (:dead_workers::uuid[]))
  AND (:after::uuid IS NULL OR j.id > :after::uuid)
ORDER BY j.id LIMIT :limit::bigint;

-- name: expire_waiting
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs j SET status = 'failed', hold = NULL, completed_at = t.now, updated_at = t.now,
  failure = CASE WHEN j.deadline <= t.now THEN 'deadline' ELSE 'queue_timeout' END
FROM t
WHERE j.id = ANY (ARRAY (
  SELECT w.id FROM jobs w, t WHERE w.status IN ('pending', 'scheduled') AND w.waits_until <= t.now
  ORDER BY w.waits_until LIMIT :limit::bigint FOR UPDATE OF w SKIP LOCKED
))
RETURNING j.id;

-- name: release_holds
UPDATE jobs SET hold = NULL
WHERE id = ANY (ARRAY (
  SELECT h.id FROM tasks k, LATERAL (
    SELECT j.id FROM jobs j WHERE j.project_id = k.project_id AND j.job_type = k.name AND j.hold = 'no_worker'
    LIMIT :limit::bigint FOR UPDATE SKIP LOCKED
  ) h LIMIT :limit::bigint
))
RETURNING id;

-- name: lock_job
SELECT status, cancel_requested_at IS NOT NULL AS cancel_requested FROM jobs
WHERE project_id = :project_id AND id = :job_id FOR UPDATE;

-- name: cancel_waiting_job
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs SET status = 'cancelled', hold = NULL, completed_at = t.now, updated_at = t.now FROM t
WHERE project_id = :project_id::uuid AND id = :job_id::uuid AND status IN ('pending', 'scheduled')
RETURNING id;

-- name: request_cancel
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, t.now), updated_at = t.now FROM t
WHERE project_id = :project_id::uuid AND id = :job_id::uuid AND status = 'processing'
RETURNING id;

-- name: retry_job
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs j SET status = 'pending', manual_retries = j.manual_retries + 1, losses = 0, failure = NULL,
  queue_id = q.id, scheduled_for = NULL, expires_at = NULL, deadline = NULL, waits_until = NULL,
  completed_at = NULL, dead_letter_queue_id = NULL, dead_lettered_at = NULL, updated_at = t.now,
  rank = (extract(epoch FROM t.now) * 1000000)::bigint - j.priority * q.aging_us,
  hold = CASE WHEN EXISTS (SELECT 1 FROM tasks k WHERE k.project_id = j.project_id AND k.name = j.job_type)
    THEN NULL ELSE 'no_worker' END
FROM t, queues q
WHERE j.project_id = :project_id::uuid AND j.id = :job_id::uuid AND j.status IN ('failed', 'cancelled')
  AND q.project_id = j.project_id AND q.id = coalesce(:queue_id::uuid, j.queue_id)
RETURNING j.id;
