-- name: create_breaker
-- audited
INSERT INTO breakers (id, project_id, job_type, failure_rate, minimum_attempts, window_seconds, open_seconds, probes,
  changed_at, created_at, updated_at)
VALUES (:id, :project_id, :job_type, :failure_rate, :minimum_attempts, :window_seconds, :open_seconds, :probes,
  :now, :now, :now)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: lock_breaker
SELECT * FROM breakers WHERE project_id = :project_id AND id = :breaker_id;

-- name: update_breaker
-- audited
UPDATE breakers SET failure_rate = :failure_rate, minimum_attempts = :minimum_attempts,
  window_seconds = :window_seconds, open_seconds = :open_seconds, probes = :probes, version = version + 1,
  updated_at = :now
WHERE project_id = :project_id AND id = :breaker_id
RETURNING id;

-- name: turn_breaker
-- audited
-- Who saw an older version acts no more.
UPDATE breakers SET state = :state, probe_at = :probe_at, reason = :reason, changed_by = :changed_by,
  changed_at = :now, updated_at = :now, version = version + 1
WHERE project_id = :project_id AND id = :breaker_id AND version = :version
RETURNING id;

-- name: breaker_attempts
-- Whole minutes, what is not folded yet, and the attempts themselves of the minute that the window begins in.
SELECT coalesce(sum(a.succeeded), 0) AS succeeded, coalesce(sum(a.failed), 0) AS failed, NULL AS first_at,
  NULL AS samples
FROM (
  SELECT m.succeeded, m.failed FROM queues q CROSS JOIN attempt_metrics m ON m.subject_id = q.id
  WHERE q.project_id = :project_id AND m.span_seconds = 60 AND m.starts_at >= :whole AND m.job_type = :job_type
  UNION ALL
  SELECT d.succeeded, d.failed FROM attempt_deltas d
  WHERE d.project_id = :project_id AND d.job_type = :job_type AND d.settled_at >= :start
) a
UNION ALL
SELECT 0, 0, s.first_at, s.samples FROM queues q CROSS JOIN attempt_samples s ON s.queue_id = q.id
WHERE q.project_id = :project_id AND s.last_at >= :start AND s.first_at < :whole AND s.job_type = :job_type
  AND s.samples IS NOT NULL;

-- name: pick_probes
-- Jobs that only the breaker holds, in queues that hand out; those that were tried before only when they are asked for.
SELECT j.id, j.claim_seq, j.concurrency_key, j.losses, j.rank FROM jobs j CROSS JOIN queues q ON q.id = j.queue_id
WHERE j.project_id = :project_id AND j.hold = 'paused' AND j.job_type = :job_type AND j.status = 'pending'
  AND q.state <> 'paused' AND (j.waits_until IS NULL OR j.waits_until > :now)
  AND (:again = EXISTS (SELECT 1 FROM breaker_probes t WHERE t.breaker_id = :breaker_id AND t.job_id = j.id))
  AND NOT EXISTS (
    SELECT 1 FROM pauses p WHERE p.project_id = j.project_id AND p.removed_at IS NULL
      AND CASE p.kind WHEN 'type' THEN p.value = j.job_type
        WHEN 'tag' THEN p.value IN (SELECT value FROM json_each(j.tags))
        WHEN 'key' THEN p.value IN (j.key, j.concurrency_key) ELSE false END)
ORDER BY j.id LIMIT :limit;

-- name: release_probe
-- After lock_keys: it goes only where its concurrency key has a place left.
UPDATE jobs SET hold = CASE WHEN losses > 0 THEN 'suspect' END
WHERE project_id = :project_id AND id = :job_id AND status = 'pending' AND hold = 'paused' AND claim_seq = :claim_seq
  AND (concurrency_key IS NULL OR (
    SELECT c.places FROM concurrency_keys c WHERE c.project_id = jobs.project_id AND c.key = jobs.concurrency_key
  ) > (
    SELECT count(*) FROM jobs r WHERE r.project_id = jobs.project_id AND r.concurrency_key = jobs.concurrency_key
      AND r.concurrency_key IS NOT NULL AND r.status IN ('pending', 'processing')
      AND (r.hold IS NULL OR r.hold = 'suspect')))
RETURNING queue_id;

-- name: note_probe
INSERT INTO breaker_probes (breaker_id, job_id, project_id, claim_seq, released_at)
VALUES (:breaker_id, :job_id, :project_id, :claim_seq, :now)
ON CONFLICT (breaker_id, job_id) DO UPDATE SET claim_seq = excluded.claim_seq, released_at = excluded.released_at;
