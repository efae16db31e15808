-- What jobs weigh, and the lines of fair queues.

-- name: unweighed_queues
-- Queues of these jobs that are claimed as if every job weighed the same, though one of these does not.
SELECT DISTINCT q.id FROM jobs j JOIN queues q ON q.id = j.queue_id
WHERE j.project_id = :project_id AND j.id IN (SELECT value FROM json_each(:job_ids)) AND (j.slots > 1 OR j.rate_tokens > 1 OR j.needs IS NOT NULL) AND NOT q.has_weights
ORDER BY q.id;

-- name: note_weights
UPDATE queues SET has_weights = 1, is_ruled = 1
WHERE project_id = :project_id AND id IN (SELECT value FROM json_each(:queue_ids));

-- name: join_common_line
-- Whoever is there already when a queue becomes fair.
UPDATE jobs SET fairness_key = ''
WHERE id IN (
  SELECT j.id FROM jobs j WHERE j.project_id = :project_id AND j.queue_id = :queue_id AND j.status = 'pending' AND j.hold IS NULL AND j.fairness_key IS NULL
  UNION ALL
  SELECT j.id FROM jobs j WHERE j.project_id = :project_id AND j.queue_id = :queue_id AND j.status = 'pending' AND j.hold IS NOT NULL AND j.fairness_key IS NULL
  UNION ALL
  SELECT j.id FROM jobs j WHERE j.project_id = :project_id AND j.queue_id = :queue_id AND j.status = 'scheduled' AND j.fairness_key IS NULL
  UNION ALL
  SELECT j.id FROM jobs j WHERE j.project_id = :project_id AND j.queue_id = :queue_id AND j.status = 'processing' AND j.fairness_key IS NULL
) AND fairness_key IS NULL;
