-- name: lock_fold
-- one process folds at a time; the others need not wait for it
SELECT pg_try_advisory_xact_lock(1952543595, 2) AS is_mine;

-- name: take_deltas
DELETE FROM attempt_deltas WHERE ctid = ANY (ARRAY (SELECT ctid FROM attempt_deltas LIMIT :limit))
RETURNING project_id, queue_id, job_type, worker_id, settled_at, succeeded, failed, cancelled, removed, durations, waits;

-- name: metrics_to_fold
SELECT m.subject_id, m.span_seconds, m.starts_at, m.job_type, m.succeeded, m.failed, m.cancelled, m.duration_us,
  m.wait_us, m.durations, m.waits
FROM unnest(
  (SELECT :subject_id::uuid[]), :span_seconds::integer[], :starts_at::timestamptz[], :job_type::text[]
) AS k (subject_id, span_seconds, starts_at, job_type)
JOIN attempt_metrics m USING (subject_id, span_seconds, starts_at, job_type);

-- name: put_metrics
INSERT INTO attempt_metrics (
  subject_id, span_seconds, starts_at, job_type, project_id, succeeded, failed, cancelled, duration_us, wait_us,
  durations, waits
)
SELECT * FROM unnest(
  (SELECT :subject_id::uuid[]), :span_seconds::integer[], :starts_at::timestamptz[], :job_type::text[],
  :of_project::uuid[], :succeeded::bigint[], :failed::bigint[], :cancelled::bigint[], :duration_us::bigint[],
  :wait_us::bigint[], :durations::text[], :waits::text[]
)
ON CONFLICT (subject_id, span_seconds, starts_at, job_type) DO UPDATE SET succeeded = excluded.succeeded,
  failed = excluded.failed, cancelled = excluded.cancelled, duration_us = excluded.duration_us,
  wait_us = excluded.wait_us, durations = excluded.durations, waits = excluded.waits;

-- name: put_samples
INSERT INTO attempt_samples (project_id, queue_id, job_type, worker_id, first_at, last_at, samples)
SELECT * FROM unnest(
  (SELECT :of_project::uuid[]), :queue_id::uuid[], :job_type::text[], :worker_id::uuid[], :first_at::timestamptz[],
  :last_at::timestamptz[], :samples::text[]
);

-- name: add_totals
INSERT INTO queue_totals AS q (queue_id, project_id, succeeded_jobs)
SELECT * FROM unnest((SELECT :queue_id::uuid[]), :of_project::uuid[], :succeeded_jobs::bigint[])
ON CONFLICT (queue_id) DO UPDATE SET succeeded_jobs = q.succeeded_jobs + excluded.succeeded_jobs;

-- name: attempts_in_parts
-- Whole spans, and what is not folded yet, in one snapshot: nothing is missing or twice.
SELECT m.subject_id, m.job_type, m.starts_at, m.succeeded, m.failed, m.cancelled, m.duration_us, m.wait_us,
  m.durations, m.waits
FROM unnest((SELECT :subject_ids::uuid[])) AS s (id),
  unnest((SELECT :spans::integer[]), :firsts::timestamptz[], :lasts::timestamptz[]) AS p (span, first, last),
  LATERAL (SELECT a.* FROM attempt_metrics a
    WHERE a.subject_id = s.id AND a.span_seconds = p.span AND a.starts_at >= p.first AND a.starts_at < p.last
      AND (a.job_type <> '') = :by_type::boolean AND a.project_id = :project_id::uuid
    OFFSET 0) m
UNION ALL
SELECT CASE WHEN d.queue_id = ANY (:subject_ids::uuid[]) THEN d.queue_id ELSE d.worker_id END, d.job_type,
  d.settled_at, d.succeeded, d.failed, d.cancelled, NULL, NULL, array_to_json(d.durations)::text,
  array_to_json(d.waits)::text
FROM attempt_deltas d
WHERE d.project_id = :project_id::uuid AND d.settled_at >= :start::timestamptz AND d.settled_at < :end::timestamptz
  AND (d.queue_id = ANY (:subject_ids::uuid[]) OR d.worker_id = ANY (:subject_ids::uuid[]));

-- name: attempts_themselves
SELECT CASE WHEN s.queue_id = ANY (:subject_ids::uuid[]) THEN s.queue_id ELSE s.worker_id END AS subject_id, s.job_type,
  s.first_at, s.samples
FROM attempt_samples s
WHERE s.project_id = :project_id::uuid AND s.last_at >= :start::timestamptz AND s.first_at < :end::timestamptz
  AND (s.queue_id = ANY (:subject_ids::uuid[]) OR s.worker_id = ANY (:subject_ids::uuid[]))
UNION ALL
SELECT CASE WHEN d.queue_id = ANY (:subject_ids::uuid[]) THEN d.queue_id ELSE d.worker_id END, d.job_type, d.settled_at,
  json_build_array(json_build_array(0, d.succeeded, d.failed, d.cancelled, d.durations, d.waits))::text
FROM attempt_deltas d
WHERE d.project_id = :project_id::uuid AND d.settled_at >= :start::timestamptz AND d.settled_at < :end::timestamptz
  AND (d.queue_id = ANY (:subject_ids::uuid[]) OR d.worker_id = ANY (:subject_ids::uuid[]));

-- name: queue_depths
-- Counts end at the bound. The rank of a job is its due time less what its priority is worth, so the oldest one of
-- each priority is the first behind the place where its ranks begin; where priorities overlap, it is near the front.
SELECT q.id, q.project_id, t.now,
  (SELECT count(*) FROM (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL
    LIMIT :bound::bigint) b) AS ready,
  (SELECT count(*) FROM (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NOT NULL
    LIMIT :bound::bigint) b) AS held,
  (SELECT count(*) FROM (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled'
    LIMIT :bound::bigint) b) AS scheduled,
  (SELECT count(*) FROM (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'processing'
    LIMIT :bound::bigint) b) AS processing,
  (SELECT greatest(0, (date_part('epoch', t.now) * 1000000)::bigint - min(o.due)) FROM (
    (SELECT j.rank + j.priority * q.aging_us AS due FROM jobs j
      WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL ORDER BY j.rank, j.id LIMIT 500)
    UNION ALL
    (SELECT h.due FROM generate_series(0, 9) AS p (priority), LATERAL (
      SELECT j.rank + j.priority * q.aging_us AS due FROM jobs j
      WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL AND j.rank >= - p.priority * q.aging_us
      ORDER BY j.rank, j.id LIMIT 1) h)
  ) o) AS latency_us
FROM queues q, (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now OFFSET 0) t
WHERE (:project_id::uuid IS NULL OR q.project_id = :project_id::uuid)
  AND (:queue_id::uuid IS NULL OR q.id = :queue_id::uuid)
  AND (NOT :unless_sampled::boolean OR NOT EXISTS (
    SELECT 1 FROM queue_samples s WHERE s.minute = date_trunc('minute', t.now, 'UTC')));

-- name: running_jobs
SELECT q.id, (SELECT count(*) FROM (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'processing'
  LIMIT :bound::bigint) b) AS running
FROM queues q WHERE q.project_id = :project_id::uuid AND (:queue_id::uuid IS NULL OR q.id = :queue_id::uuid);

-- name: put_queue_samples
-- that nothing waits is written down once
INSERT INTO queue_samples (queue_id, minute, project_id, ready, held, scheduled, processing, latency_us)
SELECT n.* FROM unnest(
  (SELECT :queue_id::uuid[]), :minute::timestamptz[], :of_project::uuid[], :ready::integer[], :held::integer[],
  :scheduled::integer[], :processing::integer[], :latency_us::bigint[]
) AS n (queue_id, minute, project_id, ready, held, scheduled, processing, latency_us)
WHERE n.ready + n.held + n.scheduled + n.processing > 0 OR EXISTS (
  SELECT 1 FROM queue_samples s WHERE s.queue_id = n.queue_id AND s.minute = n.minute - interval '1 minute'
    AND s.ready + s.held + s.scheduled + s.processing > 0)
ON CONFLICT DO NOTHING;

-- name: queue_samples_in
SELECT s.minute, s.ready, s.held, s.scheduled, s.processing, s.latency_us FROM queue_samples s
WHERE s.project_id = :project_id::uuid AND s.queue_id = :queue_id::uuid
  AND s.minute >= :start::timestamptz AND s.minute < :end::timestamptz ORDER BY s.minute;

-- name: put_worker_sample
INSERT INTO worker_samples (worker_id, sampled_at, project_id, cpu_percent, memory_bytes, memory_percent)
SELECT w.id, coalesce(:now::timestamptz, clock_timestamp()), w.project_id, :cpu_percent::double precision,
  :memory_bytes::bigint, :memory_percent::double precision
FROM workers w WHERE w.id = :worker_id::uuid
ON CONFLICT DO NOTHING;

-- name: put_task_samples
INSERT INTO task_samples (
  worker_id, sampled_at, queue_id, job_type, project_id, executions, cpu_us, most_cpu_us, peak_memory_bytes)
SELECT w.id, t.now, n.queue_id, n.job_type, w.project_id, n.executions, n.cpu_us, n.most_cpu_us, n.peak_memory_bytes
FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t, workers w, unnest(
  (SELECT :queue_id::uuid[]), :job_type::text[], :executions::bigint[], :cpu_us::bigint[], :most_cpu_us::bigint[],
  :peak_memory_bytes::bigint[]
) AS n (queue_id, job_type, executions, cpu_us, most_cpu_us, peak_memory_bytes)
WHERE w.id = :worker_id::uuid
ON CONFLICT DO NOTHING;

-- name: task_samples_in
SELECT s.sampled_at, s.job_type, sum(s.executions)::bigint, sum(s.cpu_us)::bigint, max(s.most_cpu_us),
  max(s.peak_memory_bytes)
FROM unnest((SELECT :subject_ids::uuid[])) AS o (id), LATERAL (
  SELECT t.* FROM task_samples t WHERE t.worker_id = o.id AND t.sampled_at >= :start::timestamptz
    AND t.sampled_at < :end::timestamptz AND t.project_id = :project_id::uuid
  UNION ALL
  SELECT t.* FROM task_samples t WHERE t.queue_id = o.id AND t.sampled_at >= :start::timestamptz
    AND t.sampled_at < :end::timestamptz AND t.project_id = :project_id::uuid
  OFFSET 0) s
WHERE :job_type::text IS NULL OR s.job_type = :job_type::text
GROUP BY s.sampled_at, s.job_type ORDER BY s.sampled_at, s.job_type;

-- name: worker_samples_in
SELECT s.sampled_at, s.cpu_percent, s.memory_bytes, s.memory_percent FROM worker_samples s
WHERE s.project_id = :project_id::uuid AND s.worker_id = ANY (:worker_ids::uuid[])
  AND s.sampled_at >= :start::timestamptz AND s.sampled_at < :end::timestamptz ORDER BY s.sampled_at;

-- name: workers_in
SELECT w.id, w.name, w.queues,
  (SELECT count(*) FROM queues q JOIN jobs j ON j.queue_id = q.id
    WHERE q.project_id = w.project_id AND j.status = 'processing' AND j.worker_id = w.id) AS running
FROM workers w
WHERE w.project_id = :project_id::uuid AND (:name::text IS NULL OR w.name = :name::text)
  AND (:worker_id::uuid IS NULL OR w.id = :worker_id::uuid)
  AND w.created_at < :end::timestamptz AND (w.stopped_at IS NULL OR w.last_heartbeat >= :start::timestamptz)
ORDER BY w.created_at DESC, w.id DESC LIMIT 10000;

-- name: forget_record
-- each kind at its age
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now),
samples AS (
  DELETE FROM attempt_samples WHERE ctid = ANY (ARRAY (SELECT r.ctid FROM attempt_samples r, t
    WHERE r.last_at < t.now - :samples_us::bigint * interval '1 microsecond' LIMIT (SELECT :limit::bigint)))
),
minutes AS (
  DELETE FROM attempt_metrics WHERE ctid = ANY (ARRAY (SELECT r.ctid FROM attempt_metrics r, t
    WHERE r.span_seconds = 60 AND r.starts_at < t.now - :minutes_us::bigint * interval '1 microsecond' LIMIT (SELECT :limit::bigint)))
),
hours AS (
  DELETE FROM attempt_metrics WHERE ctid = ANY (ARRAY (SELECT r.ctid FROM attempt_metrics r, t
    WHERE r.span_seconds = 3600 AND r.starts_at < t.now - :hours_us::bigint * interval '1 microsecond' LIMIT (SELECT :limit::bigint)))
),
gone AS (
  DELETE FROM attempt_metrics WHERE ctid = ANY (ARRAY (SELECT r.ctid FROM attempt_metrics r
    WHERE r.span_seconds = 0 AND NOT EXISTS (SELECT 1 FROM queues q WHERE q.id = r.subject_id) LIMIT (SELECT :limit::bigint)))
),
days AS (
  DELETE FROM attempt_metrics WHERE ctid = ANY (ARRAY (SELECT r.ctid FROM attempt_metrics r, t
    WHERE r.span_seconds = 86400 AND r.starts_at < t.now - :days_us::bigint * interval '1 microsecond' LIMIT (SELECT :limit::bigint)))
),
queues AS (
  DELETE FROM queue_samples WHERE ctid = ANY (ARRAY (SELECT r.ctid FROM queue_samples r, t
    WHERE r.minute < t.now - :gauges_us::bigint * interval '1 microsecond' LIMIT (SELECT :limit::bigint)))
),
tasks AS (
  DELETE FROM task_samples WHERE ctid = ANY (ARRAY (SELECT r.ctid FROM task_samples r, t
    WHERE r.sampled_at < t.now - :gauges_us::bigint * interval '1 microsecond' LIMIT (SELECT :limit::bigint)))
)
DELETE FROM worker_samples WHERE ctid = ANY (ARRAY (SELECT r.ctid FROM worker_samples r, t
  WHERE r.sampled_at < t.now - :gauges_us::bigint * interval '1 microsecond' LIMIT (SELECT :limit::bigint)));
