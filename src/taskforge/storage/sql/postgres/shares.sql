-- What jobs weigh, and the lines of fair queues.

-- name: unweighed_queues
-- Queues of these jobs that are claimed as if every job weighed the same, though one of these does not.
SELECT DISTINCT q.id FROM jobs j JOIN queues q ON q.id = j.queue_id
WHERE j.project_id = :project_id::uuid AND j.id = ANY (:job_ids::uuid[]) AND (j.slots > 1 OR j.rate_tokens > 1 OR j.needs IS NOT NULL) AND NOT q.has_weights
ORDER BY q.id;

-- name: note_weights
UPDATE queues SET has_weights = true, is_ruled = true
WHERE project_id = :project_id::uuid AND id = ANY (:queue_ids::uuid[]);

-- name: join_common_line
-- Whoever is there already when a queue becomes fair.
UPDATE jobs SET fairness_key = ''
WHERE id = ANY (ARRAY (
  SELECT j.id FROM jobs j WHERE j.project_id = :project_id::uuid AND j.queue_id = :queue_id::uuid AND j.status = 'pending' AND j.hold IS NULL AND j.fairness_key IS NULL
  UNION ALL
  SELECT j.id FROM jobs j WHERE j.project_id = :project_id::uuid AND j.queue_id = :queue_id::uuid AND j.status = 'pending' AND j.hold IS NOT NULL AND j.fairness_key IS NULL
  UNION ALL
  SELECT j.id FROM jobs j WHERE j.project_id = :project_id::uuid AND j.queue_id = :queue_id::uuid AND j.status = 'scheduled' AND j.fairness_key IS NULL
  UNION ALL
  SELECT j.id FROM jobs j WHERE j.project_id = :project_id::uuid AND j.queue_id = :queue_id::uuid AND j.status = 'processing' AND j.fairness_key IS NULL
)) AND fairness_key IS NULL;
