-- name: reschedule_job
-- audited
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs j SET status = 'scheduled', scheduled_for = :scheduled_for::timestamptz, updated_at = t.now,
  rank = (extract(epoch FROM :scheduled_for::timestamptz) * 1000000)::bigint - j.priority * coalesce(
    (SELECT q.aging_us FROM queues q WHERE q.project_id = j.project_id AND q.id = j.queue_id), 0),
  hold = taskforge_hold(j.project_id, j.job_type, j.tags, ARRAY[j.key, j.concurrency_key], j.concurrency_key, j.losses)
FROM t
WHERE j.project_id = :project_id::uuid AND j.id = :job_id::uuid AND j.status IN ('pending', 'scheduled')
RETURNING j.id;

-- name: replace_payload
-- audited
WITH t AS MATERIALIZED (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now)
UPDATE jobs j SET payload = :payload::json, updated_at = t.now FROM t
WHERE j.project_id = :project_id::uuid AND j.id = :job_id::uuid AND j.status IN ('failed', 'cancelled')
RETURNING j.id;
