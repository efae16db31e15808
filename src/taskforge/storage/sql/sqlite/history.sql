-- name: few_jobs
-- Ids that may fit, over the partial indexes of what is not succeeded: up to `most`, then it says nothing.
SELECT id FROM (SELECT l.id FROM jobs l INDEXED BY jobs_dead_letters
  WHERE l.dead_letter_queue_id = :dead_letter_queue_id ORDER BY l.id DESC LIMIT :most);
SELECT id FROM (SELECT e.id FROM jobs e INDEXED BY jobs_failed
  WHERE :dead_letter_queue_id IS NULL
    AND EXISTS (SELECT 1 FROM json_each(:statuses) WHERE value IN ('failed', 'cancelled'))
    AND e.status IN ('failed', 'cancelled') AND e.project_id = :project_id
  ORDER BY e.queue_id, e.status, e.id LIMIT :most);
SELECT j.id FROM queues q CROSS JOIN jobs j INDEXED BY jobs_processing ON j.queue_id = q.id
WHERE :dead_letter_queue_id IS NULL AND 'processing' IN (SELECT value FROM json_each(:statuses))
  AND q.project_id = :project_id AND j.status = 'processing' LIMIT :most;
SELECT j.id FROM queues q CROSS JOIN jobs j INDEXED BY jobs_scheduled ON j.queue_id = q.id
WHERE :dead_letter_queue_id IS NULL AND 'scheduled' IN (SELECT value FROM json_each(:statuses))
  AND q.project_id = :project_id AND j.status = 'scheduled' LIMIT :most;
SELECT j.id FROM queues q CROSS JOIN jobs j INDEXED BY jobs_ready ON j.queue_id = q.id
WHERE :dead_letter_queue_id IS NULL AND 'pending' IN (SELECT value FROM json_each(:statuses))
  AND q.project_id = :project_id AND j.status = 'pending' AND j.hold IS NULL LIMIT :most;
SELECT j.id FROM queues q CROSS JOIN jobs j INDEXED BY jobs_held ON j.queue_id = q.id
WHERE :dead_letter_queue_id IS NULL AND 'pending' IN (SELECT value FROM json_each(:statuses))
  AND q.project_id = :project_id AND j.status = 'pending' AND j.hold IS NOT NULL LIMIT :most;

-- name: walk_jobs
WITH w AS MATERIALIZED (
  SELECT * FROM (
    SELECT j.id, j.project_id, j.queue_id, j.status, j.job_type, j.tags, j.created_at, j.scheduled_for,
      j.dead_letter_queue_id, j.execution_id
    FROM jobs j WHERE :among IS NULL AND j.id < :before ORDER BY j.id DESC LIMIT :scan)
  UNION ALL
  SELECT f.id, f.project_id, f.queue_id, f.status, f.job_type, f.tags, f.created_at, f.scheduled_for,
    f.dead_letter_queue_id, f.execution_id
  FROM json_each(:among) o CROSS JOIN jobs f ON f.id = o.value WHERE f.id < :before
)
SELECT * FROM (
  SELECT w.id, 1 AS fits, 0 AS is_last FROM w
  WHERE w.project_id = :project_id
    AND (:queue_ids IS NULL OR w.queue_id IN (SELECT value FROM json_each(:queue_ids)))
    AND (:statuses IS NULL OR w.status IN (SELECT value FROM json_each(:statuses)))
    AND (:job_type IS NULL OR w.job_type = :job_type)
    AND (:tag IS NULL OR EXISTS (SELECT 1 FROM json_each(w.tags) WHERE value = :tag))
    AND (:created_from IS NULL OR w.created_at >= :created_from)
    AND (:created_to IS NULL OR w.created_at < :created_to)
    AND (:scheduled_from IS NULL OR w.scheduled_for >= :scheduled_from)
    AND (:scheduled_to IS NULL OR w.scheduled_for < :scheduled_to)
    AND (:dead_letter_queue_id IS NULL OR w.dead_letter_queue_id = :dead_letter_queue_id)
    AND (:payload_path IS NULL OR EXISTS (
      SELECT 1 FROM jobs p WHERE p.id = w.id AND json_extract(p.payload, :payload_path) IS json_extract(:payload_value, '$')
        AND json_type(p.payload, :payload_path) = json_type(:payload_value)))
    AND (:error_text IS NULL OR EXISTS (
      SELECT 1 FROM executions e WHERE e.id = w.execution_id AND e.status <> 'succeeded'
        AND instr(lower(coalesce(e.error_type, '') || ': ' || coalesce(e.error_message, '')), lower(:error_text)) > 0))
    AND (:fingerprint IS NULL OR EXISTS (
      SELECT 1 FROM executions e WHERE e.id = w.execution_id AND e.fingerprint = :fingerprint))
  ORDER BY w.id DESC LIMIT :limit)
UNION ALL
SELECT (SELECT min(id) FROM w), 0, 1 WHERE (SELECT count(*) FROM w) >= :scan;

-- name: jobs_by_ids
SELECT j.*, q.name AS queue_name, q.settings AS queue_settings
FROM jobs j LEFT JOIN queues q ON q.id = j.queue_id
WHERE j.project_id = :project_id AND j.id IN (SELECT value FROM json_each(:job_ids)) ORDER BY j.id DESC;

-- name: job_ids_by_suffix
SELECT r.id FROM (
  SELECT id FROM jobs WHERE project_id = :project_id ORDER BY id DESC LIMIT :recent
) r WHERE replace(r.id, '-', '') LIKE '%' || :suffix LIMIT 20;

-- name: job_endings
SELECT j.id, j.status, e.output, coalesce(j.failure, e.error_type) AS error_type,
  CASE WHEN j.failure IS NULL THEN e.error_message END AS error_message, e.traceback
FROM jobs j LEFT JOIN executions e
  ON e.id = j.execution_id AND j.status IN ('succeeded', 'failed', 'cancelled')
WHERE j.project_id = :project_id AND j.id IN (SELECT value FROM json_each(:job_ids));

-- name: count_jobs
-- Over the partial indexes, each count up to the bound; the succeeded ones are a running total. Failed and cancelled jobs
-- are in one index, which is read once: how many there are in the upper half of a number, the failed ones in the lower.
WITH both_ended (both) AS MATERIALIZED (
  SELECT (SELECT (count(*) << 32) + count(*) FILTER (WHERE b.status = 'failed') FROM (
    SELECT j.status FROM jobs j INDEXED BY jobs_failed
    WHERE j.queue_id = q.id AND j.status IN ('failed', 'cancelled') LIMIT :bound) b)
  FROM queues q WHERE q.project_id = :project_id AND (:queue_id IS NULL OR q.id = :queue_id))
SELECT status, jobs, coalesce(reach, jobs) >= :bound AS is_bounded FROM (
  SELECT 'pending' AS status, (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_ready
    WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL LIMIT :bound))
    + (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_held
    WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NOT NULL LIMIT :bound)) AS jobs, NULL AS reach
  FROM queues q WHERE q.project_id = :project_id AND (:queue_id IS NULL OR q.id = :queue_id)
  UNION ALL
  SELECT 'scheduled', (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_scheduled
    WHERE j.queue_id = q.id AND j.status = 'scheduled' LIMIT :bound)), NULL
  FROM queues q WHERE q.project_id = :project_id AND (:queue_id IS NULL OR q.id = :queue_id)
  UNION ALL
  SELECT 'processing', (SELECT count(*) FROM (SELECT 1 FROM jobs j INDEXED BY jobs_processing
    WHERE j.queue_id = q.id AND j.status = 'processing' LIMIT :bound)), NULL
  FROM queues q WHERE q.project_id = :project_id AND (:queue_id IS NULL OR q.id = :queue_id)
  UNION ALL
  SELECT k.value, CASE k.value WHEN 'failed' THEN f.both & 4294967295 ELSE (f.both >> 32) - (f.both & 4294967295) END,
    f.both >> 32
  FROM both_ended f CROSS JOIN json_each('["failed", "cancelled"]') k
  UNION ALL
  SELECT 'succeeded', coalesce((SELECT t.succeeded_jobs FROM queue_totals t WHERE t.queue_id = q.id), 0)
    + coalesce((SELECT sum(d.succeeded) FROM attempt_deltas d WHERE d.queue_id = q.id), 0), 0
  FROM queues q WHERE q.project_id = :project_id AND (:queue_id IS NULL OR q.id = :queue_id)
);

-- name: tag_is_common
-- there is no index of tags to ask instead
SELECT 1 AS is_common FROM (SELECT :project_id, :tag, :newest);

-- name: newest_tagged
SELECT NULL AS id, 1 AS are_many FROM (SELECT :project_id, :tag, :most, :before, :scan);

-- name: count_tagged_jobs
-- there is no index of tags: it looks at all jobs until the bound is reached
WITH found AS MATERIALIZED (
  SELECT j.status FROM jobs j
  WHERE j.project_id = :project_id AND (:queue_id IS NULL OR j.queue_id = :queue_id)
    AND EXISTS (SELECT 1 FROM json_each(j.tags) WHERE value = :tag)
  LIMIT :bound)
SELECT s.value AS status, (SELECT count(*) FROM found f WHERE f.status = s.value) AS jobs,
  (SELECT count(*) FROM found) >= :bound AS is_bounded
FROM json_each('["pending", "scheduled", "processing", "succeeded", "failed", "cancelled"]') s;

-- name: list_lines
-- goes on right behind a line: of the attempt that it belongs to it reads no more than the page, however long the log is
WITH attempts (id) AS MATERIALIZED (
  SELECT e.id FROM executions e WHERE e.project_id = :project_id AND e.job_id = :job_id
  UNION SELECT j.execution_id FROM jobs j WHERE j.project_id = :project_id AND j.id = :job_id),
here (id) AS MATERIALIZED (
  SELECT min(a.id) FROM attempts a WHERE (:execution_id IS NULL OR a.id = :execution_id)
    AND (:after_execution IS NULL OR a.id >= :after_execution)),
first AS MATERIALIZED (
  SELECT l.execution_id, l.seq, l.level, l.message, l.metadata, l.logged_at FROM log_lines l
  WHERE l.execution_id = (SELECT id FROM here)
    AND l.seq > CASE (SELECT id FROM here) WHEN :after_execution THEN :after_seq ELSE -1 END
    AND (:levels IS NULL OR l.level IN (SELECT value FROM json_each(:levels)))
  ORDER BY l.seq LIMIT :limit)
SELECT * FROM first
UNION ALL
SELECT * FROM (
  SELECT l.execution_id, l.seq, l.level, l.message, l.metadata, l.logged_at FROM log_lines l
  WHERE (SELECT count(*) FROM first) < :limit AND :execution_id IS NULL
    AND l.execution_id IN (SELECT a.id FROM attempts a WHERE a.id > (SELECT id FROM here))
    AND (:levels IS NULL OR l.level IN (SELECT value FROM json_each(:levels)))
  ORDER BY l.execution_id, l.seq LIMIT :limit)
ORDER BY execution_id, seq LIMIT :limit;

-- name: queue_use
SELECT
  (SELECT count(*) + coalesce(sum(r.slots - 1), 0) FROM jobs r WHERE r.queue_id = q.id AND r.status = 'processing')
    AS running,
  (SELECT coalesce(sum(s.starts), 0) FROM queue_starts s
    WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60) AS starts,
  (SELECT (61 + min(s.second)) * 1000000 FROM queue_starts s
    WHERE s.queue_id = q.id AND s.second >= :now / 1000000 - 60) AS next_start_at
FROM queues q WHERE q.project_id = :project_id AND q.id = :queue_id;

-- name: execution_stats
SELECT count(*) AS total_executions,
  sum(CASE WHEN e.status = 'succeeded' THEN 1 ELSE 0 END) AS succeeded_count,
  sum(CASE WHEN e.status IN ('failed', 'retry_scheduled', 'dead_letter') THEN 1 ELSE 0 END) AS failed_count,
  avg(CASE WHEN e.status = 'succeeded' THEN e.duration_us END) AS avg_duration_us,
  min(CASE WHEN e.status = 'succeeded' THEN e.duration_us END) AS min_duration_us,
  max(CASE WHEN e.status = 'succeeded' THEN e.duration_us END) AS max_duration_us
FROM executions e WHERE e.project_id = :project_id AND e.job_id = :job_id;

-- name: list_executions
SELECT e.id, e.job_id, e.queue_id, e.job_type, e.worker_id, e.status, e.reason, e.attempt_number, e.output,
  e.error_type, e.error_message, e.traceback, e.claimed_at, e.started_at, e.finished_at, e.heartbeat_at,
  e.duration_us
FROM executions e WHERE e.project_id = :project_id AND e.job_id = :job_id ORDER BY e.claim_seq DESC, e.id DESC;

-- name: newest_finished
SELECT e.value AS id FROM json_each(:queue_ids) q CROSS JOIN json_each(:statuses) s CROSS JOIN json_each(
  CASE s.value WHEN 'succeeded' THEN (
    SELECT json_group_array(f.id) FROM (
      SELECT j.id FROM jobs j INDEXED BY jobs_succeeded
      WHERE j.queue_id = q.value AND j.status = 'succeeded' AND j.id < :before ORDER BY j.id DESC LIMIT :scan) f)
  ELSE (
    SELECT json_group_array(f.id) FROM (
      SELECT j.id FROM jobs j INDEXED BY jobs_failed
      WHERE j.queue_id = q.value AND j.status IN ('failed', 'cancelled') AND j.status = s.value AND j.id < :before
      ORDER BY j.id DESC LIMIT :scan) f)
  END) e
ORDER BY e.value DESC LIMIT :scan;

-- name: newest_waiting
-- No index has them by their ids. They are gathered and sorted; `most` of them or more, and it says so.
WITH few AS MATERIALIZED (
  SELECT id FROM (SELECT j.id FROM json_each(:queue_ids) q CROSS JOIN jobs j INDEXED BY jobs_ready ON j.queue_id = q.value
    WHERE j.status = 'pending' AND j.hold IS NULL LIMIT :most)
  UNION ALL
  SELECT id FROM (SELECT j.id FROM json_each(:queue_ids) q CROSS JOIN jobs j INDEXED BY jobs_held ON j.queue_id = q.value
    WHERE j.status = 'pending' AND j.hold IS NOT NULL LIMIT :most))
SELECT * FROM (SELECT f.id, 0 AS are_many FROM few f WHERE f.id < :before ORDER BY f.id DESC LIMIT :scan)
UNION ALL
SELECT NULL, (SELECT count(*) FROM few) >= :most;

-- name: failure_groups
SELECT g.queue_id, g.job_type, g.error_type, count(*) AS jobs, min(g.completed_at) AS first_at,
  max(g.completed_at) AS last_at, max(g.error_message) AS example
FROM (
  SELECT j.queue_id, j.job_type, coalesce(e.error_type, j.failure, '') AS error_type, e.error_message, j.completed_at
  FROM jobs j LEFT JOIN executions e ON e.id = j.execution_id
  WHERE j.project_id = :project_id AND j.id IN (SELECT value FROM json_each(:job_ids)) AND j.status = 'failed'
) g
GROUP BY g.queue_id, g.job_type, g.error_type ORDER BY max(g.completed_at) DESC;
