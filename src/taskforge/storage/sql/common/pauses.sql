-- name: list_pauses
SELECT id, project_id, kind, value, reason, paused_by, created_at, applied_at, removed_at FROM pauses
WHERE project_id = :project_id AND removed_at IS NULL ORDER BY created_at, id;

-- name: find_pause
SELECT id, project_id, kind, value, reason, paused_by, created_at, applied_at, removed_at FROM pauses
WHERE project_id = :project_id AND kind = :kind AND value = :value;

-- name: unfinished_pauses
SELECT id, project_id, kind, value, reason, paused_by, created_at, applied_at, removed_at FROM pauses
WHERE applied_at IS NULL OR removed_at IS NOT NULL ORDER BY id LIMIT 100;

-- name: flag_pauses
UPDATE queues SET project_has_pauses = EXISTS (
  SELECT 1 FROM pauses p WHERE p.project_id = :project_id AND p.removed_at IS NULL)
WHERE project_id = :project_id;

-- name: forget_pause
DELETE FROM pauses WHERE project_id = :project_id AND id = :pause_id AND removed_at IS NOT NULL;

-- name: ready_jobs
SELECT rank, id FROM jobs
WHERE project_id = :project_id AND queue_id = :queue_id AND status = 'pending' AND hold IS NULL
  AND (rank, id) > (:after_rank, :after_id)
ORDER BY rank, id LIMIT :limit;

-- name: held_jobs
SELECT job_type, id FROM jobs
WHERE project_id = :project_id AND hold = :hold AND (job_type, id) > (:after_type, :after_id)
ORDER BY job_type, id LIMIT :limit;
