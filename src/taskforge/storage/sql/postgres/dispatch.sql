-- Rows are fetched by their id alone, and what else must hold is asked of them then: a planner that may choose would look
-- for a few ids in the index of all ready jobs, once for each.

-- name: claim_these_jobs
-- What another dispatcher handed out: the guards are those of claim_jobs, so what it makes up or repeats is left alone.
WITH t AS MATERIALIZED (
  SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now,
    lpad(to_hex((floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint << 16) | x'7000'::bigint | (:seed::bigint & 4095)), 16, '0')
      AS id_start
),
lane AS MATERIALIZED (
  SELECT q.id FROM queues q
  WHERE q.project_id = :project_id::uuid AND q.id = ANY (:queue_ids::uuid[]) AND q.state <> 'paused'
    AND NOT q.is_ruled
),
picked AS MATERIALIZED (
  SELECT h.place FROM unnest((SELECT :job_ids::uuid[])) AS p (id), LATERAL (
    SELECT j.ctid AS place, j.status, j.hold, j.queue_id, j.job_type, j.waits_until FROM jobs j
    WHERE j.id = p.id LIMIT 1 FOR UPDATE SKIP LOCKED
  ) h
  WHERE h.status = 'pending' AND h.hold IS NULL AND h.queue_id IN (SELECT id FROM lane)
    AND h.job_type = ANY (:job_types::text[])
    AND (h.waits_until IS NULL OR h.waits_until > (SELECT now FROM t))
  LIMIT (SELECT :free::bigint)
),
claimed AS (
  -- at their places, as in claim_jobs: found by their ids once more, they cost a twentieth of the claim
  UPDATE jobs SET status = 'processing', claim_seq = claim_seq + 1, attempt_count = attempt_count + 1,
    execution_id = ((SELECT id_start FROM t)
      || to_hex(uuid_hash_extended(id, :seed::bigint) & x'3fffffffffffffff'::bigint | x'8000000000000000'::bigint))::uuid, worker_id = :worker_id::uuid,
    claimed_at = (SELECT now FROM t), started_at = NULL, heartbeat_at = NULL, progress = NULL,
    updated_at = (SELECT now FROM t),
    lease_until = (SELECT now FROM t) + :lease_us::bigint * interval '1 microsecond'
  WHERE ctid = ANY (ARRAY (SELECT place FROM picked))
  RETURNING id, queue_id, job_type, payload, priority, rank, attempt_count, max_attempts, manual_retries,
    retry_policy, timeout_ms, losses, claim_seq, execution_id, deadline, state, claimed_at, concurrency_key
)
SELECT claimed.*, t.now, NULL::timestamptz AS next_due_at,
  (SELECT config_version FROM projects WHERE id = :project_id::uuid) AS config_version
FROM t LEFT JOIN claimed ON true;

-- name: waiting_jobs
SELECT h.id, h.queue_id, h.job_type, h.rank,
  CASE WHEN h.status = 'scheduled' THEN (extract(epoch FROM h.scheduled_for) * 1000000)::bigint END AS due_us
FROM unnest((SELECT :job_ids::uuid[])) AS p (id), LATERAL (
  SELECT j.id, j.project_id, j.queue_id, j.job_type, j.rank, j.status, j.hold, j.scheduled_for FROM jobs j
  WHERE j.id = p.id LIMIT 1
) h
WHERE h.project_id = :project_id::uuid AND (h.status = 'pending' AND h.hold IS NULL OR h.status = 'scheduled');

-- name: ready_page
SELECT h.* FROM queues q, LATERAL (
  SELECT j.id, j.queue_id, j.job_type, j.rank, NULL::bigint AS due_us FROM jobs j
  WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL
    AND (j.rank, j.id) > (:after_rank::bigint, :after_id::uuid)
  ORDER BY j.rank, j.id LIMIT (SELECT :limit::bigint)
) h
WHERE q.project_id = :project_id::uuid AND q.id = ANY (:queue_ids::uuid[]);

-- name: scheduled_head
SELECT h.* FROM queues q, LATERAL (
  SELECT j.id, j.queue_id, j.job_type, j.rank, (extract(epoch FROM j.scheduled_for) * 1000000)::bigint AS due_us
  FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled'
  ORDER BY j.scheduled_for LIMIT (SELECT :limit::bigint)
) h
WHERE q.project_id = :project_id::uuid AND q.id = ANY (:queue_ids::uuid[]);

-- name: queue_heads
-- What is compared again and again, in one look; a row without a job when there is none.
SELECT h.*, p.config_version, EXISTS (
    SELECT 1 FROM queues q, LATERAL (
      SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold = 'suspect' LIMIT 1) s
    WHERE q.project_id = :project_id::uuid AND q.id = ANY (:queue_ids::uuid[])) AS has_suspects
FROM projects p LEFT JOIN (
  SELECT r.* FROM queues q, LATERAL (
    SELECT j.id, j.queue_id, j.job_type, j.rank, NULL::bigint AS due_us FROM jobs j
    WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL
    ORDER BY j.rank, j.id LIMIT (SELECT :limit::bigint)
  ) r
  WHERE q.project_id = :project_id::uuid AND q.id = ANY (:queue_ids::uuid[])
  UNION ALL
  SELECT d.* FROM queues q, LATERAL (
    SELECT j.id, j.queue_id, j.job_type, j.rank, (extract(epoch FROM j.scheduled_for) * 1000000)::bigint AS due_us
    FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled'
    ORDER BY j.scheduled_for LIMIT (SELECT :limit::bigint)
  ) d
  WHERE q.project_id = :project_id::uuid AND q.id = ANY (:queue_ids::uuid[])
) h ON true
WHERE p.id = :project_id::uuid;
