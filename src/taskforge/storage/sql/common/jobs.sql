-- name: delete_job
-- audited
DELETE FROM jobs WHERE project_id = :project_id AND id = :job_id AND status <> 'processing' RETURNING id;

-- name: withdraw_job
-- one that its own transaction has stored, beside another that stands in its place: nobody has seen it
DELETE FROM jobs WHERE project_id = :project_id AND id = :job_id AND status <> 'processing' RETURNING id;
