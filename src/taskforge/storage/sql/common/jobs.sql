-- name: delete_job_lines
DELETE FROM log_lines WHERE execution_id IN (SELECT id FROM executions WHERE job_id = :job_id);

-- name: delete_job_executions
DELETE FROM executions WHERE job_id = :job_id;

-- name: delete_job
-- audited
DELETE FROM jobs WHERE project_id = :project_id AND id = :job_id AND status <> 'processing' RETURNING id;
