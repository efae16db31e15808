-- name: backlogs
SELECT q.name, (SELECT count(*) FROM (
    SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL LIMIT :bound
  ) bounded) AS pending
FROM queues q WHERE q.project_id = :project_id ORDER BY q.name;

-- name: unknown_job_types
SELECT job_type, count(*) AS jobs FROM jobs
WHERE project_id = :project_id AND hold = 'no_worker' GROUP BY job_type ORDER BY count(*) DESC, job_type LIMIT 20;

-- name: broken_records
-- the invariants of a job's life that CHECKs keep, and those over several rows that nothing else would notice
SELECT
  sum(CASE WHEN j.status = 'succeeded' AND NOT EXISTS (
    SELECT 1 FROM executions e WHERE e.id = j.execution_id AND e.status = 'succeeded') THEN 1 ELSE 0 END)
    AS succeeded_without_record,
  sum(CASE WHEN j.status = 'failed' AND j.failure IS NULL AND NOT EXISTS (
    SELECT 1 FROM executions e WHERE e.id = j.execution_id AND e.status IN ('failed', 'dead_letter'))
    THEN 1 ELSE 0 END) AS failed_without_record,
  sum(CASE WHEN j.status = 'processing' AND EXISTS (
    SELECT 1 FROM executions e WHERE e.id = j.execution_id) THEN 1 ELSE 0 END) AS ended_but_processing,
  sum(CASE WHEN j.status = 'processing' AND (j.execution_id IS NULL OR j.worker_id IS NULL OR j.lease_until IS NULL)
    THEN 1 ELSE 0 END) AS processing_without_owner,
  sum(CASE WHEN j.status <> 'processing' AND j.lease_until IS NOT NULL THEN 1 ELSE 0 END) AS leased_but_not_processing,
  sum(CASE WHEN (j.status IN ('succeeded', 'failed', 'cancelled')) <> (j.completed_at IS NOT NULL)
    THEN 1 ELSE 0 END) AS with_a_wrong_end,
  sum(CASE WHEN j.attempt_count > j.max_attempts * (1 + j.manual_retries) OR j.losses > 3 THEN 1 ELSE 0 END)
    AS beyond_their_attempts,
  sum(CASE WHEN EXISTS (SELECT 1 FROM executions e WHERE e.job_id = j.id
    GROUP BY e.job_id HAVING count(*) <> count(DISTINCT e.claim_seq) OR max(e.claim_seq) > j.claim_seq)
    THEN 1 ELSE 0 END) AS claimed_twice_by_one_number,
  sum(CASE WHEN j.dead_letter_queue_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM queues q WHERE q.project_id = :project_id AND q.id = j.dead_letter_queue_id) THEN 1 ELSE 0 END)
    AS dead_letters_of_no_queue
FROM (SELECT * FROM jobs WHERE project_id = :project_id ORDER BY id DESC LIMIT :recent) j;

-- name: stored_settings
SELECT name, settings, max_concurrent_jobs, rate_limit FROM queues WHERE project_id = :project_id ORDER BY name;
