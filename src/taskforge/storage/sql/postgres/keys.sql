-- Jobs with a key or a concurrency key, and the places of concurrency keys. Everyone takes locks in one order: the
-- gates of bounded queues, rows of jobs and entries of their indexes, rows of concurrency_keys by project and key.

-- name: accept_keyed_jobs
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now),
n AS (
  SELECT u.*, coalesce(u.scheduled_for, t.now + u.delay_us * interval '1 microsecond', t.now) AS due, t.now
  FROM t, unnest(
    (SELECT :id::uuid[]), :queue_id::uuid[], :job_type::text[], :payload::text[], :priority::smallint[],
    :max_attempts::integer[], :retry_policy::text[], :timeout_ms::bigint[], :scheduled_for::timestamptz[],
    :delay_us::bigint[], :expires_at::timestamptz[], :deadline::timestamptz[], :tags::text[], :key::text[],
    :key_period_us::bigint[], :concurrency_key::text[], :concurrency_limit::integer[], :fairness_key::text[],
    :fairness_weight::integer[], :slots::integer[], :rate_tokens::integer[], :needs::text[]
  ) AS u (id, queue_id, job_type, payload, priority, max_attempts, retry_policy, timeout_ms, scheduled_for,
          delay_us, expires_at, deadline, tags, key, key_period_us, concurrency_key, concurrency_limit,
          fairness_key, fairness_weight, slots, rate_tokens, needs)
)
INSERT INTO jobs (
  id, project_id, queue_id, job_type, payload, status, hold, rank, priority, max_attempts, retry_policy,
  timeout_ms, scheduled_for, expires_at, deadline, waits_until, tags, created_at, updated_at, key,
  concurrency_key, concurrency_limit, fairness_key, fairness_weight, slots, rate_tokens, needs
)
SELECT n.id, q.project_id, q.id, n.job_type, n.payload::json,
  CASE WHEN n.due > n.now THEN 'scheduled' ELSE 'pending' END,
  CASE WHEN q.project_has_pauses THEN taskforge_hold(q.project_id, n.job_type, n.tags::jsonb,
      ARRAY[n.key, n.concurrency_key], n.concurrency_key, 0)
    WHEN k.name IS NULL THEN 'no_worker' WHEN n.concurrency_key IS NOT NULL THEN 'key' END,
  (extract(epoch FROM n.due) * 1000000)::bigint - n.priority * q.aging_us,
  n.priority, n.max_attempts, n.retry_policy, n.timeout_ms,
  CASE WHEN n.scheduled_for IS NOT NULL OR n.delay_us IS NOT NULL THEN n.due END,
  n.expires_at, n.deadline, least(n.expires_at, n.deadline), n.tags::jsonb, n.now, n.now, n.key,
  n.concurrency_key, n.concurrency_limit, coalesce(n.fairness_key, q.common_line), n.fairness_weight, n.slots, n.rate_tokens, n.needs
FROM n
JOIN queues q ON q.id = n.queue_id AND q.project_id = :project_id::uuid AND q.state <> 'closed'
LEFT JOIN tasks k ON k.project_id = :project_id::uuid AND k.name = n.job_type
WHERE NOT EXISTS (
  SELECT 1 FROM jobs h WHERE h.project_id = :project_id::uuid AND h.job_type = n.job_type AND h.key = n.key
    AND h.key IS NOT NULL AND h.status = 'succeeded'
    AND h.created_at > n.now - n.key_period_us * interval '1 microsecond'
)
-- in one order, so that two batches never wait for each other in a circle
ORDER BY n.job_type, n.key
ON CONFLICT DO NOTHING
RETURNING id;

-- name: key_holders
-- Why was a job not stored (or should not have been): by itself from an earlier try, or by the holder of its key?
SELECT w.id AS wanted, h.id
FROM unnest(
  (SELECT :id::uuid[]), :job_type::text[], :key::text[], :key_period_us::bigint[], :stored::boolean[]
) AS w (id, job_type, key, key_period_us, stored),
LATERAL (
  SELECT s.id FROM jobs s WHERE s.id = w.id AND s.project_id = :project_id::uuid AND NOT w.stored
  UNION ALL
  SELECT u.id FROM jobs u WHERE u.project_id = :project_id::uuid AND u.job_type = w.job_type AND u.key = w.key
    AND u.key IS NOT NULL AND u.status IN ('pending', 'scheduled', 'processing') AND u.id <> w.id
  UNION ALL
  SELECT d.id FROM jobs d WHERE d.project_id = :project_id::uuid AND d.job_type = w.job_type AND d.key = w.key
    AND d.key IS NOT NULL AND d.status = 'succeeded' AND d.id <> w.id
    AND d.created_at > coalesce(:now::timestamptz, clock_timestamp()) - w.key_period_us * interval '1 microsecond'
  LIMIT 1
) h;

-- name: open_keys
-- Makes the keys' rows, sets their places (the last one who says it is right), and locks them.
INSERT INTO concurrency_keys AS c (project_id, key, places)
SELECT :project_id::uuid, u.key, u.places
FROM unnest((SELECT :key::text[]), :places::integer[]) AS u (key, places) ORDER BY u.key
ON CONFLICT (project_id, key) DO UPDATE SET places = excluded.places WHERE c.places <> excluded.places;

-- name: lock_keys
SELECT c.key
FROM (SELECT * FROM unnest((SELECT :project_id::uuid[]), :key::text[]) AS w (project_id, key) ORDER BY 1, 2) u,
LATERAL (
  SELECT k.key FROM concurrency_keys k WHERE k.project_id = u.project_id AND k.key = u.key LIMIT 1 FOR UPDATE
) c;

-- name: give_places
-- After lock_keys or open_keys. A job whose row is locked is passed over: whoever changes it asks again for its key.
-- One that may not go for another reason (its type has been paused since) is held for that, and takes no place.
WITH free AS MATERIALIZED (
  SELECT c.*, c.places - (
      SELECT count(*) FROM jobs r WHERE r.project_id = c.project_id AND r.concurrency_key = c.key
        AND r.concurrency_key IS NOT NULL AND r.status IN ('pending', 'processing')
        AND (r.hold IS NULL OR r.hold = 'suspect')
    ) AS free_places
  FROM unnest((SELECT :project_id::uuid[]), :key::text[]) AS u (project_id, key),
  LATERAL (
    SELECT k.ctid AS place, k.project_id, k.key, k.places FROM concurrency_keys k
    WHERE k.project_id = u.project_id AND k.key = u.key LIMIT 1
  ) c
),
forgotten AS (
  DELETE FROM concurrency_keys c WHERE c.ctid = ANY (ARRAY (SELECT place FROM free))
    AND (SELECT true FROM jobs j WHERE j.project_id = c.project_id AND j.concurrency_key = c.key AND j.concurrency_key IS NOT NULL
      AND (j.status IN ('pending', 'scheduled', 'processing')) IS TRUE ORDER BY j.rank LIMIT 1) IS NULL
)
UPDATE jobs SET hold = taskforge_hold(project_id, job_type, tags, ARRAY[key, concurrency_key], NULL, losses)
WHERE id = ANY (ARRAY (
  SELECT h.id FROM free f, LATERAL (
    SELECT j.id FROM jobs j WHERE j.project_id = f.project_id AND j.concurrency_key = f.key
      AND j.concurrency_key IS NOT NULL AND j.status = 'pending' AND j.hold = 'key'
    ORDER BY j.rank, j.id LIMIT greatest(0, f.free_places) FOR UPDATE SKIP LOCKED
  ) h
))
RETURNING hold;

-- name: keys_out_of_step
-- A page of keys, and whether someone waits beside a free place, or no job is left; both only after a crash.
SELECT c.project_id, c.key,
  (SELECT true FROM jobs j WHERE j.project_id = c.project_id AND j.concurrency_key = c.key AND j.concurrency_key IS NOT NULL
    AND (j.status IN ('pending', 'scheduled', 'processing')) IS TRUE ORDER BY j.rank LIMIT 1) IS NULL
  OR (SELECT true FROM jobs j WHERE j.project_id = c.project_id AND j.concurrency_key = c.key AND j.concurrency_key IS NOT NULL
    AND j.status = 'pending' AND j.hold = 'key' ORDER BY j.rank, j.id LIMIT 1) IS TRUE
  AND c.places > (
    SELECT count(*) FROM jobs r WHERE r.project_id = c.project_id AND r.concurrency_key = c.key
      AND r.concurrency_key IS NOT NULL AND r.status IN ('pending', 'processing')
      AND (r.hold IS NULL OR r.hold = 'suspect')
  ) AS out_of_step
FROM (
  SELECT * FROM concurrency_keys
  WHERE :after_project::uuid IS NULL OR (project_id, key) > (:after_project::uuid, :after_key::text)
  ORDER BY project_id, key LIMIT (SELECT :limit::bigint)
) c ORDER BY c.project_id, c.key;
