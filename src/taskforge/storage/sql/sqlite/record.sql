-- name: lock_fold
-- whoever writes here is alone
SELECT 1 AS is_mine;

-- name: take_deltas
SELECT json_group_array(json_array(project_id, queue_id, job_type, worker_id, settled_at, succeeded, failed, cancelled,
  removed, json(durations), json(waits))) AS packed
FROM (SELECT * FROM attempt_deltas ORDER BY rowid LIMIT :limit);
DELETE FROM attempt_deltas WHERE rowid IN (SELECT rowid FROM attempt_deltas ORDER BY rowid LIMIT :limit);

-- name: metrics_to_fold
SELECT json_group_array(json_array(m.subject_id, m.span_seconds, m.starts_at, m.job_type, m.succeeded, m.failed,
  m.cancelled, m.duration_us, m.wait_us, m.durations, m.waits)) AS packed
FROM json_each(:cells) k CROSS JOIN attempt_metrics m ON m.subject_id = k.value ->> 0
  AND m.span_seconds = k.value ->> 1 AND m.starts_at = k.value ->> 2 AND m.job_type = k.value ->> 3;

-- name: put_metrics
INSERT INTO attempt_metrics (
  subject_id, span_seconds, starts_at, job_type, project_id, succeeded, failed, cancelled, duration_us, wait_us,
  durations, waits
)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
  value ->> 8, value ->> 9, value ->> 10, value ->> 11
FROM json_each(:cells) WHERE true
ON CONFLICT (subject_id, span_seconds, starts_at, job_type) DO UPDATE SET succeeded = excluded.succeeded,
  failed = excluded.failed, cancelled = excluded.cancelled, duration_us = excluded.duration_us,
  wait_us = excluded.wait_us, durations = excluded.durations, waits = excluded.waits;

-- name: put_samples
INSERT INTO attempt_samples (project_id, queue_id, job_type, worker_id, first_at, last_at, samples)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
FROM json_each(:cells);

-- name: add_totals
INSERT INTO queue_totals (queue_id, project_id, succeeded_jobs)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:cells) WHERE true
ON CONFLICT (queue_id) DO UPDATE SET succeeded_jobs = queue_totals.succeeded_jobs + excluded.succeeded_jobs;

-- name: attempts_in_parts
-- Whole spans, and what is not folded yet, in one snapshot: nothing is missing or twice.
SELECT json_group_array(json_array(subject_id, job_type, starts_at, succeeded, failed, cancelled, duration_us, wait_us,
  durations, waits)) AS packed
FROM (
  SELECT m.subject_id, m.job_type, m.starts_at, m.succeeded, m.failed, m.cancelled, m.duration_us, m.wait_us,
    m.durations, m.waits
  FROM json_each(:spans) p CROSS JOIN json_each(:subject_ids) s
  CROSS JOIN attempt_metrics m ON m.subject_id = s.value AND m.span_seconds = p.value
    AND m.starts_at >= :firsts ->> p.fullkey AND m.starts_at < :lasts ->> p.fullkey
  WHERE (m.job_type <> '') = :by_type AND m.project_id = :project_id
  UNION ALL
  SELECT CASE WHEN d.queue_id IN (SELECT value FROM json_each(:subject_ids)) THEN d.queue_id ELSE d.worker_id END,
    d.job_type, d.settled_at, d.succeeded, d.failed, d.cancelled, NULL, NULL, d.durations, d.waits
  FROM attempt_deltas d
  WHERE d.project_id = :project_id AND d.settled_at >= :start AND d.settled_at < :end
    AND (d.queue_id IN (SELECT value FROM json_each(:subject_ids))
      OR d.worker_id IN (SELECT value FROM json_each(:subject_ids)))
);

-- name: attempts_themselves
SELECT json_group_array(json_array(subject_id, job_type, first_at, samples)) AS packed
FROM (
  SELECT CASE WHEN s.queue_id IN (SELECT value FROM json_each(:subject_ids)) THEN s.queue_id ELSE s.worker_id END
    AS subject_id, s.job_type, s.first_at, s.samples
  FROM attempt_samples s
  WHERE s.project_id = :project_id AND s.last_at >= :start AND s.first_at < :end
    AND (s.queue_id IN (SELECT value FROM json_each(:subject_ids))
      OR s.worker_id IN (SELECT value FROM json_each(:subject_ids)))
  UNION ALL
  SELECT CASE WHEN d.queue_id IN (SELECT value FROM json_each(:subject_ids)) THEN d.queue_id ELSE d.worker_id END,
    d.job_type, d.settled_at, json_array(json_array(0, d.succeeded, d.failed, d.cancelled, json(d.durations),
    json(d.waits)))
  FROM attempt_deltas d
  WHERE d.project_id = :project_id AND d.settled_at >= :start AND d.settled_at < :end
    AND (d.queue_id IN (SELECT value FROM json_each(:subject_ids))
      OR d.worker_id IN (SELECT value FROM json_each(:subject_ids)))
);

-- name: queue_depths
-- Counts end at the bound. The rank of a job is its due time less what its priority is worth, so the oldest one of
-- each priority is the first behind the place where its ranks begin; where priorities overlap, it is near the front.
SELECT q.id, q.project_id, :now AS now,
  (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_ready
    WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL LIMIT :bound)) AS ready,
  (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_held
    WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NOT NULL LIMIT :bound)) AS held,
  (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_scheduled
    WHERE j.queue_id = q.id AND j.status = 'scheduled' LIMIT :bound)) AS scheduled,
  (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_processing
    WHERE j.queue_id = q.id AND j.status = 'processing' LIMIT :bound)) AS processing,
  (SELECT max(0, :now - min(due)) FROM (
    SELECT due FROM (SELECT j.rank + j.priority * q.aging_us AS due FROM jobs j INDEXED BY jobs_ready
      WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL ORDER BY j.rank, j.id LIMIT 500)
    UNION ALL
    SELECT (SELECT j.rank + j.priority * q.aging_us FROM jobs j INDEXED BY jobs_ready
      WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL AND j.rank >= - p.value * q.aging_us
      ORDER BY j.rank, j.id LIMIT 1)
    FROM json_each('[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]') p)) AS latency_us
FROM queues q
WHERE (:project_id IS NULL OR q.project_id = :project_id) AND (:queue_id IS NULL OR q.id = :queue_id)
  AND (NOT :unless_sampled OR NOT EXISTS (
    SELECT 1 FROM queue_samples s WHERE s.minute = :now - :now % 60000000));

-- name: running_jobs
SELECT q.id, (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_processing
  WHERE j.queue_id = q.id AND j.status = 'processing' LIMIT :bound)) AS running
FROM queues q WHERE q.project_id = :project_id AND (:queue_id IS NULL OR q.id = :queue_id);

-- name: put_queue_samples
-- that nothing waits is written down once
INSERT INTO queue_samples (queue_id, minute, project_id, ready, held, scheduled, processing, latency_us)
SELECT n.value ->> 0, n.value ->> 1, n.value ->> 2, n.value ->> 3, n.value ->> 4, n.value ->> 5, n.value ->> 6,
  n.value ->> 7
FROM json_each(:cells) n
WHERE (n.value ->> 3) + (n.value ->> 4) + (n.value ->> 5) + (n.value ->> 6) > 0 OR EXISTS (
  SELECT 1 FROM queue_samples s WHERE s.queue_id = n.value ->> 0 AND s.minute = (n.value ->> 1) - 60000000
    AND s.ready + s.held + s.scheduled + s.processing > 0)
ON CONFLICT DO NOTHING;

-- name: queue_samples_in
SELECT s.minute, s.ready, s.held, s.scheduled, s.processing, s.latency_us FROM queue_samples s
WHERE s.project_id = :project_id AND s.queue_id = :queue_id AND s.minute >= :start AND s.minute < :end
ORDER BY s.minute;

-- name: put_worker_sample
INSERT INTO worker_samples (worker_id, sampled_at, project_id, cpu_percent, memory_bytes, memory_percent)
SELECT w.id, :now, w.project_id, :cpu_percent, :memory_bytes, :memory_percent FROM workers w WHERE w.id = :worker_id
ON CONFLICT DO NOTHING;

-- name: put_task_samples
INSERT INTO task_samples (
  worker_id, sampled_at, queue_id, job_type, project_id, executions, cpu_us, most_cpu_us, peak_memory_bytes)
SELECT w.id, :now, n.value ->> 0, n.value ->> 1, w.project_id, n.value ->> 2, n.value ->> 3, n.value ->> 4, n.value ->> 5
FROM json_each(:cells) n CROSS JOIN workers w ON w.id = :worker_id WHERE true
ON CONFLICT DO NOTHING;

-- name: task_samples_in
SELECT s.sampled_at, s.job_type, sum(s.executions), sum(s.cpu_us), max(s.most_cpu_us), max(s.peak_memory_bytes)
FROM (
  SELECT t.* FROM json_each(:subject_ids) o CROSS JOIN task_samples t ON t.worker_id = o.value
    AND t.sampled_at >= :start AND t.sampled_at < :end
  UNION ALL
  SELECT t.* FROM json_each(:subject_ids) o CROSS JOIN task_samples t ON t.queue_id = o.value
    AND t.sampled_at >= :start AND t.sampled_at < :end
) s
WHERE s.project_id = :project_id AND (:job_type IS NULL OR s.job_type = :job_type)
GROUP BY s.sampled_at, s.job_type ORDER BY s.sampled_at, s.job_type;

-- name: worker_samples_in
SELECT s.sampled_at, s.cpu_percent, s.memory_bytes, s.memory_percent FROM worker_samples s
WHERE s.project_id = :project_id AND s.worker_id IN (SELECT value FROM json_each(:worker_ids))
  AND s.sampled_at >= :start AND s.sampled_at < :end ORDER BY s.sampled_at;

-- name: workers_in
SELECT w.id, w.name, w.queues,
  (SELECT count(*) FROM queues q CROSS JOIN jobs j ON j.queue_id = q.id
    WHERE q.project_id = w.project_id AND j.status = 'processing' AND j.worker_id = w.id) AS running
FROM workers w
WHERE w.project_id = :project_id AND (:name IS NULL OR w.name = :name) AND (:worker_id IS NULL OR w.id = :worker_id)
  AND w.created_at < :end AND (w.stopped_at IS NULL OR w.last_heartbeat >= :start)
ORDER BY w.created_at DESC, w.id DESC LIMIT 10000;

-- name: forget_record
-- each kind at its age
DELETE FROM attempt_samples WHERE rowid IN (
  SELECT rowid FROM attempt_samples WHERE last_at < :now - :samples_us LIMIT :limit);
DELETE FROM attempt_metrics WHERE rowid IN (
  SELECT rowid FROM attempt_metrics WHERE span_seconds = 60 AND starts_at < :now - :minutes_us LIMIT :limit);
DELETE FROM attempt_metrics WHERE rowid IN (
  SELECT rowid FROM attempt_metrics WHERE span_seconds = 3600 AND starts_at < :now - :hours_us LIMIT :limit);
DELETE FROM attempt_metrics WHERE rowid IN (
  SELECT rowid FROM attempt_metrics WHERE span_seconds = 86400 AND starts_at < :now - :days_us LIMIT :limit);
DELETE FROM attempt_metrics WHERE rowid IN (
  SELECT r.rowid FROM attempt_metrics r WHERE r.span_seconds = 0
    AND NOT EXISTS (SELECT 1 FROM queues q WHERE q.id = r.subject_id) LIMIT :limit);
DELETE FROM queue_samples WHERE rowid IN (
  SELECT rowid FROM queue_samples WHERE minute < :now - :gauges_us LIMIT :limit);
DELETE FROM task_samples WHERE rowid IN (
  SELECT rowid FROM task_samples WHERE sampled_at < :now - :gauges_us LIMIT :limit);
DELETE FROM worker_samples WHERE rowid IN (
  SELECT rowid FROM worker_samples WHERE sampled_at < :now - :gauges_us LIMIT :limit);
