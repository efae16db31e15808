-- name: few_jobs
-- Ids that may fit, over the partial indexes of what is not succeeded: up to `most`, then it says nothing.
SELECT d.id FROM (
  (SELECT l.id FROM jobs l
    WHERE :dead_letter_queue_id::uuid IS NOT NULL AND l.dead_letter_queue_id = :dead_letter_queue_id::uuid
    ORDER BY l.id DESC LIMIT :most::bigint)
  UNION ALL
  (SELECT e.id FROM jobs e
    WHERE :dead_letter_queue_id::uuid IS NULL AND :statuses::text[] && ARRAY['failed', 'cancelled']
      AND e.status IN ('failed', 'cancelled') AND e.project_id = :project_id::uuid
    ORDER BY e.queue_id, e.status, e.id LIMIT :most::bigint)
  UNION ALL
  (SELECT h.id FROM queues q, LATERAL (
      (SELECT j.id FROM jobs j WHERE :statuses::text[] && ARRAY['processing']
        AND j.queue_id = q.id AND j.status = 'processing' LIMIT :most::bigint)
      UNION ALL
      (SELECT j.id FROM jobs j WHERE :statuses::text[] && ARRAY['scheduled']
        AND j.queue_id = q.id AND j.status = 'scheduled' ORDER BY j.scheduled_for LIMIT :most::bigint)
      UNION ALL
      (SELECT j.id FROM jobs j WHERE :statuses::text[] && ARRAY['pending']
        AND j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL ORDER BY j.rank, j.id LIMIT :most::bigint)
      UNION ALL
      (SELECT j.id FROM jobs j WHERE :statuses::text[] && ARRAY['pending']
        AND j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NOT NULL ORDER BY j.hold, j.rank, j.id LIMIT :most::bigint)
    ) h
    WHERE :dead_letter_queue_id::uuid IS NULL AND q.project_id = :project_id::uuid
      AND (:queue_ids::uuid[] IS NULL OR q.id = ANY (:queue_ids::uuid[]))
    LIMIT :most::bigint)
) d LIMIT :most::bigint;

-- name: walk_jobs
-- Looks at no more jobs than it has to: at the last of the window (which says where to go on), or until the page is full.
-- What is elsewhere is looked up for each: an EXISTS may be carried out by reading the whole other table once.
SELECT x.id, x.fits, x.n = (SELECT :scan::bigint) AS is_last FROM (
  SELECT w.id, w.n, w.project_id = :project_id::uuid
    AND (:queue_ids::uuid[] IS NULL OR w.queue_id = ANY (:queue_ids::uuid[]))
    AND (:statuses::text[] IS NULL OR w.status = ANY (:statuses::text[]))
    AND (:job_type::text IS NULL OR w.job_type = :job_type::text)
    AND (:tag::text IS NULL OR w.tags @> to_jsonb(:tag::text))
    AND (:created_from::timestamptz IS NULL OR w.created_at >= :created_from::timestamptz)
    AND (:created_to::timestamptz IS NULL OR w.created_at < :created_to::timestamptz)
    AND (:scheduled_from::timestamptz IS NULL OR w.scheduled_for >= :scheduled_from::timestamptz)
    AND (:scheduled_to::timestamptz IS NULL OR w.scheduled_for < :scheduled_to::timestamptz)
    AND (:dead_letter_queue_id::uuid IS NULL OR w.dead_letter_queue_id = :dead_letter_queue_id::uuid)
    AND (:payload_path::text[] IS NULL OR coalesce((
      SELECT p.payload::jsonb #> :payload_path::text[] = :payload_value::jsonb FROM jobs p WHERE p.id = w.id), false))
    AND (:error_text::text IS NULL OR w.status <> 'succeeded' AND coalesce((
      SELECT e.status <> 'succeeded'
        AND strpos(lower(coalesce(e.error_type, '') || ': ' || coalesce(e.error_message, '')), lower(:error_text::text)) > 0
      FROM executions e WHERE e.id = w.execution_id LIMIT 1), false))
    AND (:fingerprint::uuid IS NULL OR w.status <> 'succeeded' AND coalesce((
      SELECT e.fingerprint = :fingerprint::uuid FROM executions e WHERE e.id = w.execution_id LIMIT 1), false))
    AS fits
  FROM (
    (SELECT j.id, j.project_id, j.queue_id, j.status, j.job_type, j.tags, j.created_at, j.scheduled_for,
        j.dead_letter_queue_id, j.execution_id, row_number() OVER (ORDER BY j.id DESC) AS n
      FROM jobs j WHERE :among::uuid[] IS NULL AND j.id < :before::uuid
      ORDER BY j.id DESC LIMIT (SELECT :scan::bigint))
    UNION ALL
    (SELECT f.id, f.project_id, f.queue_id, f.status, f.job_type, f.tags, f.created_at, f.scheduled_for,
        f.dead_letter_queue_id, f.execution_id, 0
      FROM jobs f WHERE f.id = ANY (:among::uuid[]) AND f.id < :before::uuid ORDER BY f.id DESC)
  ) w OFFSET 0
) x WHERE x.fits OR x.n = (SELECT :scan::bigint) LIMIT (SELECT :limit::bigint);

-- name: jobs_by_ids
SELECT j.*, q.name AS queue_name, q.settings AS queue_settings
FROM jobs j LEFT JOIN queues q ON q.id = j.queue_id
WHERE j.project_id = :project_id::uuid AND j.id = ANY (:job_ids::uuid[]) ORDER BY j.id DESC;

-- name: job_ids_by_suffix
SELECT r.id FROM (
  SELECT id FROM jobs WHERE project_id = :project_id::uuid ORDER BY id DESC LIMIT :recent::bigint
) r WHERE replace(r.id::text, '-', '') LIKE '%' || :suffix::text LIMIT 20;

-- name: job_endings
SELECT j.id, j.status, e.output, coalesce(j.failure, e.error_type) AS error_type,
  CASE WHEN j.failure IS NULL THEN e.error_message END AS error_message, e.traceback
FROM jobs j LEFT JOIN LATERAL (
  SELECT x.output, x.error_type, x.error_message, x.traceback FROM executions x
  WHERE x.id = j.execution_id AND j.status IN ('succeeded', 'failed', 'cancelled') LIMIT 1
) e ON true
WHERE j.project_id = :project_id::uuid AND j.id = ANY (:job_ids::uuid[]);

-- name: count_jobs
-- Over the partial indexes, each count up to the bound; the succeeded ones are a running total.
SELECT s.status, s.jobs, s.is_bounded FROM queues q, LATERAL (
  SELECT 'pending' AS status, sum(n) AS jobs, bool_or(n >= :bound::bigint) AS is_bounded FROM (
    SELECT count(*) AS n FROM (SELECT 1 FROM jobs j
      WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL LIMIT :bound::bigint) b
    UNION ALL SELECT count(*) FROM (SELECT 1 FROM jobs j
      WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NOT NULL LIMIT :bound::bigint) b) w
  UNION ALL SELECT 'scheduled', count(*), count(*) >= :bound::bigint FROM (
    SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled' LIMIT :bound::bigint) b
  UNION ALL SELECT 'processing', count(*), count(*) >= :bound::bigint FROM (
    SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'processing' LIMIT :bound::bigint) b
  UNION ALL SELECT k.status, CASE k.status WHEN 'failed' THEN f.failed ELSE f.jobs - f.failed END,
      f.jobs >= :bound::bigint
    FROM (SELECT count(*) AS jobs, count(*) FILTER (WHERE b.status = 'failed') AS failed FROM (
      SELECT j.status FROM jobs j WHERE j.queue_id = q.id AND j.status IN ('failed', 'cancelled')
      LIMIT :bound::bigint) b) f, (VALUES ('failed'), ('cancelled')) AS k (status)
  UNION ALL SELECT 'succeeded',
    coalesce((SELECT t.succeeded_jobs FROM queue_totals t WHERE t.queue_id = q.id), 0)
      + coalesce((SELECT sum(d.succeeded - d.removed) FROM attempt_deltas d WHERE d.queue_id = q.id), 0), false
) s
WHERE q.project_id = :project_id::uuid AND (:queue_id::uuid IS NULL OR q.id = :queue_id::uuid);

-- name: tag_is_common
-- whether a twentieth of the newest jobs has it: the index has too many of them to be read
SELECT count(*) FILTER (WHERE n.project_id = :project_id::uuid AND n.tags @> to_jsonb(:tag::text)) * 20
  >= :newest::bigint AS is_common
FROM (SELECT j.project_id, j.tags FROM jobs j ORDER BY j.id DESC LIMIT (SELECT :newest::bigint)) n;

-- name: newest_tagged
-- by the index of tags; more than `most` of them, and it says nothing
WITH g AS MATERIALIZED (
  SELECT j.id FROM jobs j WHERE j.project_id = :project_id::uuid AND j.tags @> to_jsonb(:tag::text)),
few AS MATERIALIZED (SELECT g.id FROM g LIMIT (SELECT :most::bigint))
(SELECT f.id, false AS are_many FROM few f WHERE f.id < :before::uuid ORDER BY f.id DESC LIMIT (SELECT :scan::bigint))
UNION ALL
SELECT NULL, (SELECT count(*) FROM few) >= :most::bigint;

-- name: count_tagged_jobs
-- by the index of tags, up to the bound; or, of a tag that is common, among the newest jobs only
WITH g AS MATERIALIZED (
  SELECT j.status, j.queue_id FROM jobs j
  WHERE :newest::bigint IS NULL AND j.project_id = :project_id::uuid AND j.tags @> to_jsonb(:tag::text)),
n AS MATERIALIZED (
  SELECT j.status, j.queue_id, j.project_id, j.tags FROM jobs j
  ORDER BY j.id DESC LIMIT (SELECT coalesce(:newest::bigint, 0))),
found AS MATERIALIZED (
  SELECT b.status FROM (
    SELECT g.status, g.queue_id FROM g
    UNION ALL
    SELECT n.status, n.queue_id FROM n WHERE n.project_id = :project_id::uuid AND n.tags @> to_jsonb(:tag::text)
  ) b WHERE :queue_id::uuid IS NULL OR b.queue_id = :queue_id::uuid LIMIT (SELECT :bound::bigint))
SELECT s.status, count(f.status) AS jobs,
  :newest::bigint IS NOT NULL AND (SELECT count(*) FROM n) >= :newest::bigint
    OR (SELECT count(*) FROM found) >= :bound::bigint AS is_bounded
FROM (VALUES ('pending'), ('scheduled'), ('processing'), ('succeeded'), ('failed'), ('cancelled')) AS s (status)
LEFT JOIN found f ON f.status = s.status GROUP BY s.status;

-- name: list_lines
-- goes on right behind a line: of an attempt it reads no more than the page, however long the log is
SELECT h.execution_id, h.seq, h.level, h.message, h.metadata, h.logged_at
FROM taskforge_executions_of(:project_id::uuid, ARRAY[:job_id::uuid]) AS o (id), LATERAL (
  SELECT l.execution_id, l.seq, l.level, l.message, l.metadata, l.logged_at FROM log_lines l
  WHERE l.execution_id = o.id
    AND l.seq > CASE WHEN o.id = :after_execution::uuid THEN :after_seq::integer ELSE -1 END
    AND (:levels::text[] IS NULL OR l.level = ANY (:levels::text[]))
  ORDER BY l.seq LIMIT (SELECT :limit::bigint)) h
WHERE (:execution_id::uuid IS NULL OR o.id = :execution_id::uuid)
  AND (:after_execution::uuid IS NULL OR o.id >= :after_execution::uuid)
ORDER BY h.execution_id, h.seq LIMIT (SELECT :limit::bigint);

-- name: queue_use
WITH t AS MATERIALIZED (
  SELECT floor(extract(epoch FROM coalesce(:now::timestamptz, clock_timestamp())))::bigint AS second)
SELECT
  (SELECT count(*) + coalesce(sum(r.slots - 1), 0) FROM jobs r WHERE r.queue_id = q.id AND r.status = 'processing')
    AS running,
  u.starts, to_timestamp(61 + u.oldest) AS next_start_at
FROM queues q, LATERAL (
  SELECT coalesce(sum(s.starts), 0) AS starts, min(s.second) AS oldest
  FROM t, queue_starts s WHERE s.queue_id = q.id AND s.second >= t.second - 60
) u
WHERE q.project_id = :project_id::uuid AND q.id = :queue_id::uuid;

-- name: execution_stats
SELECT count(*) AS total_executions,
  sum(CASE WHEN e.status = 'succeeded' THEN 1 ELSE 0 END) AS succeeded_count,
  sum(CASE WHEN e.status IN ('failed', 'retry_scheduled', 'dead_letter') THEN 1 ELSE 0 END) AS failed_count,
  avg(CASE WHEN e.status = 'succeeded' THEN e.duration_us END) AS avg_duration_us,
  min(CASE WHEN e.status = 'succeeded' THEN e.duration_us END) AS min_duration_us,
  max(CASE WHEN e.status = 'succeeded' THEN e.duration_us END) AS max_duration_us
FROM taskforge_executions_of(:project_id::uuid, ARRAY[:job_id::uuid]) AS o (id),
  LATERAL (SELECT x.* FROM executions x WHERE x.id = o.id LIMIT 1) e;

-- name: list_executions
SELECT e.id, e.job_id, e.queue_id, e.job_type, e.worker_id, e.status, e.reason, e.attempt_number, e.output,
  e.error_type, e.error_message, e.traceback, e.claimed_at, e.started_at, e.finished_at, e.heartbeat_at,
  e.duration_us
FROM taskforge_executions_of(:project_id::uuid, ARRAY[:job_id::uuid]) AS o (id),
  LATERAL (SELECT x.* FROM executions x WHERE x.id = o.id LIMIT 1) e
ORDER BY e.claim_seq DESC, e.id DESC;

-- name: newest_finished
SELECT h.id FROM unnest(:queue_ids::uuid[]) AS q (id), LATERAL (
  (SELECT j.id FROM jobs j WHERE 'succeeded' = ANY (:statuses::text[])
      AND j.queue_id = q.id AND j.status = 'succeeded' AND j.id < :before::uuid
    ORDER BY j.id DESC LIMIT (SELECT :scan::bigint))
  UNION ALL
  (SELECT j.id FROM jobs j WHERE 'failed' = ANY (:statuses::text[])
      AND j.queue_id = q.id AND j.status IN ('failed', 'cancelled') AND j.status = 'failed' AND j.id < :before::uuid
    ORDER BY j.id DESC LIMIT (SELECT :scan::bigint))
  UNION ALL
  (SELECT j.id FROM jobs j WHERE 'cancelled' = ANY (:statuses::text[])
      AND j.queue_id = q.id AND j.status IN ('failed', 'cancelled') AND j.status = 'cancelled' AND j.id < :before::uuid
    ORDER BY j.id DESC LIMIT (SELECT :scan::bigint))
) h ORDER BY h.id DESC LIMIT (SELECT :scan::bigint);

-- name: newest_waiting
SELECT h.id, false AS are_many FROM unnest(:queue_ids::uuid[]) AS q (id), LATERAL (
  SELECT j.id FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.claim_seq >= 0 AND j.id < :before::uuid
  ORDER BY j.id DESC LIMIT (SELECT :scan::bigint)
) h ORDER BY h.id DESC LIMIT (SELECT :scan::bigint);

-- name: failure_groups
SELECT g.queue_id, g.job_type, g.error_type, count(*) AS jobs, min(g.completed_at) AS first_at,
  max(g.completed_at) AS last_at, max(g.error_message) AS example
FROM (
  SELECT j.queue_id, j.job_type, coalesce(e.error_type, j.failure, '') AS error_type, e.error_message, j.completed_at
  FROM jobs j LEFT JOIN LATERAL (
    SELECT x.error_type, x.error_message FROM executions x WHERE x.id = j.execution_id LIMIT 1
  ) e ON true
  WHERE j.project_id = :project_id::uuid AND j.id = ANY (:job_ids::uuid[]) AND j.status = 'failed'
) g
GROUP BY g.queue_id, g.job_type, g.error_type ORDER BY max(g.completed_at) DESC;
