-- name: claim_these_jobs
-- What another dispatcher handed out: the guards are those of claim_jobs, so what it makes up or repeats is left alone.
-- as picked
SELECT json_group_array(id) FROM (
  SELECT j.rowid AS id FROM json_each(:job_ids) p CROSS JOIN jobs j ON j.id = p.value
  CROSS JOIN queues q ON q.id = j.queue_id AND q.project_id = :project_id
  WHERE j.status = 'pending' AND j.hold IS NULL AND j.queue_id IN (SELECT value FROM json_each(:queue_ids))
    AND q.state <> 'paused' AND q.is_ruled = 0 AND j.job_type IN (SELECT value FROM json_each(:job_types))
    AND (j.waits_until IS NULL OR j.waits_until > :now)
  LIMIT :free
);
UPDATE jobs SET status = 'processing', claim_seq = claim_seq + 1, attempt_count = attempt_count + 1,
  execution_id = :stem || printf('%04x', p.key), worker_id = :worker_id, claimed_at = :now, started_at = NULL,
  heartbeat_at = NULL, progress = NULL, updated_at = :now, lease_until = :now + :lease_us
FROM json_each(:picked) p WHERE jobs.rowid = p.value;
SELECT json_group_array(json_array(j.id, j.queue_id, j.job_type, j.payload, j.priority, j.rank, j.attempt_count,
  j.max_attempts, j.manual_retries, j.retry_policy, j.timeout_ms, j.losses, j.claim_seq, j.execution_id, j.deadline,
  j.state, j.claimed_at, j.concurrency_key)) AS packed
FROM json_each(:picked) p CROSS JOIN jobs j ON j.rowid = p.value;
SELECT NULL AS id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  :now AS now, NULL AS next_due_at, (SELECT config_version FROM projects WHERE id = :project_id) AS config_version;

-- name: waiting_jobs
SELECT j.id, j.queue_id, j.job_type, j.rank, CASE WHEN j.status = 'scheduled' THEN j.scheduled_for END AS due_us
FROM jobs j
WHERE j.id IN (SELECT value FROM json_each(:job_ids)) AND j.project_id = :project_id
  AND (j.status = 'pending' AND j.hold IS NULL OR j.status = 'scheduled');

-- name: ready_page
SELECT j.id, j.queue_id, j.job_type, j.rank, NULL AS due_us FROM queues q CROSS JOIN jobs j
WHERE q.project_id = :project_id AND q.id IN (SELECT value FROM json_each(:queue_ids)) AND j.rowid IN (
  SELECT w.rowid FROM jobs w INDEXED BY jobs_ready
  WHERE w.queue_id = q.id AND w.status = 'pending' AND w.hold IS NULL
    AND (w.rank, w.id) > (:after_rank, :after_id)
  ORDER BY w.rank, w.id LIMIT :limit
)
ORDER BY q.id, j.rank, j.id;

-- name: scheduled_head
SELECT j.id, j.queue_id, j.job_type, j.rank, j.scheduled_for AS due_us FROM queues q CROSS JOIN jobs j
WHERE q.project_id = :project_id AND q.id IN (SELECT value FROM json_each(:queue_ids)) AND j.rowid IN (
  SELECT w.rowid FROM jobs w INDEXED BY jobs_scheduled WHERE w.queue_id = q.id AND w.status = 'scheduled'
  ORDER BY w.scheduled_for LIMIT :limit
);

-- name: queue_heads
-- What is compared again and again, in one look; a row without a job when there is none.
SELECT h.id, h.queue_id, h.job_type, h.rank, h.due_us, p.config_version, EXISTS (
    SELECT 1 FROM queues q CROSS JOIN jobs j INDEXED BY jobs_suspect ON j.queue_id = q.id
    WHERE q.project_id = :project_id AND q.id IN (SELECT value FROM json_each(:queue_ids))
      AND j.status = 'pending' AND j.hold = 'suspect') AS has_suspects
FROM projects p LEFT JOIN (
  SELECT j.id, j.queue_id, j.job_type, j.rank, NULL AS due_us FROM queues q CROSS JOIN jobs j
  WHERE q.project_id = :project_id AND q.id IN (SELECT value FROM json_each(:queue_ids)) AND j.rowid IN (
    SELECT w.rowid FROM jobs w INDEXED BY jobs_ready WHERE w.queue_id = q.id AND w.status = 'pending' AND w.hold IS NULL
    ORDER BY w.rank, w.id LIMIT :limit
  )
  UNION ALL
  SELECT j.id, j.queue_id, j.job_type, j.rank, j.scheduled_for FROM queues q CROSS JOIN jobs j
  WHERE q.project_id = :project_id AND q.id IN (SELECT value FROM json_each(:queue_ids)) AND j.rowid IN (
    SELECT w.rowid FROM jobs w INDEXED BY jobs_scheduled WHERE w.queue_id = q.id AND w.status = 'scheduled'
    ORDER BY w.scheduled_for LIMIT :limit
  )
) h ON true
WHERE p.id = :project_id;
