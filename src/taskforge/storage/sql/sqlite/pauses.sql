-- name: create_pause
-- audited
INSERT INTO pauses (id, project_id, kind, value, reason, paused_by, created_at)
VALUES (:id, :project_id, :kind, :value, :reason, :paused_by, :now)
ON CONFLICT (project_id, kind, value) DO UPDATE SET reason = excluded.reason, paused_by = excluded.paused_by,
    created_at = excluded.created_at, applied_at = NULL, removed_at = NULL
  WHERE removed_at IS NOT NULL
RETURNING id;

-- name: remove_pause
-- audited
UPDATE pauses SET removed_at = :now
WHERE project_id = :project_id AND kind = :kind AND value = :value AND removed_at IS NULL
RETURNING id;

-- name: confirm_pause
UPDATE pauses SET applied_at = :now WHERE project_id = :project_id AND id = :pause_id
  AND created_at = :created_at AND removed_at IS NULL;

-- name: rehold_jobs
-- A job that has its place need not ask for it again.
UPDATE jobs SET hold = (SELECT h.hold FROM job_holds h WHERE h.id = jobs.id)
WHERE project_id = :project_id AND id IN (SELECT value FROM json_each(:job_ids)) AND status IN ('pending', 'scheduled')
  AND hold IS NOT (SELECT h.hold FROM job_holds h WHERE h.id = jobs.id)
  AND NOT ((hold IS NULL OR hold = 'suspect')
    AND (SELECT h.hold FROM job_holds h WHERE h.id = jobs.id) IS 'key')
RETURNING id, concurrency_key;
