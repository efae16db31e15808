-- Jobs with a key or a concurrency key, and the places of concurrency keys. Whoever writes here is alone.

-- name: accept_keyed_jobs
INSERT INTO jobs (
  id, project_id, queue_id, job_type, payload, status, hold, rank, priority, max_attempts, retry_policy,
  timeout_ms, scheduled_for, expires_at, deadline, waits_until, tags, created_at, updated_at, key,
  concurrency_key, concurrency_limit, fairness_key, fairness_weight, slots, rate_tokens, needs
)
SELECT :id, q.project_id, q.id, :job_type, :payload,
  CASE WHEN coalesce(:scheduled_for, :now + :delay_us, :now) > :now THEN 'scheduled' ELSE 'pending' END,
  CASE WHEN q.project_has_pauses THEN 'paused'
    WHEN NOT EXISTS (SELECT 1 FROM tasks k WHERE k.project_id = :project_id AND k.name = :job_type)
    THEN 'no_worker' WHEN :concurrency_key IS NOT NULL THEN 'key' END,
  coalesce(:scheduled_for, :now + :delay_us, :now) - :priority * q.aging_us,
  :priority, :max_attempts, :retry_policy, :timeout_ms, coalesce(:scheduled_for, :now + :delay_us),
  :expires_at, :deadline, min(coalesce(:expires_at, :deadline), coalesce(:deadline, :expires_at)), :tags, :now, :now,
  :key, :concurrency_key, :concurrency_limit, coalesce(:fairness_key, q.common_line), :fairness_weight, :slots,
  :rate_tokens, :needs
FROM queues q WHERE q.id = :queue_id AND q.project_id = :project_id AND q.state <> 'closed'
  AND NOT EXISTS (
    SELECT 1 FROM jobs h WHERE h.project_id = :project_id AND h.job_type = :job_type AND h.key = :key
      AND h.key IS NOT NULL AND h.status = 'succeeded' AND h.created_at > :now - :key_period_us)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: key_holders
-- Why was a job not stored (or should not have been): by itself from an earlier try, or by the holder of its key?
SELECT w.value ->> 'id' AS wanted, coalesce(
  (SELECT s.id FROM jobs s
    WHERE s.id = w.value ->> 'id' AND s.project_id = :project_id AND NOT (w.value ->> 'stored')),
  (SELECT u.id FROM jobs u WHERE u.project_id = :project_id AND u.job_type = w.value ->> 'job_type'
    AND u.key = w.value ->> 'key' AND u.key IS NOT NULL AND u.status IN ('pending', 'scheduled', 'processing')
    AND u.id <> w.value ->> 'id'),
  (SELECT d.id FROM jobs d WHERE d.project_id = :project_id AND d.job_type = w.value ->> 'job_type'
    AND d.key = w.value ->> 'key' AND d.key IS NOT NULL AND d.status = 'succeeded' AND d.id <> w.value ->> 'id'
    AND d.created_at > :now - (w.value ->> 'key_period_us'))
) AS id
FROM json_each(:rows) w;

-- name: open_keys
-- Makes the keys' rows and sets their places: the last one who says it is right.
INSERT INTO concurrency_keys (project_id, key, places) VALUES (:project_id, :key, :places)
ON CONFLICT (project_id, key) DO UPDATE SET places = excluded.places WHERE places <> excluded.places;

-- name: lock_keys
-- whoever writes here is alone: there is nothing to lock
UPDATE concurrency_keys SET places = places WHERE project_id = :project_id AND key = :key AND false;

-- name: give_places
-- One that may not go for another reason (its type has been paused since) is held for that, and takes no place.
UPDATE jobs SET hold = CASE (SELECT h.hold FROM job_holds h WHERE h.id = jobs.id)
  WHEN 'key' THEN CASE WHEN losses > 0 THEN 'suspect' END
  ELSE (SELECT h.hold FROM job_holds h WHERE h.id = jobs.id) END
WHERE id IN (
  SELECT j.id FROM jobs j WHERE j.project_id = :project_id AND j.concurrency_key = :key
    AND j.concurrency_key IS NOT NULL AND j.status = 'pending' AND j.hold = 'key'
  ORDER BY j.rank, j.id
  LIMIT (SELECT max(0, coalesce(max(c.places), 0) - (
      SELECT count(*) FROM jobs r WHERE r.project_id = :project_id AND r.concurrency_key = :key
        AND r.concurrency_key IS NOT NULL AND r.status IN ('pending', 'processing')
        AND (r.hold IS NULL OR r.hold = 'suspect')
    )) FROM concurrency_keys c WHERE c.project_id = :project_id AND c.key = :key)
)
RETURNING hold;
DELETE FROM concurrency_keys WHERE project_id = :project_id AND key = :key
  AND NOT EXISTS (
    SELECT 1 FROM jobs j WHERE j.project_id = :project_id AND j.concurrency_key = :key
      AND j.concurrency_key IS NOT NULL AND j.status IN ('pending', 'scheduled', 'processing'));

-- name: keys_out_of_step
-- A page of keys, and whether someone waits beside a free place, or no job is left; both only after a crash.
SELECT c.project_id, c.key,
  NOT EXISTS (
    SELECT 1 FROM jobs j WHERE j.project_id = c.project_id AND j.concurrency_key = c.key
      AND j.concurrency_key IS NOT NULL AND j.status IN ('pending', 'scheduled', 'processing')
  ) OR EXISTS (
    SELECT 1 FROM jobs j WHERE j.project_id = c.project_id AND j.concurrency_key = c.key
      AND j.concurrency_key IS NOT NULL AND j.status = 'pending' AND j.hold = 'key'
  ) AND c.places > (
    SELECT count(*) FROM jobs r WHERE r.project_id = c.project_id AND r.concurrency_key = c.key
      AND r.concurrency_key IS NOT NULL AND r.status IN ('pending', 'processing')
      AND (r.hold IS NULL OR r.hold = 'suspect')
  ) AS out_of_step
FROM (
  SELECT * FROM concurrency_keys
  WHERE :after_project IS NULL OR (project_id, key) > (:after_project, :after_key)
  ORDER BY project_id, key LIMIT :limit
) c ORDER BY c.project_id, c.key;
