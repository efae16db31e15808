-- name: lock_gates
-- whoever writes here is alone: that is the gate
SELECT g.queue_id, g.plan, g.shares, :now AS now_us,
  CASE WHEN g.plan IS NOT NULL THEN (
    SELECT json_group_object(w.id, json_array(w.name, w.max_concurrent_jobs)) FROM workers w
    WHERE w.project_id = g.project_id AND (w.id = :worker_id OR w.stopped_at IS NULL AND w.drain_requested_at IS NULL
      AND w.last_heartbeat > :now - :silence_us)
  ) END AS present,
  CASE WHEN g.plan IS NOT NULL THEN max(0, min(
    (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_ready
      WHERE j.queue_id = g.queue_id AND j.status = 'pending' AND j.hold IS NULL
        AND j.job_type IN (SELECT value FROM json_each(:job_types)) AND (j.waits_until IS NULL OR j.waits_until > :now)
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
    )) FROM queues q WHERE q.project_id = :project_id AND q.id = :queue_id AND q.state <> 'paused'), 0)
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

-- name: claims_under_way
-- whoever writes here was alone
SELECT NULL AS holder WHERE false;
