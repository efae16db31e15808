-- name: create_breaker
-- audited
INSERT INTO breakers (id, project_id, job_type, failure_rate, minimum_attempts, window_seconds, open_seconds, probes,
  changed_at, created_at, updated_at)
SELECT :id::uuid, :project_id::uuid, :job_type::text, :failure_rate::double precision, :minimum_attempts::integer,
  :window_seconds::integer, :open_seconds::integer, :probes::integer, t.now, t.now, t.now
FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now OFFSET 0) t
ON CONFLICT DO NOTHING
RETURNING id;

-- name: lock_breaker
SELECT * FROM breakers WHERE project_id = :project_id AND id = :breaker_id FOR UPDATE;

-- name: update_breaker
-- audited
UPDATE breakers SET failure_rate = :failure_rate::double precision, minimum_attempts = :minimum_attempts::integer,
  window_seconds = :window_seconds::integer, open_seconds = :open_seconds::integer, probes = :probes::integer,
  version = version + 1, updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND id = :breaker_id::uuid
RETURNING id;

-- name: turn_breaker
-- audited
-- Who saw an older version acts no more.
UPDATE breakers SET state = :state::text, probe_at = :probe_at::timestamptz, reason = :reason::text,
  changed_by = :changed_by::text, changed_at = t.now, updated_at = t.now, version = version + 1
FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now OFFSET 0) t
WHERE project_id = :project_id::uuid AND id = :breaker_id::uuid AND version = :version::bigint
RETURNING id;

-- name: breaker_attempts
-- Whole minutes, what is not folded yet, and the attempts themselves of the minute that the window begins in.
SELECT coalesce(sum(a.succeeded), 0)::bigint AS succeeded, coalesce(sum(a.failed), 0)::bigint AS failed,
  NULL::timestamptz AS first_at, NULL::text AS samples
FROM (
  SELECT m.succeeded, m.failed FROM queues q, LATERAL (
    SELECT x.succeeded, x.failed FROM attempt_metrics x
    WHERE x.subject_id = q.id AND x.span_seconds = 60 AND x.starts_at >= :whole::timestamptz
      AND x.job_type = :job_type::text
    OFFSET 0) m
  WHERE q.project_id = :project_id::uuid
  UNION ALL
  SELECT d.succeeded, d.failed FROM attempt_deltas d
  WHERE d.project_id = :project_id::uuid AND d.job_type = :job_type::text AND d.settled_at >= :start::timestamptz
) a
UNION ALL
SELECT 0, 0, s.first_at, s.samples FROM queues q, LATERAL (
  SELECT x.first_at, x.samples FROM attempt_samples x
  WHERE x.queue_id = q.id AND x.last_at >= :start::timestamptz AND x.first_at < :whole::timestamptz
    AND x.job_type = :job_type::text AND x.samples IS NOT NULL
  OFFSET 0) s
WHERE q.project_id = :project_id::uuid;

-- name: pick_probes
-- Jobs that only the breaker holds, in queues that hand out; those that were tried before only when they are asked for.
SELECT j.id, j.claim_seq, j.concurrency_key, j.losses, j.rank FROM jobs j JOIN queues q ON q.id = j.queue_id
WHERE j.project_id = :project_id::uuid AND j.hold = 'paused' AND j.job_type = :job_type::text AND j.status = 'pending'
  AND q.state <> 'paused' AND (j.waits_until IS NULL OR j.waits_until > coalesce(:now::timestamptz, clock_timestamp()))
  AND :again::boolean = EXISTS (
    SELECT 1 FROM breaker_probes t WHERE t.breaker_id = :breaker_id::uuid AND t.job_id = j.id)
  AND NOT EXISTS (
    SELECT 1 FROM pauses p WHERE p.project_id = j.project_id AND p.removed_at IS NULL
      AND CASE p.kind WHEN 'type' THEN p.value = j.job_type WHEN 'tag' THEN j.tags @> to_jsonb(p.value)
        WHEN 'key' THEN p.value IN (j.key, j.concurrency_key) ELSE false END)
ORDER BY j.id LIMIT (SELECT :limit::bigint) FOR UPDATE OF j SKIP LOCKED;

-- name: release_probe
-- After lock_keys: it goes only where its concurrency key has a place left.
UPDATE jobs j SET hold = CASE WHEN j.losses > 0 THEN 'suspect' END
WHERE j.project_id = :project_id::uuid AND j.id = :job_id::uuid AND j.status = 'pending' AND j.hold = 'paused'
  AND j.claim_seq = :claim_seq::bigint
  AND (j.concurrency_key IS NULL OR (
    SELECT c.places FROM concurrency_keys c WHERE c.project_id = j.project_id AND c.key = j.concurrency_key
  ) > (
    SELECT count(*) FROM jobs r WHERE r.project_id = j.project_id AND r.concurrency_key = j.concurrency_key
      AND r.concurrency_key IS NOT NULL AND r.status IN ('pending', 'processing')
      AND (r.hold IS NULL OR r.hold = 'suspect')))
RETURNING j.queue_id;

-- name: note_probe
INSERT INTO breaker_probes AS p (breaker_id, job_id, project_id, claim_seq, released_at)
VALUES (:breaker_id::uuid, :job_id::uuid, :project_id::uuid, :claim_seq::bigint,
  coalesce(:now::timestamptz, clock_timestamp()))
ON CONFLICT (breaker_id, job_id) DO UPDATE SET claim_seq = excluded.claim_seq, released_at = excluded.released_at;
