-- name: lock_gates
-- In a statement of its own: the claim that follows then counts in a snapshot that is younger than the lock.
-- Where the queue has a plan: `present` are those who may take jobs now; where others have room for them, `waiting` is
-- how many there are to take, as of a moment ago (what is divided by it is then counted exactly).
SELECT g.queue_id, q.has_weights OR q.common_line IS NOT NULL AS is_weighed, q.common_line IS NOT NULL AS is_fair,
  g.plan, g.shares, floor(extract(epoch FROM t.now) * 1000000)::bigint AS now_us,
  CASE WHEN g.plan IS NOT NULL THEN (
    SELECT json_object_agg(w.id, json_build_array(w.name, w.max_concurrent_jobs))::text FROM workers w
    WHERE w.project_id = g.project_id
      AND (w.id = :worker_id::uuid OR w.stopped_at IS NULL AND w.drain_requested_at IS NULL
        AND w.last_heartbeat > t.now - :silence_us::bigint * interval '1 microsecond')
  ) END AS present,
  CASE WHEN g.plan IS NOT NULL AND (g.shares::json ->> 'spare')::bigint > 0 THEN greatest(0, least(
    (SELECT count(*) FROM (SELECT 1 FROM jobs j
      WHERE j.queue_id = g.queue_id AND j.status = 'pending' AND j.hold IS NULL
        AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
      AND (j.needs IS NULL OR j.needs = ANY (:needs::text[])
        OR j.updated_at <= t.now - interval '5 seconds' AND j.needs = ANY (:second_best::text[]))
      ORDER BY j.rank, j.id LIMIT least(:most::bigint, :free::bigint + coalesce((g.shares::json ->> 'spare')::bigint, 0))) w),
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
    lpad(to_hex((floor(extract(epoch FROM c.now) * 1000)::bigint << 16) | x'7000'::bigint | (:seed::bigint & 4095)), 16, '0')
      AS id_start
  FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now OFFSET 0) c
),
lane AS MATERIALIZED (
  SELECT q.id, q.project_id, q.rate_limit,
    q.max_concurrent_jobs - (SELECT count(*) FROM jobs r WHERE r.queue_id = q.id AND r.status = 'processing') AS slots,
    q.rate_limit - (SELECT coalesce(sum(s.starts), 0) FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= t.second - 60) AS starts
  FROM queues q, t
  WHERE q.project_id = :project_id::uuid AND q.id = :queue_id::uuid AND q.state <> 'paused'
    AND NOT q.has_weights AND q.common_line IS NULL
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
    execution_id = ((SELECT id_start FROM t)
      || to_hex(uuid_hash_extended(id, :seed::bigint) & x'3fffffffffffffff'::bigint | x'8000000000000000'::bigint))::uuid,
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
),
told AS (
  UPDATE queue_gates SET version = version + 1
  WHERE project_id = :project_id::uuid AND queue_id = :queue_id::uuid AND EXISTS (SELECT 1 FROM claimed)
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

-- name: weigh_jobs
-- The next jobs of one queue and what they weigh; what the queue or this worker can never hold is passed over. A light
-- job is told by its id, another one as [id, slots, tokens]. With :silence_us the gate is not held, and what it keeps is told too, and what lock_gates tells beside it:
-- nothing where the queue is fair by now.
WITH t AS MATERIALIZED (
  SELECT c.now, floor(extract(epoch FROM c.now))::bigint AS second
  FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now OFFSET 0) c
),
lane AS MATERIALIZED (
  SELECT q.id, q.common_line, q.rate_limit, least(q.max_concurrent_jobs, w.max_concurrent_jobs) AS most_slots,
    q.max_concurrent_jobs - (SELECT count(*) + coalesce(sum(r.slots - 1), 0) FROM jobs r
      WHERE r.queue_id = q.id AND r.status = 'processing') AS places_left,
    q.rate_limit - u.starts AS tokens_left,
    CASE WHEN q.rate_limit IS NOT NULL THEN to_timestamp(61 + coalesce(u.oldest, t.second)) END AS next_start_at,
    coalesce(:turn_key::text, g.turn_key) COLLATE "C" AS turn_key, coalesce(:turn_left::integer, g.turn_left) AS turn_left, g.version,
    g.project_id, g.plan, g.shares, (g.shares::json ->> 'spare')::bigint AS spare,
    (SELECT d.scheduled_for FROM jobs d WHERE d.queue_id = q.id AND d.status = 'scheduled'
      ORDER BY d.scheduled_for LIMIT 1) AS next_due_at
  FROM t, queues q JOIN queue_gates g ON g.queue_id = q.id LEFT JOIN workers w ON w.id = :worker_id::uuid,
    LATERAL (SELECT coalesce(sum(s.starts), 0) AS starts, min(s.second) AS oldest FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= t.second - 60) u
  WHERE q.project_id = :project_id::uuid AND q.id = :queue_id::uuid AND q.state <> 'paused'
    AND (:silence_us::bigint IS NULL OR q.common_line IS NULL)
)
SELECT t.now, lane.next_due_at,
  (SELECT config_version FROM projects WHERE id = :project_id::uuid) AS config_version,
  lane.places_left, lane.tokens_left, lane.next_start_at, lane.turn_key, lane.turn_left, lane.version,
  lane.id AS queue_id, lane.plan, lane.shares, floor(extract(epoch FROM t.now) * 1000000)::bigint AS now_us,
  CASE WHEN :silence_us::bigint IS NOT NULL AND lane.plan IS NOT NULL THEN (
    SELECT json_object_agg(w.id, json_build_array(w.name, w.max_concurrent_jobs))::text FROM workers w
    WHERE w.project_id = lane.project_id
      AND (w.id = :worker_id::uuid OR w.stopped_at IS NULL AND w.drain_requested_at IS NULL
        AND w.last_heartbeat > t.now - :silence_us::bigint * interval '1 microsecond')
  ) END AS present,
  CASE WHEN :silence_us::bigint IS NOT NULL AND lane.plan IS NOT NULL AND lane.spare > 0 THEN greatest(0, least(
    (SELECT count(*) FROM (SELECT 1 FROM jobs j
      WHERE j.queue_id = lane.id AND j.status = 'pending' AND j.hold IS NULL
        AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
        AND (j.needs IS NULL OR j.needs = ANY (:needs::text[])
          OR j.updated_at <= t.now - interval '5 seconds' AND j.needs = ANY (:second_best::text[]))
      ORDER BY j.rank, j.id LIMIT least(:most::bigint, :free::bigint + lane.spare)) w),
    lane.places_left, lane.tokens_left)) END AS waiting,
  (SELECT json_agg(json_build_array(h.id, h.slots, h.tokens)) FROM (
      SELECT j.id, coalesce(j.slots, 1) AS slots, coalesce(j.rate_tokens, 1) AS tokens FROM jobs j
      WHERE j.queue_id = lane.id AND j.status = 'pending' AND j.hold = 'suspect'
        AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
        AND (j.needs IS NULL OR j.needs = ANY (:needs::text[])
          OR j.updated_at <= t.now - interval '5 seconds' AND j.needs = ANY (:second_best::text[]))
        AND coalesce(j.slots, 1) <= coalesce(lane.most_slots, 1000)
        AND (lane.rate_limit IS NULL OR coalesce(j.rate_tokens, 1) <= lane.rate_limit)
      ORDER BY j.rank, j.id LIMIT (SELECT :suspects::bigint)) h
  )::text AS suspects,
  (SELECT json_agg(CASE WHEN h.slots IS NULL AND h.tokens IS NULL THEN to_json(h.id)
      ELSE json_build_array(h.id, coalesce(h.slots, 1), coalesce(h.tokens, 1)) END) FROM (
      SELECT j.id, j.slots, j.rate_tokens AS tokens FROM jobs j
      WHERE j.queue_id = lane.id AND j.status = 'pending' AND j.hold IS NULL
        AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
        AND (j.needs IS NULL OR j.needs = ANY (:needs::text[])
          OR j.updated_at <= t.now - interval '5 seconds' AND j.needs = ANY (:second_best::text[]))
        AND coalesce(j.slots, 1) <= coalesce(lane.most_slots, 1000)
        AND (lane.rate_limit IS NULL OR coalesce(j.rate_tokens, 1) <= lane.rate_limit)
      ORDER BY j.rank, j.id LIMIT (SELECT :free::bigint)) h
  )::text AS ready
FROM t LEFT JOIN lane ON true;

-- name: weigh_lines
-- The lines of a fair queue from the one whose turn it is and around, until what they weigh together is :lines; of each the
-- next jobs, at least as many as its part of what is free, and as many more as others lack of theirs: [key, weight, jobs, rest]. Each line
-- costs two looks into an index, however long it is. Where that is not enough, `lineless` are those that came without a line, from
-- before the queue was fair. A light job is told by its id, another one as [id, slots, tokens]. With :silence_us
-- the gate is not held, and what it keeps is told too: nothing where the queue is not fair (any more). IS TRUE is what the index of lines says, and no other: a planner that believes that
-- nothing is pending, as it was when it last looked, would sort all that is.
WITH RECURSIVE t AS MATERIALIZED (
  SELECT c.now, floor(extract(epoch FROM c.now))::bigint AS second
  FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now OFFSET 0) c
),
lane AS MATERIALIZED (
  SELECT q.id, q.common_line, q.rate_limit, least(q.max_concurrent_jobs, w.max_concurrent_jobs) AS most_slots,
    q.max_concurrent_jobs - (SELECT count(*) + coalesce(sum(r.slots - 1), 0) FROM jobs r
      WHERE r.queue_id = q.id AND r.status = 'processing') AS places_left,
    q.rate_limit - u.starts AS tokens_left,
    CASE WHEN q.rate_limit IS NOT NULL THEN to_timestamp(61 + coalesce(u.oldest, t.second)) END AS next_start_at,
    coalesce(:turn_key::text, g.turn_key) COLLATE "C" AS turn_key, coalesce(:turn_left::integer, g.turn_left) AS turn_left, g.version,
    g.project_id, g.plan, g.shares, (g.shares::json ->> 'spare')::bigint AS spare,
    coalesce(:turn_key::text, g.turn_key) COLLATE "C"
      || CASE WHEN coalesce(:turn_left::integer, g.turn_left) > 0 THEN '' ELSE chr(1) END AS first_key,
    (SELECT d.scheduled_for FROM jobs d WHERE d.queue_id = q.id AND d.status = 'scheduled'
      ORDER BY d.scheduled_for LIMIT 1) AS next_due_at
  FROM t, queues q JOIN queue_gates g ON g.queue_id = q.id LEFT JOIN workers w ON w.id = :worker_id::uuid,
    LATERAL (SELECT coalesce(sum(s.starts), 0) AS starts, min(s.second) AS oldest FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= t.second - 60) u
  WHERE q.project_id = :project_id::uuid AND q.id = :queue_id::uuid AND q.state <> 'paused'
    AND (:silence_us::bigint IS NULL OR q.common_line IS NOT NULL)
),
line AS (
  (SELECT h.key, h.weight, 0::bigint AS before, lane.first_key FROM lane, LATERAL (
    (SELECT j.fairness_key AS key, coalesce(j.fairness_weight, 1) AS weight FROM jobs j
      WHERE j.queue_id = lane.id AND j.fairness_key IS NOT NULL AND (j.status = 'pending' AND j.hold IS NULL) IS TRUE
        AND j.fairness_key >= lane.first_key
      ORDER BY j.fairness_key, j.rank, j.id LIMIT 1)
    UNION ALL
    (SELECT j.fairness_key, coalesce(j.fairness_weight, 1) FROM jobs j
      WHERE j.queue_id = lane.id AND j.fairness_key IS NOT NULL AND (j.status = 'pending' AND j.hold IS NULL) IS TRUE
      ORDER BY j.fairness_key, j.rank, j.id LIMIT 1)
    LIMIT 1) h
   WHERE lane.common_line IS NOT NULL)
  UNION ALL
  SELECT h.key, h.weight, a.before + a.weight, a.first_key FROM line a, lane, LATERAL (
    (SELECT j.fairness_key AS key, coalesce(j.fairness_weight, 1) AS weight FROM jobs j
      WHERE j.queue_id = lane.id AND j.fairness_key IS NOT NULL AND (j.status = 'pending' AND j.hold IS NULL) IS TRUE
        AND j.fairness_key > a.key
      ORDER BY j.fairness_key, j.rank, j.id LIMIT 1)
    UNION ALL
    (SELECT j.fairness_key, coalesce(j.fairness_weight, 1) FROM jobs j
      WHERE j.queue_id = lane.id AND j.fairness_key IS NOT NULL AND (j.status = 'pending' AND j.hold IS NULL) IS TRUE
        AND a.key >= a.first_key
      ORDER BY j.fairness_key, j.rank, j.id LIMIT 1)
    LIMIT 1) h
  WHERE a.before + a.weight < :lines::bigint
    AND (h.key < a.first_key OR a.key >= a.first_key AND h.key > a.key)
),
around AS MATERIALIZED (
  SELECT ceil(:free::numeric / sum(weight))::bigint AS rounds, sum(weight) < :lines::bigint AS are_all FROM line
),
line_jobs AS MATERIALIZED (
  SELECT line.before, line.key, line.weight, least(:free::bigint, line.weight * around.rounds) AS part, (
      SELECT json_agg(CASE WHEN h.slots IS NULL AND h.tokens IS NULL THEN to_json(h.id)
        ELSE json_build_array(h.id, coalesce(h.slots, 1), coalesce(h.tokens, 1)) END)
      FROM (
        SELECT j.id, j.slots, j.rate_tokens AS tokens FROM jobs j
        WHERE j.queue_id = lane.id AND j.fairness_key = line.key AND j.fairness_key IS NOT NULL
          AND (j.status = 'pending' AND j.hold IS NULL) IS TRUE
          AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
          AND (j.needs IS NULL OR j.needs = ANY (:needs::text[])
            OR j.updated_at <= t.now - interval '5 seconds' AND j.needs = ANY (:second_best::text[]))
          AND coalesce(j.slots, 1) <= coalesce(lane.most_slots, 1000)
          AND (lane.rate_limit IS NULL OR coalesce(j.rate_tokens, 1) <= lane.rate_limit)
        ORDER BY j.rank, j.id LIMIT least(:free::bigint, line.weight * around.rounds)) h
    ) AS jobs
  FROM t, lane, line, around
),
short AS MATERIALIZED (
  SELECT :free::bigint - coalesce(sum(json_array_length(jobs)), 0) AS jobs FROM line_jobs
  HAVING (SELECT coalesce(are_all, true) FROM around)
),
line_rest AS MATERIALIZED (
  SELECT l.before, l.key, l.weight, l.jobs, CASE WHEN short.jobs > 0 AND json_array_length(l.jobs) = l.part THEN coalesce((
      SELECT json_agg(CASE WHEN h.slots IS NULL AND h.tokens IS NULL THEN to_json(h.id)
        ELSE json_build_array(h.id, coalesce(h.slots, 1), coalesce(h.tokens, 1)) END)
      FROM (
        SELECT j.id, j.slots, j.rate_tokens AS tokens FROM jobs j
        WHERE j.queue_id = lane.id AND j.fairness_key = l.key AND j.fairness_key IS NOT NULL
          AND (j.status = 'pending' AND j.hold IS NULL) IS TRUE
          AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
          AND (j.needs IS NULL OR j.needs = ANY (:needs::text[])
            OR j.updated_at <= t.now - interval '5 seconds' AND j.needs = ANY (:second_best::text[]))
          AND coalesce(j.slots, 1) <= coalesce(lane.most_slots, 1000)
          AND (lane.rate_limit IS NULL OR coalesce(j.rate_tokens, 1) <= lane.rate_limit)
        ORDER BY j.rank, j.id LIMIT short.jobs OFFSET l.part) h
    ), '[]') END AS rest
  FROM t CROSS JOIN lane CROSS JOIN line_jobs l LEFT JOIN short ON true
)
SELECT t.now, lane.next_due_at,
  (SELECT config_version FROM projects WHERE id = :project_id::uuid) AS config_version,
  lane.places_left, lane.tokens_left, lane.next_start_at, lane.turn_key, lane.turn_left, lane.version,
  lane.id AS queue_id, lane.plan, lane.shares, floor(extract(epoch FROM t.now) * 1000000)::bigint AS now_us,
  CASE WHEN :silence_us::bigint IS NOT NULL AND lane.plan IS NOT NULL THEN (
    SELECT json_object_agg(w.id, json_build_array(w.name, w.max_concurrent_jobs))::text FROM workers w
    WHERE w.project_id = lane.project_id
      AND (w.id = :worker_id::uuid OR w.stopped_at IS NULL AND w.drain_requested_at IS NULL
        AND w.last_heartbeat > t.now - :silence_us::bigint * interval '1 microsecond')
  ) END AS present,
  CASE WHEN :silence_us::bigint IS NOT NULL AND lane.plan IS NOT NULL AND lane.spare > 0 THEN greatest(0, least(
    (SELECT count(*) FROM (SELECT 1 FROM jobs j
      WHERE j.queue_id = lane.id AND j.fairness_key IS NOT NULL AND (j.status = 'pending' AND j.hold IS NULL) IS TRUE
        AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
        AND (j.needs IS NULL OR j.needs = ANY (:needs::text[])
          OR j.updated_at <= t.now - interval '5 seconds' AND j.needs = ANY (:second_best::text[]))
      ORDER BY j.fairness_key, j.rank, j.id LIMIT least(:most::bigint, :free::bigint + lane.spare)) w),
    lane.places_left, lane.tokens_left)) END AS waiting,
  (SELECT json_agg(json_build_array(h.id, h.slots, h.tokens)) FROM (
      SELECT j.id, coalesce(j.slots, 1) AS slots, coalesce(j.rate_tokens, 1) AS tokens FROM jobs j
      WHERE j.queue_id = lane.id AND j.status = 'pending' AND j.hold = 'suspect'
        AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
        AND (j.needs IS NULL OR j.needs = ANY (:needs::text[])
          OR j.updated_at <= t.now - interval '5 seconds' AND j.needs = ANY (:second_best::text[]))
        AND coalesce(j.slots, 1) <= coalesce(lane.most_slots, 1000)
        AND (lane.rate_limit IS NULL OR coalesce(j.rate_tokens, 1) <= lane.rate_limit)
      ORDER BY j.rank, j.id LIMIT (SELECT :suspects::bigint)) h
  )::text AS suspects,
  (SELECT json_agg(json_build_array(key, weight, jobs, rest) ORDER BY before) FROM line_rest)::text AS ready,
  CASE WHEN (SELECT short.jobs FROM short) > (SELECT coalesce(sum(json_array_length(rest)), 0) FROM line_rest) THEN (
    SELECT json_agg(CASE WHEN h.slots IS NULL AND h.tokens IS NULL THEN to_json(h.id)
      ELSE json_build_array(h.id, coalesce(h.slots, 1), coalesce(h.tokens, 1)) END) FROM (
        SELECT j.id, j.slots, j.rate_tokens AS tokens FROM jobs j
        WHERE j.queue_id = lane.id AND j.status = 'pending' AND j.hold IS NULL AND j.fairness_key IS NULL
          AND j.job_type = ANY (:job_types::text[]) AND (j.waits_until IS NULL OR j.waits_until > t.now)
          AND (j.needs IS NULL OR j.needs = ANY (:needs::text[])
            OR j.updated_at <= t.now - interval '5 seconds' AND j.needs = ANY (:second_best::text[]))
          AND coalesce(j.slots, 1) <= coalesce(lane.most_slots, 1000)
          AND (lane.rate_limit IS NULL OR coalesce(j.rate_tokens, 1) <= lane.rate_limit)
        ORDER BY j.rank, j.id LIMIT (SELECT :free::bigint)) h
  )::text END AS lineless
FROM t LEFT JOIN lane ON true;

-- name: claim_weighed_jobs
-- What was chosen of one queue, and whose turn it is next; nothing when somebody was at its gate since then. A start stays
-- counted for its whole second and the 60 that follow. Rows are fetched by their id alone: a planner that may choose reads an index of the queue.
WITH t AS MATERIALIZED (
  SELECT c.now, floor(extract(epoch FROM c.now))::bigint AS second,
    lpad(to_hex((floor(extract(epoch FROM c.now) * 1000)::bigint << 16) | x'7000'::bigint | (:seed::bigint & 4095)), 16, '0')
      AS id_start
  FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now OFFSET 0) c
),
gate AS MATERIALIZED (
  SELECT g.queue_id FROM queue_gates g
  WHERE g.project_id = :project_id::uuid AND g.queue_id = :queue_id::uuid AND g.version = :version::bigint
  FOR UPDATE SKIP LOCKED
),
claimed AS (
  UPDATE jobs SET status = 'processing', hold = NULL, claim_seq = claim_seq + 1, attempt_count = attempt_count + 1,
    execution_id = ((SELECT id_start FROM t)
      || to_hex(uuid_hash_extended(id, :seed::bigint) & x'3fffffffffffffff'::bigint | x'8000000000000000'::bigint))::uuid,
    worker_id = :worker_id::uuid, claimed_at = (SELECT now FROM t), started_at = NULL, heartbeat_at = NULL,
    progress = NULL, updated_at = (SELECT now FROM t),
    lease_until = (SELECT now FROM t) + :lease_us::bigint * interval '1 microsecond'
  WHERE ctid = ANY (ARRAY (
    SELECT h.place FROM unnest((SELECT :job_ids::uuid[] FROM gate)) AS p (id), LATERAL (
      SELECT j.ctid AS place, j.queue_id, j.status, j.hold FROM jobs j WHERE j.id = p.id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) h
    WHERE h.queue_id = :queue_id::uuid AND h.status = 'pending' AND (h.hold IS NULL OR h.hold = 'suspect')))
  RETURNING id, queue_id, job_type, payload, priority, rank, attempt_count, max_attempts, manual_retries,
    retry_policy, timeout_ms, losses, claim_seq, execution_id, deadline, state, claimed_at, concurrency_key,
    coalesce(slots, 1) AS slots, coalesce(rate_tokens, 1) AS tokens
),
counted AS (
  INSERT INTO queue_starts AS s (queue_id, second, project_id, starts)
  SELECT q.id, t.second, q.project_id, c.tokens
  FROM queues q, t, (SELECT sum(tokens) AS tokens FROM claimed) c
  WHERE q.project_id = :project_id::uuid AND q.id = :queue_id::uuid AND q.rate_limit IS NOT NULL AND c.tokens > 0
  ON CONFLICT (queue_id, second) DO UPDATE SET starts = s.starts + excluded.starts
),
forgotten AS (
  DELETE FROM queue_starts WHERE queue_id = :queue_id::uuid AND second < (SELECT second FROM t) - 600
),
turned AS (
  UPDATE queue_gates SET turn_key = :turn_key::text, turn_left = :turn_left::integer,
    shares = coalesce(:shares::text, shares), version = version + 1
  WHERE project_id = :project_id::uuid AND queue_id = (SELECT queue_id FROM gate)
)
SELECT * FROM claimed;

-- name: claims_under_way
-- Whoever has begun to change jobs. A claim locks the table before it takes its snapshot.
SELECT DISTINCT l.virtualtransaction AS holder
FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
WHERE l.relation = 'jobs'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid();
