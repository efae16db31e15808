-- name: delete_job
-- audited
DELETE FROM jobs WHERE project_id = :project_id AND id = :job_id AND status <> 'processing' RETURNING id;
