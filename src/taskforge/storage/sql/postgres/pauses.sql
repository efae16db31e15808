-- name: create_pause
-- audited
INSERT INTO pauses AS p (id, project_id, kind, value, reason, paused_by, created_at)
VALUES (:id::uuid, :project_id::uuid, :kind::text, :value::text, :reason::text, :paused_by::text,
  coalesce(:now::timestamptz, clock_timestamp()))
ON CONFLICT (project_id, kind, value) DO UPDATE SET reason = excluded.reason, paused_by = excluded.paused_by,
    created_at = excluded.created_at, applied_at = NULL, removed_at = NULL
  WHERE p.removed_at IS NOT NULL
RETURNING id;

-- name: remove_pause
-- audited
UPDATE pauses SET removed_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND kind = :kind::text AND value = :value::text AND removed_at IS NULL
RETURNING id;

-- name: confirm_pause
UPDATE pauses SET applied_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE project_id = :project_id::uuid AND id = :pause_id::uuid
  AND created_at = :created_at::timestamptz AND removed_at IS NULL;

-- name: rehold_jobs
-- A job that has its place need not ask for it again.
UPDATE jobs j SET hold = taskforge_hold(j.project_id, j.job_type, j.tags, ARRAY[j.key, j.concurrency_key],
  CASE WHEN j.hold <> 'suspect' THEN j.concurrency_key END, j.losses)
WHERE j.project_id = :project_id::uuid AND j.id = ANY (:job_ids::uuid[]) AND j.status IN ('pending', 'scheduled')
  AND j.hold IS DISTINCT FROM taskforge_hold(j.project_id, j.job_type, j.tags,
    ARRAY[j.key, j.concurrency_key], CASE WHEN j.hold <> 'suspect' THEN j.concurrency_key END, j.losses)
RETURNING j.id, j.concurrency_key;
