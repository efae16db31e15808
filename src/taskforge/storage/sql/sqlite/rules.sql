-- name: lock_gates
-- whoever writes here is alone: that is the gate
-- how many jobs wait is asked where others have room for them: it is what is divided
SELECT g.queue_id, q.has_weights OR q.common_line IS NOT NULL AS is_weighed, q.common_line IS NOT NULL AS is_fair,
  g.plan, g.shares, :now AS now_us,
  CASE WHEN g.plan IS NOT NULL THEN (
    SELECT json_group_object(w.id, json_array(w.name, w.max_concurrent_jobs)) FROM workers w
    WHERE w.project_id = g.project_id AND (w.id = :worker_id OR w.stopped_at IS NULL AND w.drain_requested_at IS NULL
      AND w.last_heartbeat > :now - :silence_us)
  ) END AS present,
  CASE WHEN g.plan IS NOT NULL AND g.shares ->> 'spare' > 0 THEN max(0, min(
    (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_ready
      WHERE j.queue_id = g.queue_id AND j.status = 'pending' AND j.hold IS NULL
        AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
        AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
          OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
      LIMIT (SELECT min(:most, :free + coalesce(max(s.shares ->> 'spare'), 0)) FROM queue_gates s
        WHERE s.project_id = :project_id AND s.queue_id IN (SELECT value FROM json_each(:queue_ids))))),
    coalesce(q.max_concurrent_jobs
      - (SELECT count(*) FROM jobs r WHERE r.queue_id = g.queue_id AND r.status = 'processing'), :most),
    coalesce(q.rate_limit - (SELECT coalesce(sum(s.starts), 0) FROM queue_starts s
      WHERE s.queue_id = g.queue_id AND s.second >= :now / 1000000 - 60), :most)
  )) END AS waiting
FROM queue_gates g JOIN queues q ON q.id = g.queue_id
WHERE g.project_id = :project_id AND g.queue_id IN (SELECT value FROM json_each(:queue_ids)) ORDER BY g.queue_id;

-- name: claim_ruled_jobs
-- One queue, whose gate is held. A start stays counted for its whole second and the 60 that follow.
-- as picked
SELECT json_group_array(id) FROM (
  SELECT id FROM (
    SELECT j.rowid AS id FROM jobs j INDEXED BY jobs_suspect
    WHERE j.queue_id = :queue_id AND j.status = 'pending' AND j.hold = 'suspect'
      AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
    ORDER BY j.rank, j.id LIMIT :suspects
  )
  UNION ALL
  SELECT id FROM (
    SELECT j.rowid AS id FROM jobs j INDEXED BY jobs_ready
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
);
UPDATE jobs SET status = 'processing', hold = NULL, claim_seq = claim_seq + 1, attempt_count = attempt_count + 1,
  execution_id = :stem || printf('%04x', p.key), worker_id = :worker_id, claimed_at = :now, started_at = NULL,
  heartbeat_at = NULL, progress = NULL, updated_at = :now, lease_until = :now + :lease_us
FROM json_each(:picked) p WHERE jobs.rowid = p.value;
INSERT INTO queue_starts (queue_id, second, project_id, starts)
SELECT q.id, :now / 1000000, q.project_id, json_array_length(:picked) FROM queues q
WHERE q.project_id = :project_id AND q.id = :queue_id AND q.rate_limit IS NOT NULL
ON CONFLICT (queue_id, second) DO UPDATE SET starts = starts + excluded.starts;
DELETE FROM queue_starts WHERE queue_id = :queue_id AND second < :now / 1000000 - 600;
UPDATE queue_gates SET version = version + 1
WHERE project_id = :project_id AND queue_id = :queue_id AND :picked <> '[]';
SELECT json_group_array(json_array(j.id, j.queue_id, j.job_type, j.payload, j.priority, j.rank, j.attempt_count,
  j.max_attempts, j.manual_retries, j.retry_policy, j.timeout_ms, j.losses, j.claim_seq, j.execution_id, j.deadline,
  j.state, j.claimed_at, j.concurrency_key)) AS packed
FROM json_each(:picked) p CROSS JOIN jobs j ON j.rowid = p.value;
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
-- The next jobs of one queue and what they weigh; what the queue or this worker can never hold is passed over. Jobs
-- are told by where they stand in the table: each as [place, slots, tokens].
WITH lane AS MATERIALIZED (
  SELECT q.id, q.common_line, coalesce(q.rate_limit, 9223372036854775807) AS most_tokens,
    min(coalesce(q.max_concurrent_jobs, 1000), coalesce(w.max_concurrent_jobs, 1000)) AS most_slots,
    q.max_concurrent_jobs - (SELECT count(*) + coalesce(sum(r.slots - 1), 0) FROM jobs r
      WHERE r.queue_id = q.id AND r.status = 'processing') AS places_left,
    q.rate_limit - (SELECT coalesce(sum(s.starts), 0) FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60) AS tokens_left,
    CASE WHEN q.rate_limit IS NOT NULL THEN (61 + coalesce((SELECT min(s.second) FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60), :now / 1000000)) * 1000000 END AS next_start_at,
    coalesce(:turn_key, g.turn_key) AS turn_key, coalesce(:turn_left, g.turn_left) AS turn_left, g.version,
    (SELECT min(d.scheduled_for) FROM jobs d WHERE d.queue_id = q.id AND d.status = 'scheduled') AS next_due_at
  FROM queues q JOIN queue_gates g ON g.queue_id = q.id LEFT JOIN workers w ON w.id = :worker_id
  WHERE q.project_id = :project_id AND q.id = :queue_id AND q.state <> 'paused'
)
SELECT :now AS now, lane.next_due_at, (SELECT config_version FROM projects WHERE id = :project_id) AS config_version,
  lane.places_left, lane.tokens_left, lane.next_start_at, lane.turn_key, lane.turn_left, lane.version,
  (SELECT json_group_array(json_array(id, slots, tokens)) FROM (
      SELECT j.rowid AS id, coalesce(j.slots, 1) AS slots, coalesce(j.rate_tokens, 1) AS tokens
      FROM jobs j INDEXED BY jobs_suspect
      WHERE j.queue_id = :queue_id AND j.status = 'pending' AND j.hold = 'suspect'
        AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
        AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
          OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
        AND coalesce(j.slots, 1) <= (SELECT most_slots FROM lane)
        AND coalesce(j.rate_tokens, 1) <= (SELECT most_tokens FROM lane)
      ORDER BY j.rank, j.id LIMIT :suspects)
  ) AS suspects,
  (SELECT json_group_array(json_array(id, slots, tokens)) FROM (
      SELECT j.rowid AS id, coalesce(j.slots, 1) AS slots, coalesce(j.rate_tokens, 1) AS tokens
      FROM jobs j INDEXED BY jobs_ready
      WHERE j.queue_id = :queue_id AND j.status = 'pending' AND j.hold IS NULL
        AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
        AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
          OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
        AND coalesce(j.slots, 1) <= (SELECT most_slots FROM lane)
        AND coalesce(j.rate_tokens, 1) <= (SELECT most_tokens FROM lane)
      ORDER BY j.rank, j.id LIMIT :free)
  ) AS ready
FROM (SELECT 1) LEFT JOIN lane;

-- name: weigh_lines
-- The lines of a fair queue from the one whose turn it is and around, until what they weigh together is :lines; of each the
-- next jobs, at least as many as its part of what is free: [key, weight, jobs, NULL]. Each line costs two looks into an index,
-- however long it is. Where no line has more than it tells, `lineless` are those that came without one, from before the queue was fair.
-- A light job is told by where it stands, another one as [place, slots, tokens]. With :silence_us
-- the gate is not held, and what it keeps is told too: nothing where the queue is not fair (any more).
WITH RECURSIVE lane AS MATERIALIZED (
  SELECT q.id, q.common_line, coalesce(q.rate_limit, 9223372036854775807) AS most_tokens,
    min(coalesce(q.max_concurrent_jobs, 1000), coalesce(w.max_concurrent_jobs, 1000)) AS most_slots,
    q.max_concurrent_jobs - (SELECT count(*) + coalesce(sum(r.slots - 1), 0) FROM jobs r
      WHERE r.queue_id = q.id AND r.status = 'processing') AS places_left,
    q.rate_limit - (SELECT coalesce(sum(s.starts), 0) FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60) AS tokens_left,
    CASE WHEN q.rate_limit IS NOT NULL THEN (61 + coalesce((SELECT min(s.second) FROM queue_starts s
      WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60), :now / 1000000)) * 1000000 END AS next_start_at,
    coalesce(:turn_key, g.turn_key) AS turn_key, coalesce(:turn_left, g.turn_left) AS turn_left, g.version,
    g.project_id, g.plan, g.shares,
    coalesce(:turn_key, g.turn_key) || CASE WHEN coalesce(:turn_left, g.turn_left) > 0 THEN '' ELSE char(1) END AS first_key,
    (SELECT min(d.scheduled_for) FROM jobs d WHERE d.queue_id = q.id AND d.status = 'scheduled') AS next_due_at
  FROM queues q JOIN queue_gates g ON g.queue_id = q.id LEFT JOIN workers w ON w.id = :worker_id
  WHERE q.project_id = :project_id AND q.id = :queue_id AND q.state <> 'paused'
    AND (:silence_us IS NULL OR q.common_line IS NOT NULL)
),
line (key, weight, before, first_key) AS MATERIALIZED (
  SELECT h.fairness_key, coalesce(h.fairness_weight, 1), 0, lane.first_key
  FROM lane CROSS JOIN jobs h ON h.rowid = coalesce(
    (SELECT j.rowid FROM jobs j INDEXED BY jobs_lines
      WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL
        AND j.fairness_key >= lane.first_key ORDER BY j.fairness_key, j.rank, j.id LIMIT 1),
    (SELECT j.rowid FROM jobs j INDEXED BY jobs_lines
      WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL
      ORDER BY j.fairness_key, j.rank, j.id LIMIT 1)
  )
  WHERE lane.common_line IS NOT NULL
  UNION ALL
  SELECT h.fairness_key, coalesce(h.fairness_weight, 1), a.before + a.weight, a.first_key
  FROM line a CROSS JOIN jobs h ON h.rowid = coalesce(
    (SELECT j.rowid FROM jobs j INDEXED BY jobs_lines
      WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL
        AND j.fairness_key > a.key ORDER BY j.fairness_key, j.rank, j.id LIMIT 1),
    CASE WHEN a.key >= a.first_key THEN (
      SELECT j.rowid FROM jobs j INDEXED BY jobs_lines
      WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL
      ORDER BY j.fairness_key, j.rank, j.id LIMIT 1
    ) END
  )
  WHERE a.before + a.weight < :lines
    AND (h.fairness_key < a.first_key OR a.key >= a.first_key AND h.fairness_key > a.key)
),
longest AS MATERIALIZED (
  SELECT min(:free, max(weight) * ((:free + sum(weight) - 1) / sum(weight))) AS jobs FROM line
)
SELECT :now AS now, lane.next_due_at, (SELECT config_version FROM projects WHERE id = :project_id) AS config_version,
  lane.places_left, lane.tokens_left, lane.next_start_at, lane.turn_key, lane.turn_left, lane.version,
  lane.id AS queue_id, lane.plan, lane.shares, :now AS now_us,
  CASE WHEN :silence_us IS NOT NULL AND lane.plan IS NOT NULL THEN (
    SELECT json_group_object(w.id, json_array(w.name, w.max_concurrent_jobs)) FROM workers w
    WHERE w.project_id = lane.project_id AND (w.id = :worker_id OR w.stopped_at IS NULL AND w.drain_requested_at IS NULL
      AND w.last_heartbeat > :now - :silence_us)
  ) END AS present,
  CASE WHEN :silence_us IS NOT NULL AND lane.plan IS NOT NULL AND lane.shares ->> 'spare' > 0 THEN max(0, min(
    (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_lines
      WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL
        AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
        AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
          OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
      LIMIT (SELECT min(:most, :free + (shares ->> 'spare')) FROM lane))),
    coalesce(lane.places_left, :most), coalesce(lane.tokens_left, :most))) END AS waiting,
  (SELECT json_group_array(json_array(id, slots, tokens)) FROM (
      SELECT j.rowid AS id, coalesce(j.slots, 1) AS slots, coalesce(j.rate_tokens, 1) AS tokens
      FROM jobs j INDEXED BY jobs_suspect
      WHERE j.queue_id = :queue_id AND j.status = 'pending' AND j.hold = 'suspect'
        AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
        AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
          OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
        AND coalesce(j.slots, 1) <= (SELECT most_slots FROM lane)
        AND coalesce(j.rate_tokens, 1) <= (SELECT most_tokens FROM lane)
      ORDER BY j.rank, j.id LIMIT :suspects)
  ) AS suspects,
  (SELECT json_group_array(json_array(line.key, line.weight, (
      SELECT json_group_array(CASE WHEN slots IS NULL AND tokens IS NULL THEN id
        ELSE json_array(id, coalesce(slots, 1), coalesce(tokens, 1)) END)
      FROM (
        SELECT j.rowid AS id, j.slots, j.rate_tokens AS tokens FROM jobs j INDEXED BY jobs_lines
        WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL
          AND j.fairness_key = line.key
          AND (j.job_type = :job_types ->> 0 OR j.job_type IN (SELECT value FROM json_each(:job_types)))
          AND (j.waits_until IS NULL OR j.waits_until > :now)
          AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
            OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
          AND (j.slots IS NULL OR j.slots <= (SELECT most_slots FROM lane))
          AND (j.rate_tokens IS NULL OR j.rate_tokens <= (SELECT most_tokens FROM lane))
        ORDER BY j.rank, j.id LIMIT (SELECT jobs FROM longest))
    ), NULL)) FROM line) AS ready,  -- as they were found
  CASE WHEN lane.id IS NOT NULL AND (SELECT coalesce(sum(weight), 0) FROM line) < :lines AND NOT EXISTS (
      SELECT 1 FROM line WHERE (
        SELECT count(*) FROM (
          SELECT 1 FROM jobs j INDEXED BY jobs_lines
          WHERE j.queue_id = :queue_id AND j.fairness_key IS NOT NULL AND j.status = 'pending' AND j.hold IS NULL
            AND j.fairness_key = line.key
            AND (j.job_type = :job_types ->> 0 OR j.job_type IN (SELECT value FROM json_each(:job_types)))
            AND (j.waits_until IS NULL OR j.waits_until > :now)
            AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
              OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
            AND (j.slots IS NULL OR j.slots <= (SELECT most_slots FROM lane))
            AND (j.rate_tokens IS NULL OR j.rate_tokens <= (SELECT most_tokens FROM lane))
          LIMIT (SELECT jobs FROM longest))
        ) = (SELECT jobs FROM longest)) THEN (
    SELECT json_group_array(CASE WHEN slots IS NULL AND tokens IS NULL THEN id
      ELSE json_array(id, coalesce(slots, 1), coalesce(tokens, 1)) END)
    FROM (
      SELECT j.rowid AS id, j.slots, j.rate_tokens AS tokens FROM jobs j INDEXED BY jobs_ready
      WHERE j.queue_id = :queue_id AND j.status = 'pending' AND j.hold IS NULL AND j.fairness_key IS NULL
        AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
        AND (j.needs IS NULL OR j.needs IN (SELECT value FROM json_each(:needs))
          OR j.updated_at <= :now - 5000000 AND j.needs IN (SELECT value FROM json_each(:second_best)))
        AND (j.slots IS NULL OR j.slots <= (SELECT most_slots FROM lane))
        AND (j.rate_tokens IS NULL OR j.rate_tokens <= (SELECT most_tokens FROM lane))
      ORDER BY j.rank, j.id LIMIT :free)
  ) END AS lineless
FROM (SELECT 1) LEFT JOIN lane;

-- name: claim_weighed_jobs
-- What was chosen of one queue, and whose turn it is next; nothing when somebody was at its gate since then. A start stays
-- counted for its whole second and the 60 that follow.
UPDATE jobs SET status = 'processing', hold = NULL, claim_seq = claim_seq + 1, attempt_count = attempt_count + 1,
  execution_id = :stem || printf('%04x', p.key), worker_id = :worker_id, claimed_at = :now, started_at = NULL,
  heartbeat_at = NULL, progress = NULL, updated_at = :now, lease_until = :now + :lease_us
FROM json_each(:job_ids) p
WHERE jobs.rowid = p.value
  AND +jobs.queue_id = :queue_id AND +jobs.status = 'pending' AND (+jobs.hold IS NULL OR +jobs.hold = 'suspect')
  AND EXISTS (SELECT 1 FROM queue_gates g
    WHERE g.project_id = :project_id AND g.queue_id = :queue_id AND g.version = :version);
-- those that were changed just now: no other id of an execution begins so
-- as tokens
SELECT sum(coalesce(j.rate_tokens, 1)), json_group_array(json_array(j.id, j.queue_id, j.job_type, j.payload, j.priority,
  j.rank, j.attempt_count, j.max_attempts, j.manual_retries, j.retry_policy, j.timeout_ms, j.losses, j.claim_seq,
  j.execution_id, j.deadline, j.state, j.claimed_at, j.concurrency_key, coalesce(j.slots, 1))) AS jobs
FROM json_each(:job_ids) p CROSS JOIN jobs j ON j.rowid = p.value
WHERE substr(j.execution_id, 1, 32) = :stem;
INSERT INTO queue_starts (queue_id, second, project_id, starts)
SELECT q.id, :now / 1000000, q.project_id, :tokens FROM queues q
WHERE q.project_id = :project_id AND q.id = :queue_id AND q.rate_limit IS NOT NULL AND :tokens > 0
ON CONFLICT (queue_id, second) DO UPDATE SET starts = starts + excluded.starts;
DELETE FROM queue_starts WHERE queue_id = :queue_id AND second < :now / 1000000 - 600;
UPDATE queue_gates SET turn_key = :turn_key, turn_left = :turn_left, shares = coalesce(:shares, shares),
  version = version + 1
WHERE project_id = :project_id AND queue_id = :queue_id AND version = :version;

-- name: claims_under_way
-- whoever writes here was alone
SELECT NULL AS holder WHERE false;
