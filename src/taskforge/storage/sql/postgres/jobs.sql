-- Lengths and limits are hidden in sub-selects. A plan made for the values at hand would else look cheaper than the
-- generic one for small batches, and PostgreSQL would plan again at each call, which costs more than the call.
-- A column named under `-- alike` has one value where all rows have the same: encoding an array is dear.

-- name: accept_jobs
-- Without ON CONFLICT, which costs a fifth of it: ids are new but for a try that is repeated (storage/jobs.py). So each job
-- that a queue takes is stored, or none is: those are counted, for to count what is stored, its rows would be kept till then.
-- alike: queue_id, job_type, priority
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now),
takers AS MATERIALIZED (
  SELECT q.id, q.project_id, q.project_has_pauses, q.aging_us, q.common_line FROM queues q
  WHERE q.project_id = :project_id::uuid AND q.id = ANY (:queue_id::uuid[]) AND q.state <> 'closed'
),
n AS (
  SELECT u.id, u.payload, u.max_attempts, u.retry_policy, u.timeout_ms, u.scheduled_for, u.delay_us, u.expires_at,
    u.deadline, u.tags, coalesce(u.queue_id, (:queue_id::uuid[])[1]) AS queue_id,
    coalesce(u.job_type, (:job_type::text[])[1]) AS job_type, coalesce(u.priority, (:priority::smallint[])[1]) AS priority,
    coalesce(u.scheduled_for, t.now + u.delay_us * interval '1 microsecond', t.now) AS due, t.now
  FROM t, unnest(
    (SELECT :id::uuid[]), :queue_id::uuid[], :job_type::text[], :payload::text[], :priority::smallint[],
    :max_attempts::integer[], :retry_policy::text[], :timeout_ms::bigint[], :scheduled_for::timestamptz[],
    :delay_us::bigint[], :expires_at::timestamptz[], :deadline::timestamptz[], :tags::text[]
  ) AS u (id, queue_id, job_type, payload, priority, max_attempts, retry_policy, timeout_ms, scheduled_for,
          delay_us, expires_at, deadline, tags)
),
stored AS (
  INSERT INTO jobs (
    id, project_id, queue_id, job_type, payload, status, hold, rank, priority, max_attempts, retry_policy,
    timeout_ms, scheduled_for, expires_at, deadline, waits_until, tags, created_at, updated_at, fairness_key
  )
  SELECT n.id, q.project_id, q.id, n.job_type, n.payload::json,
    CASE WHEN n.due > n.now THEN 'scheduled' ELSE 'pending' END,
    CASE WHEN q.project_has_pauses AND (n.tags IS NOT NULL OR EXISTS (
        SELECT 1 FROM pauses p
        WHERE p.project_id = :project_id::uuid AND p.kind IN ('type', 'breaker') AND p.value = n.job_type))
      THEN taskforge_hold(q.project_id, n.job_type, n.tags::jsonb, NULL, NULL, 0)
      WHEN (n.job_type IN (SELECT k.name FROM tasks k WHERE k.project_id = :project_id::uuid
        AND k.name = ANY (:job_type::text[]))) IS NOT TRUE THEN 'no_worker' END,
    (date_part('epoch', n.due) * 1000000)::bigint - n.priority * q.aging_us,
    n.priority, n.max_attempts, n.retry_policy, n.timeout_ms,
    CASE WHEN n.scheduled_for IS NOT NULL OR n.delay_us IS NOT NULL THEN n.due END,
    n.expires_at, n.deadline, least(n.expires_at, n.deadline), n.tags::jsonb, n.now, n.now, q.common_line
  FROM n JOIN takers q ON q.id = n.queue_id
)
SELECT count(*) AS stored, CASE WHEN :hint::text IS NOT NULL THEN pg_notify('taskforge', :hint::text)::text END AS told
FROM unnest((SELECT :id::uuid[]), :queue_id::uuid[]) AS u (id, queue_id)
JOIN takers q ON q.id = coalesce(u.queue_id, (:queue_id::uuid[])[1]);

-- name: accept_job
INSERT INTO jobs (
  id, project_id, queue_id, job_type, payload, status, hold, rank, priority, max_attempts, retry_policy,
  timeout_ms, scheduled_for, expires_at, deadline, waits_until, tags, created_at, updated_at, fairness_key
)
SELECT :id::uuid, q.project_id, q.id, :job_type::text, :payload::json,
  CASE WHEN t.due > t.now THEN 'scheduled' ELSE 'pending' END,
  CASE WHEN q.project_has_pauses AND (:tags::jsonb IS NOT NULL OR EXISTS (
      SELECT 1 FROM pauses p
      WHERE p.project_id = :project_id::uuid AND p.kind IN ('type', 'breaker') AND p.value = :job_type::text))
    THEN taskforge_hold(q.project_id, :job_type::text, :tags::jsonb, NULL, NULL, 0)
    WHEN EXISTS (SELECT 1 FROM tasks k WHERE k.project_id = :project_id::uuid AND k.name = :job_type::text)
    THEN NULL ELSE 'no_worker' END,
  (extract(epoch FROM coalesce(t.due, t.now)) * 1000000)::bigint - :priority::smallint * q.aging_us,
  :priority::smallint, :max_attempts::integer, :retry_policy::text, :timeout_ms::bigint, t.due,
  :expires_at::timestamptz, :deadline::timestamptz, least(:expires_at::timestamptz, :deadline::timestamptz),
  :tags::jsonb, t.now, t.now, q.common_line
FROM (
  SELECT c.now, coalesce(:scheduled_for::timestamptz, c.now + :delay_us::bigint * interval '1 microsecond') AS due
  FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now OFFSET 0) c
) t, queues q
WHERE q.id = :queue_id::uuid AND q.project_id = :project_id::uuid AND q.state <> 'closed'
ON CONFLICT (id) DO NOTHING
RETURNING id, CASE WHEN :hint::text IS NOT NULL THEN pg_notify('taskforge', :hint::text)::text END;

-- name: claim_jobs
WITH t AS MATERIALIZED (
  -- a UUIDv7 begins with the time, its version and 12 random bits, the same for the whole batch. The other 62, below the two of
  -- its variant, are a hash of the job's id by the seed, which the engine draws: each random value that the server draws is dear
  SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now,
    lpad(to_hex((floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint << 16) | x'7000'::bigint | (:seed::bigint & 4095)), 16, '0')
      AS id_start
),
lane AS MATERIALIZED (
  SELECT q.id FROM queues q
  WHERE q.project_id = :project_id::uuid AND q.id = ANY (:queue_ids::uuid[]) AND q.state <> 'paused'
    AND NOT q.is_ruled
  ORDER BY q.priority DESC, q.id
),
suspect AS MATERIALIZED (
  SELECT h.place FROM lane, t, LATERAL (
    SELECT j.ctid AS place FROM jobs j
    WHERE j.queue_id = lane.id AND j.status = 'pending' AND j.hold = 'suspect'
      AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
    ORDER BY j.rank, j.id LIMIT (SELECT :suspects::bigint) FOR UPDATE SKIP LOCKED
  ) h LIMIT (SELECT least(:suspects::bigint, :free::bigint))
),
ready AS MATERIALIZED (
  SELECT h.place FROM lane, t, LATERAL (
    SELECT j.ctid AS place FROM jobs j
    WHERE j.queue_id = lane.id AND j.status = 'pending' AND j.hold IS NULL
      AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
    ORDER BY j.rank, j.id LIMIT (SELECT :free::bigint) FOR UPDATE SKIP LOCKED
  ) h LIMIT greatest(0, :free::bigint - (SELECT count(*) FROM suspect))
),
claimed AS (
  -- ctid = ANY (ARRAY (...)): joined by UPDATE ... FROM, a generic plan merges over the whole key after churn. The rows
  -- are locked, so each stays at its place; one that was changed in the moment before is left to the next claim
  UPDATE jobs SET status = 'processing', hold = NULL, claim_seq = claim_seq + 1, attempt_count = attempt_count + 1,
    execution_id = ((SELECT id_start FROM t)
      || to_hex(uuid_hash_extended(id, :seed::bigint) & x'3fffffffffffffff'::bigint | x'8000000000000000'::bigint))::uuid,
    worker_id = :worker_id::uuid, claimed_at = (SELECT now FROM t),
    started_at = NULL, heartbeat_at = NULL, progress = NULL, updated_at = (SELECT now FROM t),
    lease_until = (SELECT now FROM t) + :lease_us::bigint * interval '1 microsecond'
  WHERE ctid = ANY (ARRAY (SELECT place FROM suspect UNION ALL SELECT place FROM ready))
  RETURNING id, queue_id, job_type, payload, priority, rank, attempt_count, max_attempts, manual_retries,
    retry_policy, timeout_ms, losses, claim_seq, execution_id, deadline, state, claimed_at, concurrency_key
)
SELECT claimed.*, t.now,
  (SELECT min(d.scheduled_for) FROM lane, LATERAL (
    SELECT j.scheduled_for FROM jobs j WHERE j.queue_id = lane.id AND j.status = 'scheduled'
    ORDER BY j.scheduled_for LIMIT 1) d) AS next_due_at,
  (SELECT config_version FROM projects WHERE id = :project_id::uuid) AS config_version
FROM t LEFT JOIN claimed ON true;

-- Settling and beating never join the changed rows to the batch: a generic plan takes both for ten rows and
-- compares each with each. Rows are found by id = ANY (ARRAY (...)), the fence by a hashed subplan (the test
-- IS TRUE keeps it one), and what differs from row to row is looked up in a jsonb object.

-- name: settle_succeeded
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now),
o AS MATERIALIZED (
  SELECT * FROM unnest(
    :claim_seq::bigint[], :execution_id::uuid[], :output::text[], :wait_us::bigint[], :duration_us::bigint[],
    :waited_us::bigint[]
  ) AS r (claim_seq, execution_id, output, wait_us, duration_us, waited_us)
),
settled AS (
  UPDATE jobs SET status = 'succeeded', lease_until = NULL, cancel_requested_at = NULL, waits_until = deadline,
    completed_at = (SELECT now FROM t), updated_at = (SELECT now FROM t)
  WHERE id = ANY ((SELECT :job_id::uuid[])::uuid[]) AND lease_until IS NOT NULL
    AND ((claim_seq, execution_id) IN (SELECT claim_seq, execution_id FROM o)) IS TRUE
  RETURNING id, execution_id, claim_seq, project_id, queue_id, job_type, worker_id, attempt_count, claimed_at,
    heartbeat_at
),
ended AS MATERIALIZED (
  -- a FULL JOIN is never a nested loop, which would compare each with each; all that was settled is in the batch
  SELECT s.*, o.output, o.wait_us, o.duration_us, o.waited_us
  FROM settled s FULL JOIN o ON o.execution_id = s.execution_id
  WHERE CASE WHEN s.execution_id IS NULL THEN false ELSE true END
),
recorded AS (
  INSERT INTO executions_succeeded (
    id, job_id, project_id, queue_id, job_type, worker_id, status, attempt_number, claim_seq, output,
    claimed_at, started_at, finished_at, heartbeat_at, duration_us
  )
  SELECT e.execution_id, e.id, e.project_id, e.queue_id, e.job_type, e.worker_id, 'succeeded', e.attempt_count,
    e.claim_seq, e.output, e.claimed_at, e.claimed_at + e.wait_us * interval '1 microsecond', (SELECT now FROM t),
    e.heartbeat_at, e.duration_us
  FROM ended e
),
counted AS (
  INSERT INTO attempt_deltas (project_id, queue_id, job_type, worker_id, settled_at, succeeded, durations, waits)
  SELECT e.project_id, e.queue_id, e.job_type, e.worker_id, (SELECT now FROM t), count(*), array_agg(e.duration_us),
    array_agg(e.waited_us)
  FROM ended e
  GROUP BY e.project_id, e.queue_id, e.job_type, e.worker_id
)
SELECT execution_id FROM ended;

-- name: settle_jobs
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now),
held AS MATERIALIZED (
  SELECT h.*, o.*
  FROM t, unnest(
    (SELECT :job_id::uuid[]), :claim_seq::bigint[], :execution_id::uuid[], :status::text[], :execution_status::text[],
    :reason::text[], :delay_us::bigint[], :attempts::integer[], :losses::integer[], :hold::text[],
    :dead_letter_queue_id::uuid[], :output::text[], :error_type::text[], :error_message::text[],
    :traceback::text[], :wait_us::bigint[], :duration_us::bigint[], :waited_us::bigint[], :state::text[],
    :lost_only::boolean[], :fingerprint::uuid[]
  ) AS o (job_id, fence, fence_id, status, execution_status, reason, delay_us, attempts, losses, hold,
          dead_letter_queue_id, output, error_type, error_message, traceback, wait_us, duration_us, waited_us, state,
          lost_only, fingerprint),
  LATERAL (
    SELECT j.id, j.execution_id, j.claim_seq, j.lease_until, j.project_id, j.queue_id, j.job_type, j.worker_id,
      j.attempt_count, j.claimed_at, j.started_at, j.heartbeat_at,
      CASE WHEN o.fingerprint IS NOT NULL THEN j.tags END AS tags,
      CASE WHEN o.fingerprint IS NOT NULL THEN nullif(j.fairness_key, '') END AS tenant
    FROM jobs j WHERE j.id = o.job_id LIMIT 1
  ) h
  WHERE h.lease_until IS NOT NULL AND h.claim_seq = o.fence AND h.execution_id = o.fence_id
    AND (NOT o.lost_only OR h.lease_until < t.now OR h.worker_id = ANY (:dead_workers::uuid[]))
),
changes AS MATERIALIZED (
  SELECT jsonb_object_agg(execution_id::text, jsonb_build_object(
    'decided', status, 'delay_us', delay_us, 'attempts', attempts, 'losses', losses, 'hold', hold,
    'dead_letter_queue_id', dead_letter_queue_id, 'state', state, 'lost_only', lost_only)) AS by_execution
  FROM held
),
settled AS (
  UPDATE jobs j SET
    (status, hold, attempt_count, losses, scheduled_for, rank, dead_letter_queue_id, dead_lettered_at,
     completed_at, state) = (
      SELECT c.status,
        CASE WHEN c.status IN ('pending', 'scheduled') THEN
          CASE WHEN (SELECT q.project_has_pauses FROM queues q WHERE q.id = j.queue_id)
            THEN taskforge_hold(j.project_id, j.job_type, j.tags, ARRAY[j.key, j.concurrency_key], j.concurrency_key, j.losses + c.losses) ELSE c.hold END
        END,
        j.attempt_count + c.attempts, j.losses + c.losses,
        CASE WHEN c.delay_us IS NULL THEN j.scheduled_for ELSE t.now + c.delay_us * interval '1 microsecond' END,
        CASE WHEN c.delay_us IS NULL THEN j.rank
          ELSE (extract(epoch FROM t.now) * 1000000)::bigint + c.delay_us
            - j.priority * (SELECT q.aging_us FROM queues q WHERE q.id = j.queue_id) END,
        c.dead_letter_queue_id,
        CASE WHEN c.dead_letter_queue_id IS NOT NULL THEN t.now END,
        CASE WHEN c.status IN ('succeeded', 'failed', 'cancelled') THEN t.now END,
        coalesce(c.state, j.state)
      FROM t, (
        -- a cancel that was requested holds, also when the worker had not heard of it
        SELECT d.*, CASE WHEN j.cancel_requested_at IS NOT NULL AND d.decided IN ('pending', 'scheduled')
          THEN 'cancelled' ELSE d.decided END AS status
        FROM jsonb_to_record((SELECT by_execution FROM changes) -> j.execution_id::text) AS d (
          decided text, delay_us bigint, attempts integer, losses integer, hold text, dead_letter_queue_id uuid,
          state text)
      ) c
    ),
    lease_until = NULL, cancel_requested_at = NULL, waits_until = j.deadline, updated_at = (SELECT now FROM t)
  WHERE j.id = ANY (ARRAY (SELECT id FROM held)) AND j.lease_until IS NOT NULL
    AND ((j.claim_seq, j.execution_id) IN (SELECT claim_seq, execution_id FROM held)) IS TRUE
    AND (NOT ((SELECT by_execution FROM changes) -> j.execution_id::text ->> 'lost_only')::boolean
      OR j.lease_until < (SELECT now FROM t) OR j.worker_id = ANY (:dead_workers::uuid[]))
  RETURNING j.execution_id, j.status
),
recorded AS (
  INSERT INTO executions (
    id, job_id, project_id, queue_id, job_type, worker_id, status, reason, attempt_number, claim_seq, output,
    error_type, error_message, traceback, claimed_at, started_at, finished_at, heartbeat_at, duration_us, class,
    fingerprint
  )
  SELECT h.execution_id, h.id, h.project_id, h.queue_id, h.job_type, h.worker_id,
    CASE WHEN h.execution_status = 'retry_scheduled'
        AND (h.execution_id IN (SELECT execution_id FROM settled WHERE status = 'cancelled')) IS TRUE THEN 'failed'
      ELSE h.execution_status END,
    h.reason, h.attempt_count, h.claim_seq, h.output, h.error_type, h.error_message, h.traceback, h.claimed_at,
    coalesce(h.claimed_at + h.wait_us * interval '1 microsecond', h.started_at), t.now, h.heartbeat_at, h.duration_us,
    CASE WHEN h.execution_status IN ('succeeded', 'cancelled') THEN h.execution_status ELSE 'failed' END,
    h.fingerprint
  FROM held h, t WHERE (h.execution_id IN (SELECT execution_id FROM settled)) IS TRUE
),
counted AS (
  INSERT INTO attempt_deltas (
    project_id, queue_id, job_type, worker_id, settled_at, succeeded, failed, cancelled, durations, waits)
  SELECT h.project_id, h.queue_id, h.job_type, h.worker_id, (SELECT now FROM t),
    count(*) FILTER (WHERE h.execution_status = 'succeeded'),
    count(*) FILTER (WHERE h.execution_status IN ('failed', 'retry_scheduled', 'dead_letter')),
    count(*) FILTER (WHERE h.execution_status = 'cancelled'),
    array_agg(h.duration_us) FILTER (WHERE h.execution_status <> 'cancelled'),
    array_agg(h.waited_us) FILTER (WHERE h.execution_status <> 'cancelled')
  FROM held h
  WHERE (h.execution_id IN (SELECT execution_id FROM settled)) IS TRUE
  GROUP BY h.project_id, h.queue_id, h.job_type, h.worker_id
),
grouped AS (
  INSERT INTO failure_deltas (project_id, fingerprint, queue_id, job_id, job_type, execution_id, failed_at, tags,
    tenant)
  SELECT h.project_id, h.fingerprint, h.queue_id, h.id, h.job_type, h.execution_id, t.now, h.tags::text, h.tenant
  FROM held h, t
  WHERE h.fingerprint IS NOT NULL AND (h.execution_id IN (SELECT execution_id FROM settled)) IS TRUE
)
SELECT execution_id FROM settled;

-- name: settle_lines
INSERT INTO log_lines_succeeded (execution_id, seq, level, message, metadata, logged_at)
SELECT l.execution_id, l.seq, l.level, l.message, l.metadata,
  coalesce(l.logged_at, :now::timestamptz, clock_timestamp())
FROM unnest(
  (SELECT :execution_id::uuid[]), :seq::integer[], :level::text[], :message::text[], :metadata::text[],
  :logged_at::timestamptz[]
) AS l (execution_id, seq, level, message, metadata, logged_at)
ON CONFLICT DO NOTHING;

-- name: beat_jobs
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now),
me AS (
  UPDATE workers w SET last_heartbeat = t.now, updated_at = t.now, incidents = coalesce(:incidents::text, w.incidents),
    -- one that was given up comes back, unless another has taken its name
    stopped_at = CASE WHEN w.given_up_at IS NULL OR EXISTS (SELECT 1 FROM workers n
      WHERE n.project_id = w.project_id AND n.name = w.name AND n.stopped_at IS NULL) THEN w.stopped_at END
  FROM t WHERE w.id = :worker_id::uuid
  RETURNING coalesce(w.drain_requested_at, w.stopped_at) AS drain, w.max_concurrent_jobs AS capacity
),
news AS MATERIALIZED (
  SELECT jsonb_object_agg(b.execution_id::text, jsonb_build_object(
    'started', b.started, 'signed', b.signed, 'progress', b.progress, 'state', b.state)) AS by_execution
  FROM unnest(
    (SELECT :execution_id::uuid[]), :started::boolean[], :signed::boolean[], :progress::text[], :state::text[]
  ) AS b (execution_id, started, signed, progress, state)
),
alive AS (
  UPDATE jobs j SET
    (started_at, heartbeat_at, progress, state) = (
      SELECT coalesce(j.started_at, CASE WHEN b.started THEN t.now END),
        CASE WHEN b.signed THEN t.now ELSE j.heartbeat_at END,
        coalesce(b.progress, j.progress), coalesce(b.state, j.state)
      FROM t, jsonb_to_record((SELECT by_execution FROM news) -> j.execution_id::text) AS b (
        started boolean, signed boolean, progress text, state text)
    ),
    lease_until = (SELECT now FROM t) + :lease_us::bigint * interval '1 microsecond',
    updated_at = (SELECT now FROM t)
  WHERE j.id = ANY ((SELECT :job_id::uuid[])::uuid[]) AND j.lease_until IS NOT NULL
    AND ((j.claim_seq, j.execution_id)
      IN (SELECT * FROM unnest(:claim_seq::bigint[], :execution_id::uuid[]))) IS TRUE
  RETURNING j.execution_id, j.cancel_requested_at AS cancel
)
SELECT alive.execution_id, alive.cancel, (SELECT drain FROM me) AS drain, (SELECT capacity FROM me) AS capacity
FROM t LEFT JOIN alive ON true;

-- name: append_lines
WITH said AS MATERIALIZED (
  SELECT * FROM unnest(
    (SELECT :job_id::uuid[]), :claim_seq::bigint[], :execution_id::uuid[], :seq::integer[], :level::text[],
    :message::text[], :metadata::text[], :logged_at::timestamptz[]
  ) AS l (job_id, claim_seq, execution_id, seq, level, message, metadata, logged_at)
),
-- an end that is under way is waited for, and then seen; none comes before these lines stand
live AS MATERIALIZED (
  SELECT j.claim_seq, j.execution_id FROM jobs j
  WHERE j.id = ANY (ARRAY (SELECT job_id FROM said)) AND j.lease_until IS NOT NULL
    AND ((j.claim_seq, j.execution_id) IN (SELECT claim_seq, execution_id FROM said)) IS TRUE
  ORDER BY j.id FOR SHARE
),
added AS (
  INSERT INTO log_lines_succeeded (execution_id, seq, level, message, metadata, logged_at)
  SELECT l.execution_id, l.seq, l.level, l.message, l.metadata, l.logged_at
  FROM said l JOIN live j ON j.claim_seq = l.claim_seq AND j.execution_id = l.execution_id
  ON CONFLICT DO NOTHING
)
SELECT execution_id FROM live;

-- name: recovery_outlook
-- It is asked again and again, however much waits. So each look at the jobs is for the first in the order of the index that it
-- is meant to read: a planner is free to prefer another way to one row of a condition of which it takes a third, or all, of the
-- table to be true, and where nothing is due that way has no end before the table's. Only what stands below an EXISTS, not in it, keeps its
-- order. Where an idle worker asks, it is its heartbeat as well, and stores what it uses: so it says nothing else.
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now),
me AS (
  UPDATE workers w SET last_heartbeat = t.now, updated_at = t.now, incidents = coalesce(:incidents::text, w.incidents),
    stopped_at = CASE WHEN w.given_up_at IS NULL OR EXISTS (SELECT 1 FROM workers n
      WHERE n.project_id = w.project_id AND n.name = w.name AND n.stopped_at IS NULL) THEN w.stopped_at END
  FROM t WHERE w.id = :worker_id::uuid
  RETURNING w.id, w.project_id, coalesce(w.drain_requested_at, w.stopped_at) AS drain, w.max_concurrent_jobs AS capacity
),
sampled AS (
  INSERT INTO worker_samples (worker_id, sampled_at, project_id, cpu_percent, memory_bytes, memory_percent)
  SELECT me.id, t.now, me.project_id, :cpu_percent::double precision, :memory_bytes::bigint, :memory_percent::double precision
  FROM me, t WHERE :memory_bytes::bigint IS NOT NULL
  ON CONFLICT DO NOTHING
),
line AS MATERIALIZED (
  SELECT q.name, q.state <> 'paused' AS is_served, q.is_ruled,
    (SELECT true FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL
      ORDER BY j.rank, j.id LIMIT 1) IS TRUE
    OR (SELECT true FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold = 'suspect'
      ORDER BY j.rank, j.id LIMIT 1) IS TRUE AS has_ready,
    (SELECT j.scheduled_for FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled'
      ORDER BY j.scheduled_for LIMIT 1) AS next_due_at
  FROM queues q
)
SELECT
  (SELECT true FROM jobs j WHERE j.status = 'processing' AND j.lease_until < t.now ORDER BY j.queue_id LIMIT 1) IS TRUE
    AS expired_leases,
  EXISTS (SELECT 1 FROM line WHERE line.next_due_at <= t.now) AS due,
  ((SELECT j.waits_until FROM jobs j WHERE j.status IN ('pending', 'scheduled') AND j.waits_until IS NOT NULL
    ORDER BY j.waits_until LIMIT 1) <= t.now) IS TRUE AS late,
  EXISTS (SELECT 1 FROM tasks k, LATERAL (
    SELECT j.job_type FROM jobs j WHERE j.project_id = k.project_id AND j.hold = 'no_worker' AND j.job_type >= k.name
    ORDER BY j.job_type LIMIT 1) h WHERE h.job_type = k.name) AS held,
  EXISTS (SELECT 1 FROM pauses p WHERE p.applied_at IS NULL OR p.removed_at IS NOT NULL) AS unfinished_pauses,
  EXISTS (SELECT 1 FROM workers w WHERE w.stopped_at IS NULL
    AND w.last_heartbeat < t.now - :silence_us::bigint * interval '1 microsecond') AS silent_workers,
  EXISTS (SELECT 1 FROM concurrency_keys) AS keyed,
  EXISTS (SELECT 1 FROM breakers) AS has_breakers,
  EXISTS (SELECT 1 FROM attempt_deltas) OR EXISTS (SELECT 1 FROM failure_deltas) AS fold,
  EXISTS (SELECT 1 FROM audit_entries a WHERE a.seq IS NULL) AS seal,
  EXISTS (SELECT 1 FROM alert_rules r WHERE r.enabled AND r.next_at <= t.now) AS alert,
  EXISTS (SELECT 1 FROM job_endings)
    OR EXISTS (SELECT 1 FROM job_notices n, LATERAL (
      SELECT 1 FROM jobs j WHERE j.id = n.job_id AND j.project_id = n.project_id AND j.completed_at IS NOT NULL LIMIT 1) e
      WHERE n.told_at IS NULL)
    OR EXISTS (SELECT 1 FROM line WHERE line.name = :deliveries AND line.is_served
      AND (line.has_ready OR line.next_due_at <= t.now)) AS deliver,
  EXISTS (SELECT 1 FROM line WHERE line.has_ready AND line.is_served AND NOT line.is_ruled) AS compare,
  (SELECT sum(p.config_version)::bigint FROM projects p) AS configuration,
  EXISTS (SELECT 1 FROM line WHERE line.is_served
    AND (line.has_ready OR line.next_due_at <= t.now + :soon_us::bigint * interval '1 microsecond')) AS ready,
  NOT EXISTS (SELECT 1 FROM queue_samples s WHERE s.minute = date_trunc('minute', t.now, 'UTC')) AND (
    EXISTS (SELECT 1 FROM line WHERE line.has_ready OR line.next_due_at IS NOT NULL)
    OR (SELECT true FROM jobs j WHERE j.status = 'pending' AND j.hold IS NOT NULL ORDER BY j.queue_id, j.hold LIMIT 1) IS TRUE
    OR (SELECT true FROM jobs j WHERE j.status = 'processing' ORDER BY j.queue_id LIMIT 1) IS TRUE
    OR EXISTS (SELECT 1 FROM queue_samples s WHERE s.minute = date_trunc('minute', t.now, 'UTC') - interval '1 minute'
      AND s.ready + s.held + s.scheduled + s.processing > 0)) AS sample,
  (SELECT drain FROM me) AS drain, (SELECT capacity FROM me) AS capacity,
  w.id, w.host, w.machine, w.pid, w.process_started
FROM t LEFT JOIN workers w ON w.machine = :machine::text AND (w.stopped_at IS NULL
  OR w.given_up_at > t.now - :silence_us::bigint * interval '1 microsecond'
    AND (SELECT true FROM jobs j WHERE j.status = 'processing' AND j.worker_id = w.id ORDER BY j.queue_id LIMIT 1) IS TRUE);

-- name: promote_jobs
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs j SET status = 'pending', updated_at = (SELECT now FROM t),
  hold = CASE WHEN (SELECT q.project_has_pauses FROM queues q WHERE q.id = j.queue_id)
    THEN taskforge_hold(j.project_id, j.job_type, j.tags, ARRAY[j.key, j.concurrency_key], j.concurrency_key, j.losses) ELSE j.hold END
WHERE j.id = ANY (ARRAY (
  SELECT h.id FROM t, queues q, LATERAL (
    SELECT s.id FROM jobs s WHERE s.queue_id = q.id AND s.status = 'scheduled' AND s.scheduled_for <= t.now
      AND s.id <> ALL (:skip::uuid[]) AND (:only::uuid IS NULL OR s.id = :only::uuid)
    ORDER BY s.scheduled_for LIMIT (SELECT :limit::bigint) FOR UPDATE SKIP LOCKED
  ) h
  WHERE :project_id::uuid IS NULL OR q.project_id = :project_id::uuid
  LIMIT (SELECT :limit::bigint)
))
RETURNING j.id, j.project_id, j.concurrency_key;

-- name: expired_leases
-- OFFSET 0: in the order of the primary key it would read all jobs, where few were there when the planner last looked
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
SELECT j.id, j.project_id, j.queue_id, j.job_type, j.claim_seq, j.execution_id, j.worker_id, j.attempt_count, j.losses, j.max_attempts,
  j.manual_retries, j.concurrency_key, j.cancel_requested_at IS NOT NULL AS cancel_requested,
  EXISTS (SELECT 1 FROM jobs s WHERE s.status = 'processing' AND s.worker_id = j.worker_id AND s.losses > 0
    AND s.id <> j.id)
  OR EXISTS (SELECT 1 FROM workers w WHERE w.id = j.worker_id AND w.suspect_lost_at IS NOT NULL) AS has_suspect_neighbour
FROM (
  SELECT p.* FROM jobs p, t
  WHERE p.status = 'processing' AND (p.lease_until < t.now OR p.worker_id = ANY (:dead_workers::uuid[]))
    AND (:after::uuid IS NULL OR p.id > :after::uuid)
  OFFSET 0
) j
ORDER BY j.id LIMIT (SELECT :limit::bigint);

-- name: leased_jobs
-- what a claim told of them, but for the payload
SELECT j.id, j.queue_id, j.job_type, '' AS payload, j.priority, j.rank, j.attempt_count, j.max_attempts, j.manual_retries,
  j.retry_policy, j.timeout_ms, j.losses, j.claim_seq, j.execution_id, j.deadline, NULL::text AS state, j.claimed_at, j.concurrency_key
FROM jobs j
WHERE j.id = ANY (:job_ids::uuid[]) AND j.project_id = :project_id::uuid AND j.worker_id = :worker_id::uuid
  AND j.status = 'processing';

-- name: expire_waiting
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs j SET status = 'failed', hold = NULL, completed_at = t.now, updated_at = t.now,
  failure = CASE WHEN j.deadline <= t.now THEN 'deadline' ELSE 'queue_timeout' END
FROM t
WHERE j.id = ANY (ARRAY (
  SELECT w.id FROM jobs w WHERE w.status IN ('pending', 'scheduled') AND w.waits_until <= (SELECT now FROM t)
    AND w.id <> ALL (:skip::uuid[]) AND (:only::uuid IS NULL OR w.id = :only::uuid)
  ORDER BY w.waits_until LIMIT (SELECT :limit::bigint) FOR UPDATE SKIP LOCKED
))
RETURNING j.id, j.project_id, j.concurrency_key;

-- name: overdue_due
SELECT h.id FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t, queues q, LATERAL (
  SELECT j.id FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled' AND j.scheduled_for <= t.now
    AND j.id <> ALL (:skip::uuid[])
  ORDER BY j.scheduled_for LIMIT (SELECT :limit::bigint)
) h LIMIT (SELECT :limit::bigint);

-- name: overdue_late
SELECT w.id FROM jobs w
WHERE w.status IN ('pending', 'scheduled') AND w.waits_until <= (SELECT coalesce(:now::timestamptz, clock_timestamp()))
  AND w.id <> ALL (:skip::uuid[])
ORDER BY w.waits_until LIMIT (SELECT :limit::bigint);

-- name: overdue_held
SELECT h.id FROM tasks k, LATERAL (
  SELECT j.id FROM jobs j WHERE j.project_id = k.project_id AND j.job_type = k.name AND j.hold = 'no_worker'
    AND j.id <> ALL (:skip::uuid[])
  LIMIT (SELECT :limit::bigint)
) h LIMIT (SELECT :limit::bigint);

-- name: release_holds
UPDATE jobs j SET hold = taskforge_hold(j.project_id, j.job_type, j.tags, ARRAY[j.key, j.concurrency_key], j.concurrency_key, j.losses)
WHERE j.id = ANY (ARRAY (
  SELECT h.id FROM tasks k, LATERAL (
    SELECT w.id FROM jobs w WHERE w.project_id = k.project_id AND w.job_type = k.name AND w.hold = 'no_worker'
      AND w.id <> ALL (:skip::uuid[]) AND (:only::uuid IS NULL OR w.id = :only::uuid)
    LIMIT (SELECT :limit::bigint) FOR UPDATE SKIP LOCKED
  ) h LIMIT (SELECT :limit::bigint)
))
RETURNING j.id, j.project_id, j.concurrency_key;

-- name: lock_job
SELECT status, job_type, key, concurrency_key, concurrency_limit FROM jobs
WHERE project_id = :project_id AND id = :job_id FOR UPDATE;

-- name: cancel_waiting_job
-- audited
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs SET status = 'cancelled', hold = NULL, completed_at = t.now, updated_at = t.now FROM t
WHERE project_id = :project_id::uuid AND id = :job_id::uuid AND status IN ('pending', 'scheduled')
RETURNING id;

-- name: request_cancel
-- audited
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, t.now), updated_at = t.now FROM t
WHERE project_id = :project_id::uuid AND id = :job_id::uuid AND status = 'processing'
RETURNING id;

-- name: retry_job
-- audited
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs j SET status = 'pending', manual_retries = j.manual_retries + 1, losses = 0, failure = NULL,
  queue_id = q.id, scheduled_for = NULL, expires_at = NULL, deadline = NULL, waits_until = NULL,
  completed_at = NULL, dead_letter_queue_id = NULL, dead_lettered_at = NULL, updated_at = t.now,
  fairness_key = coalesce(j.fairness_key, q.common_line),
  rank = (extract(epoch FROM t.now) * 1000000)::bigint - j.priority * q.aging_us,
  hold = taskforge_hold(j.project_id, j.job_type, j.tags, ARRAY[j.key, j.concurrency_key], j.concurrency_key, 0)
FROM t, (
  SELECT k.id, k.aging_us, k.common_line FROM queues k -- locked, so that it cannot go meanwhile (deletion.sql)
  WHERE k.project_id = :project_id::uuid AND k.id = coalesce(:queue_id::uuid,
    (SELECT o.queue_id FROM jobs o WHERE o.project_id = :project_id::uuid AND o.id = :job_id::uuid))
  FOR KEY SHARE
) q
WHERE j.project_id = :project_id::uuid AND j.id = :job_id::uuid AND j.status IN ('failed', 'cancelled')
RETURNING j.id;
