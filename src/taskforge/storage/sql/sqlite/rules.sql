-- name: lock_gates
-- whoever writes here is alone: that is the gate
SELECT g.queue_id, q.has_weights OR q.common_line IS NOT NULL AS is_weighed, q.common_line IS NOT NULL AS is_fair,
  g.plan, g.shares, :now AS now_us,
  CASE WHEN g.plan IS NOT NULL THEN (
    SELECT json_group_object(w.id, json_array(w.name, w.max_concurrent_jobs)) FROM workers w
    WHERE w.project_id = g.project_id AND (w.id = :worker_id OR w.stopped_at IS NULL AND w.drain_requested_at IS NULL
      AND w.last_heartbeat > :now - :silence_us)
  ) END AS present,
  CASE WHEN g.plan IS NOT NULL THEN max(0, min(
    (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_ready
      WHERE j.queue_id = g.queue_id AND j.status = 'pending' AND j.hold IS NULL
        AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
    AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
      OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
      LIMIT :most)),
    coalesce(q.max_concurrent_jobs
      - (SELECT count(*) FROM jobs r WHERE r.queue_id = g.queue_id AND r.status = 'processing'), :most),
    coalesce(q.rate_limit - (SELECT coalesce(sum(s.starts), 0) FROM queue_starts s
      WHERE s.queue_id = g.queue_id AND s.second >= :now / 1000000 - 60), :most)
  )) END AS waiting
FROM queue_gates g JOIN queues q ON q.id = g.queue_id
WHERE g.project_id = :project_id AND g.queue_id IN (SELECT value FROM json_each(:queue_ids)) ORDER BY g.queue_id;

-- name: claim_ruled_jobs
-- One queue, whose gate is held. A start stays counted for its whole second and the 60 that follow.
UPDATE jobs SET status = 'processing', hold = NULL, claim_seq = claim_seq + 1, attempt_count = attempt_count + 1,
  execution_id = printf('%08x-%04x-7', (:now / 1000) >> 16, (:now / 1000) & 65535)
    || substr(lower(hex(randomblob(2))), 2) || '-' || substr('89ab', 1 + (random() & 3), 1)
    || substr(lower(hex(randomblob(2))), 2) || '-' || lower(hex(randomblob(6))),
  worker_id = :worker_id, claimed_at = :now, started_at = NULL,
  heartbeat_at = NULL, progress = NULL, updated_at = :now, lease_until = :now + :lease_us
WHERE id IN (
  SELECT id FROM (
    SELECT j.id FROM jobs j INDEXED BY jobs_suspect
    WHERE j.queue_id = :queue_id AND j.status = 'pending' AND j.hold = 'suspect'
      AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
    ORDER BY j.rank, j.id LIMIT :suspects
  )
  UNION ALL
  SELECT id FROM (
    SELECT j.id FROM jobs j INDEXED BY jobs_ready
    WHERE j.queue_id = :queue_id AND j.status = 'pending' AND j.hold IS NULL
      AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
    ORDER BY j.rank, j.id LIMIT :free
  )
  LIMIT coalesce((SELECT max(0, min(
      :free,
      coalesce(q.max_concurrent_jobs
        - (SELECT count(*) FROM jobs r WHERE r.queue_id = q.id AND r.status = 'processing'), :free),
      coalesce(q.rate_limit - (SELECT coalesce(sum(s.starts), 0) FROM queue_starts s
        WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60), :free)
    )) FROM queues q WHERE q.project_id = :project_id AND q.id = :queue_id AND q.state <> 'paused'
      AND NOT q.has_weights AND q.common_line IS NULL), 0)
)
RETURNING id, queue_id, job_type, payload, priority, rank, attempt_count, max_attempts, manual_retries,
  retry_policy, timeout_ms, losses, claim_seq, execution_id, deadline, state, claimed_at, concurrency_key;
INSERT INTO queue_starts (queue_id, second, project_id, starts)
SELECT q.id, :now / 1000000, q.project_id, changes() FROM queues q
WHERE q.project_id = :project_id AND q.id = :queue_id AND q.rate_limit IS NOT NULL AND changes() > 0
ON CONFLICT (queue_id, second) DO UPDATE SET starts = starts + excluded.starts;
DELETE FROM queue_starts WHERE queue_id = :queue_id AND second < :now / 1000000 - 600;
SELECT NULL AS id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  :now AS now,
  (SELECT min(j.scheduled_for) FROM jobs j
    WHERE j.queue_id = q.id AND j.status = 'scheduled' AND q.state <> 'paused') AS next_due_at,
  (SELECT config_version FROM projects WHERE id = :project_id) AS config_version,
  CASE WHEN q.state <> 'paused' AND q.rate_limit <= (SELECT coalesce(sum(s.starts), 0) FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60)
    THEN (61 + (SELECT min(s.second) FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60)) * 1000000 END AS next_start_at
FROM (SELECT 1) LEFT JOIN queues q ON q.project_id = :project_id AND q.id = :queue_id;

-- name: weigh_jobs
-- The next jobs of one queue and what they weigh; what the queue or this worker can never hold is passed over. In a
-- fair queue: those that have come without a line, from before it was fair.
WITH lane AS MATERIALIZED (
  SELECT q.id, q.common_line, coalesce(q.rate_limit, 9223372036854775807) AS most_tokens,
    min(coalesce(q.max_concurrent_jobs, 1000), coalesce(w.max_concurrent_jobs, 1000)) AS most_slots,
    q.max_concurrent_jobs - (SELECT count(*) + coalesce(sum(r.slots - 1), 0) FROM jobs r
      WHERE r.queue_id = q.id AND r.status = 'processing') AS places_left,
    q.rate_limit - (SELECT coalesce(sum(s.starts), 0) FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60) AS tokens_left,
    CASE WHEN q.rate_limit IS NOT NULL THEN (61 + coalesce((SELECT min(s.second) FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60), :now / 1000000)) * 1000000 END AS next_start_at,
    coalesce(:turn_key, g.turn_key) AS turn_key, coalesce(:turn_left, g.turn_left) AS turn_left,
    (SELECT min(d.scheduled_for) FROM jobs d WHERE d.queue_id = q.id AND d.status = 'scheduled') AS next_due_at
  FROM queues q JOIN queue_gates g ON g.queue_id = q.id LEFT JOIN workers w ON w.id = :worker_id
  WHERE q.project_id = :project_id AND q.id = :queue_id AND q.state <> 'paused'
),
suspect AS MATERIALIZED (
  SELECT j.id, coalesce(j.slots, 1) AS slots, coalesce(j.rate_tokens, 1) AS tokens, j.rank
  FROM lane CROSS JOIN jobs j INDEXED BY jobs_suspect
  WHERE j.queue_id = :queue_id AND j.status = 'pending' AND j.hold = 'suspect'
    AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
    AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
      OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
    AND coalesce(j.slots, 1) <= lane.most_slots AND coalesce(j.rate_tokens, 1) <= lane.most_tokens
  ORDER BY j.rank, j.id LIMIT :suspects
),
ready AS MATERIALIZED (
  SELECT j.id, coalesce(j.slots, 1) AS slots, coalesce(j.rate_tokens, 1) AS tokens, j.rank
  FROM lane CROSS JOIN jobs j INDEXED BY jobs_ready
  WHERE j.queue_id = :queue_id AND j.status = 'pending' AND j.hold IS NULL
    AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
    AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
      OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
    AND coalesce(j.slots, 1) <= lane.most_slots AND coalesce(j.rate_tokens, 1) <= lane.most_tokens
    AND (lane.common_line IS NULL OR j.fairness_key IS NULL)
  ORDER BY j.rank, j.id LIMIT :free
)
SELECT :now AS now, lane.next_due_at, (SELECT config_version FROM projects WHERE id = :project_id) AS config_version,
  lane.places_left, lane.tokens_left, lane.next_start_at, lane.turn_key, lane.turn_left, c.id, c.slots, c.tokens
FROM (SELECT 1) LEFT JOIN lane LEFT JOIN (SELECT 0 AS n, * FROM suspect UNION ALL SELECT 1, * FROM ready) c
ORDER BY c.n, c.rank, c.id;

-- name: weigh_lines
-- The lines of a fair queue from the one whose turn it is and around; of each the next jobs, as many as its part of
-- what is free. Each line costs two looks into an index, however long it is.
WITH RECURSIVE lane AS MATERIALIZED (
  SELECT q.id, q.common_line, coalesce(q.rate_limit, 9223372036854775807) AS most_tokens,
    min(coalesce(q.max_concurrent_jobs, 1000), coalesce(w.max_concurrent_jobs, 1000)) AS most_slots,
    q.max_concurrent_jobs - (SELECT count(*) + coalesce(sum(r.slots - 1), 0) FROM jobs r
      WHERE r.queue_id = q.id AND r.status = 'processing') AS places_left,
    q.rate_limit - (SELECT coalesce(sum(s.starts), 0) FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60) AS tokens_left,
    CASE WHEN q.rate_limit IS NOT NULL THEN (61 + coalesce((SELECT min(s.second) FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60), :now / 1000000)) * 1000000 END AS next_start_at,
    coalesce(:turn_key, g.turn_key) AS turn_key, coalesce(:turn_left, g.turn_left) AS turn_left,
    (SELECT min(d.scheduled_for) FROM jobs d WHERE d.queue_id = q.id AND d.status = 'scheduled') AS next_due_at
  FROM queues q JOIN queue_gates g ON g.queue_id = q.id LEFT JOIN workers w ON w.id = :worker_id
  WHERE q.project_id = :project_id AND q.id = :queue_id AND q.state <> 'paused'
),
suspect AS MATERIALIZED (
  SELECT j.id, coalesce(j.slots, 1) AS slots, coalesce(j.rate_tokens, 1) AS tokens, j.rank
  FROM lane CROSS JOIN jobs j INDEXED BY jobs_suspect
  WHERE j.queue_id = :queue_id AND j.status = 'pending' AND j.hold = 'suspect'
    AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
    AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
      OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
    AND coalesce(j.slots, 1) <= lane.most_slots AND coalesce(j.rate_tokens, 1) <= lane.most_tokens
  ORDER BY j.rank, j.id LIMIT :suspects
),
ahead (key, n) AS (
  SELECT (SELECT j.fairness_key FROM jobs j INDEXED BY jobs_lines WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL
    AND j.fairness_key >= (SELECT turn_key || CASE WHEN turn_left > 0 THEN '' ELSE char(1) END FROM lane)
    ORDER BY j.fairness_key LIMIT 1), 1
  FROM lane WHERE lane.common_line IS NOT NULL
  UNION ALL
  SELECT (SELECT j.fairness_key FROM jobs j INDEXED BY jobs_lines WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL
    AND j.fairness_key > a.key ORDER BY j.fairness_key LIMIT 1), a.n + 1
  FROM ahead a WHERE a.key IS NOT NULL AND a.n < :lines
),
before_turn (key, n) AS (
  SELECT (SELECT j.fairness_key FROM jobs j INDEXED BY jobs_lines WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL
    AND j.fairness_key < (SELECT turn_key || CASE WHEN turn_left > 0 THEN '' ELSE char(1) END FROM lane)
    ORDER BY j.fairness_key LIMIT 1), 1 + (SELECT count(key) FROM ahead)
  FROM lane WHERE lane.common_line IS NOT NULL AND (SELECT count(key) FROM ahead) < :lines
  UNION ALL
  SELECT (SELECT j.fairness_key FROM jobs j INDEXED BY jobs_lines WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL
    AND j.fairness_key > b.key
    AND j.fairness_key < (SELECT turn_key || CASE WHEN turn_left > 0 THEN '' ELSE char(1) END FROM lane)
    ORDER BY j.fairness_key LIMIT 1), b.n + 1
  FROM before_turn b WHERE b.key IS NOT NULL AND b.n < :lines
),
found AS MATERIALIZED (
  SELECT f.*, sum(f.weight) OVER (ORDER BY f.n) - f.weight AS before FROM (
    SELECT l.key, l.n, (SELECT coalesce(j.fairness_weight, 1) FROM jobs j INDEXED BY jobs_lines WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL
      AND j.fairness_key = l.key ORDER BY j.rank, j.id LIMIT 1) AS weight
    FROM (SELECT * FROM ahead UNION ALL SELECT * FROM before_turn) l WHERE l.key IS NOT NULL
  ) f
),
line AS MATERIALIZED (
  SELECT f.n, f.key, f.weight,
    min(:free, f.weight * ((:free + sum(f.weight) OVER () - 1) / sum(f.weight) OVER ())) AS part
  FROM found f WHERE f.before < :free
),
ready AS MATERIALIZED (
  SELECT line.n, line.key, line.weight, line.part, c.key AS place, c.value ->> 0 AS id, c.value ->> 1 AS slots,
    c.value ->> 2 AS tokens
  FROM line CROSS JOIN json_each((
    SELECT json_group_array(json_array(id, slots, tokens)) FROM (
      SELECT j.id, coalesce(j.slots, 1) AS slots, coalesce(j.rate_tokens, 1) AS tokens
      FROM lane CROSS JOIN jobs j INDEXED BY jobs_lines WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL AND j.fairness_key = line.key
    AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
    AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
      OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
    AND coalesce(j.slots, 1) <= lane.most_slots AND coalesce(j.rate_tokens, 1) <= lane.most_tokens
      ORDER BY j.rank, j.id LIMIT (SELECT max(part) FROM line)
    )
  )) c WHERE c.key < line.part
)
SELECT :now AS now, lane.next_due_at, (SELECT config_version FROM projects WHERE id = :project_id) AS config_version,
  lane.places_left, lane.tokens_left, lane.next_start_at, lane.turn_key, lane.turn_left, c.key, c.weight, c.part, c.id, c.slots, c.tokens,
  (SELECT count(*) FROM line) = (SELECT count(*) FROM found) AND (SELECT count(*) FROM found) < :lines AS is_whole,
  (SELECT l.key FROM line l ORDER BY l.n DESC LIMIT 1) AS last_key
FROM (SELECT 1) LEFT JOIN lane LEFT JOIN (
  SELECT 0 AS n, NULL AS key, NULL AS weight, NULL AS part, 0 AS place, s.id, s.slots, s.tokens FROM suspect s
  UNION ALL SELECT n, key, weight, part, place, id, slots, tokens FROM ready
) c
ORDER BY c.n, c.place;

-- name: claim_weighed_jobs
-- What was chosen of one queue, and whose turn it is next. A start stays counted for its whole second and the 60 that
-- follow.
UPDATE jobs SET status = 'processing', hold = NULL, claim_seq = claim_seq + 1, attempt_count = attempt_count + 1,
  execution_id = printf('%08x-%04x-7', (:now / 1000) >> 16, (:now / 1000) & 65535)
    || substr(lower(hex(randomblob(2))), 2) || '-' || substr('89ab', 1 + (random() & 3), 1)
    || substr(lower(hex(randomblob(2))), 2) || '-' || lower(hex(randomblob(6))),
  worker_id = :worker_id, claimed_at = :now, started_at = NULL,
  heartbeat_at = NULL, progress = NULL, updated_at = :now, lease_until = :now + :lease_us
WHERE id IN (SELECT value FROM json_each(:job_ids)) AND queue_id = :queue_id AND status = 'pending'
  AND (hold IS NULL OR hold = 'suspect')
RETURNING id, queue_id, job_type, payload, priority, rank, attempt_count, max_attempts, manual_retries,
  retry_policy, timeout_ms, losses, claim_seq, execution_id, deadline, state, claimed_at, concurrency_key,
  coalesce(slots, 1) AS slots;
INSERT INTO queue_starts (queue_id, second, project_id, starts)
SELECT q.id, :now / 1000000, q.project_id, c.tokens
FROM queues q CROSS JOIN (
  SELECT sum(coalesce(j.rate_tokens, 1)) AS tokens FROM jobs j
  WHERE j.id IN (SELECT value FROM json_each(:job_ids)) AND j.status = 'processing' AND j.claimed_at = :now
    AND j.worker_id = :worker_id
) c
WHERE q.project_id = :project_id AND q.id = :queue_id AND q.rate_limit IS NOT NULL AND c.tokens > 0
ON CONFLICT (queue_id, second) DO UPDATE SET starts = starts + excluded.starts;
DELETE FROM queue_starts WHERE queue_id = :queue_id AND second < :now / 1000000 - 600;
UPDATE queue_gates SET turn_key = :turn_key, turn_left = :turn_left
WHERE project_id = :project_id AND queue_id = :queue_id;

-- name: claims_under_way
-- whoever writes here was alone
SELECT NULL AS holder WHERE false;
