-- name: reschedule_job
-- audited
UPDATE jobs SET status = 'scheduled', scheduled_for = :scheduled_for, updated_at = :now,
  rank = :scheduled_for - priority * coalesce(
    (SELECT q.aging_us FROM queues q WHERE q.project_id = jobs.project_id AND q.id = jobs.queue_id), 0)
WHERE project_id = :project_id AND id = :job_id AND status IN ('pending', 'scheduled')
RETURNING id;
UPDATE jobs SET hold = (SELECT h.hold FROM job_holds h WHERE h.id = jobs.id)
WHERE project_id = :project_id AND id = :job_id AND status = 'scheduled';

-- name: replace_payload
-- audited
UPDATE jobs SET payload = :payload, updated_at = :now
WHERE project_id = :project_id AND id = :job_id AND status IN ('failed', 'cancelled')
RETURNING id;
