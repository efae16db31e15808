-- name: get_job
SELECT j.*, q.name AS queue_name, q.settings AS queue_settings FROM jobs j LEFT JOIN queues q ON q.id = j.queue_id
WHERE j.project_id = :project_id AND j.id = :job_id;

-- name: dead_letter_count
SELECT count(*) AS jobs FROM jobs WHERE project_id = :project_id AND dead_letter_queue_id = :queue_id;

-- name: jobs_ahead
SELECT
  (SELECT count(*) FROM (
    SELECT 1 FROM jobs a WHERE a.queue_id = j.queue_id AND a.status = 'pending' AND a.hold IS NULL
      AND (a.rank, a.id) < (j.rank, j.id) AND (q.common_line IS NULL OR a.fairness_key = j.fairness_key)
    LIMIT :bound) b) AS here,
  (SELECT count(*) FROM (
    SELECT 1 FROM queues h JOIN jobs a ON a.queue_id = h.id
    WHERE h.project_id = j.project_id AND h.priority > q.priority AND h.state <> 'paused'
      AND a.status = 'pending' AND a.hold IS NULL LIMIT :bound) b) AS elsewhere
FROM jobs j JOIN queues q ON q.id = j.queue_id
WHERE j.project_id = :project_id AND j.id = :job_id AND j.status = 'pending';

-- name: places_of_key
-- Chosen by rank, which no index of ids can offer: one that offers their order is walked past all that wait for the key.
SELECT id FROM (
  SELECT id FROM jobs
  WHERE project_id = :project_id AND concurrency_key = :key AND concurrency_key IS NOT NULL
    AND status IN ('pending', 'processing') AND (hold IS NULL OR hold = 'suspect')
  ORDER BY rank LIMIT 10
) h ORDER BY id;
