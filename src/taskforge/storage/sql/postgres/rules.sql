-- name: lock_gates
-- In a statement of its own: the claim that follows then counts in a snapshot that is younger than the lock.
-- Where the queue has a plan: `present` are those who may take jobs now, `waiting` is how many there are to take, as
-- of a moment ago (what is divided by it is then counted exactly).
SELECT g.queue_id, g.plan, g.shares, floor(extract(epoch FROM t.now) * 1000000)::bigint AS now_us,
  CASE WHEN g.plan IS NOT NULL THEN (
    SELECT json_object_agg(w.id, json_build_array(w.name, w.max_concurrent_jobs))::text FROM workers w
    WHERE w.project_id = g.project_id
      AND (w.id = :worker_id::uuid OR w.stopped_at IS NULL AND w.drain_requested_at IS NULL
        AND w.last_heartbeat > t.now - :silence_us::bigint * interval '1 microsecond')
  ) END AS present,
  CASE WHEN g.plan IS NOT NULL THEN greatest(0, least(
    (SELECT count(*) FROM (SELECT 1 FROM jobs j
      WHERE j.queue_id = g.queue_id AND j.status = 'pending' AND j.hold IS NULL
        AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
      ORDER BY j.rank, j.id LIMIT least(:most::bigint, :free::bigint + coalesce((g.shares::jsonb ->> 'spare')::bigint, 0))) w),
    q.max_concurrent_jobs
      - (SELECT count(*) FROM jobs r WHERE r.queue_id = g.queue_id AND r.status = 'processing'),
    q.rate_limit - (SELECT coalesce(sum(s.starts), 0) FROM queue_starts s
      WHERE s.queue_id = g.queue_id AND s.second >= floor(extract(epoch FROM t.now))::bigint - 60)
  )) END AS waiting
FROM queue_gates g JOIN queues q ON q.id = g.queue_id,
  (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t
WHERE g.project_id = :project_id::uuid AND g.queue_id = ANY (:queue_ids::uuid[])
ORDER BY g.queue_id FOR UPDATE OF g SKIP LOCKED;

-- name: claim_ruled_jobs
-- One queue, whose gate is held. A start stays counted for its whole second and the 60 that follow.
WITH t AS MATERIALIZED (
  SELECT c.now, floor(extract(epoch FROM c.now))::bigint AS second,
    overlay(lpad(to_hex(floor(extract(epoch FROM c.now) * 1000)::bigint), 12, '0') PLACING '-' FROM 9 FOR 0)
      || '-7' AS id_start
  FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now OFFSET 0) c
),
lane AS MATERIALIZED (
  SELECT q.id, q.project_id, q.rate_limit,
    q.max_concurrent_jobs - (SELECT count(*) FROM jobs r WHERE r.queue_id = q.id AND r.status = 'processing') AS slots,
    q.rate_limit - (SELECT coalesce(sum(s.starts), 0) FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= t.second - 60) AS starts
  FROM queues q, t
  WHERE q.project_id = :project_id::uuid AND q.id = :queue_id::uuid AND q.state <> 'paused'
),
room AS MATERIALIZED (
  SELECT greatest(0, least(:free::bigint, coalesce(max(slots), :free::bigint), coalesce(max(starts), :free::bigint)))
    AS jobs FROM lane HAVING count(*) = 1
),
suspect AS MATERIALIZED (
  SELECT h.id FROM lane, t, LATERAL (
    SELECT j.id FROM jobs j
    WHERE j.queue_id = lane.id AND j.status = 'pending' AND j.hold = 'suspect'
      AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
    ORDER BY j.rank, j.id LIMIT (SELECT least(:suspects::bigint, jobs) FROM room) FOR UPDATE SKIP LOCKED
  ) h
),
ready AS MATERIALIZED (
  SELECT h.id FROM lane, t, LATERAL (
    SELECT j.id FROM jobs j
    WHERE j.queue_id = lane.id AND j.status = 'pending' AND j.hold IS NULL
      AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
    ORDER BY j.rank, j.id LIMIT (SELECT jobs FROM room) - (SELECT count(*) FROM suspect) FOR UPDATE SKIP LOCKED
  ) h
),
claimed AS (
  UPDATE jobs SET status = 'processing', hold = NULL, claim_seq = claim_seq + 1, attempt_count = attempt_count + 1,
    execution_id = ((SELECT id_start FROM t) || substr(gen_random_uuid()::text, 16))::uuid,
    worker_id = :worker_id::uuid, claimed_at = (SELECT now FROM t), started_at = NULL, heartbeat_at = NULL,
    progress = NULL, updated_at = (SELECT now FROM t),
    lease_until = (SELECT now FROM t) + :lease_us::bigint * interval '1 microsecond'
  WHERE id = ANY (ARRAY (SELECT id FROM suspect UNION ALL SELECT id FROM ready))
  RETURNING id, queue_id, job_type, payload, priority, rank, attempt_count, max_attempts, manual_retries,
    retry_policy, timeout_ms, losses, claim_seq, execution_id, deadline, state, claimed_at, concurrency_key
),
counted AS (
  INSERT INTO queue_starts AS s (queue_id, second, project_id, starts)
  SELECT lane.id, t.second, lane.project_id, c.jobs
  FROM lane, t, (SELECT count(*) AS jobs FROM claimed) c WHERE lane.rate_limit IS NOT NULL AND c.jobs > 0
  ON CONFLICT (queue_id, second) DO UPDATE SET starts = s.starts + excluded.starts
),
forgotten AS (
  DELETE FROM queue_starts WHERE queue_id = :queue_id::uuid AND second < (SELECT second FROM t) - 600
)
SELECT claimed.*, t.now,
  (SELECT min(d.scheduled_for) FROM lane, LATERAL (
    SELECT j.scheduled_for FROM jobs j WHERE j.queue_id = lane.id AND j.status = 'scheduled'
    ORDER BY j.scheduled_for LIMIT 1) d) AS next_due_at,
  (SELECT config_version FROM projects WHERE id = :project_id::uuid) AS config_version,
  (SELECT CASE WHEN lane.starts <= (SELECT count(*) FROM claimed) THEN to_timestamp(61 + coalesce(
      (SELECT min(s.second) FROM queue_starts s WHERE s.queue_id = lane.id AND s.second >= t.second - 60), t.second))
    END FROM lane) AS next_start_at
FROM t LEFT JOIN claimed ON true;

-- name: claims_under_way
-- Whoever has begun to change jobs. A claim locks the table before it takes its snapshot.
SELECT DISTINCT l.virtualtransaction AS holder
FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
WHERE l.relation = 'jobs'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid();
