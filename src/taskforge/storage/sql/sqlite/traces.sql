-- Which traces jobs belong to, if any.

-- name: put_traces
INSERT INTO job_traces (job_id, project_id, trace, created_at) VALUES (:job_id, :project_id, :trace, :now)
ON CONFLICT (job_id) DO NOTHING;

-- name: traces_of_jobs
SELECT r.job_id, r.trace, r.previous FROM job_traces r
WHERE r.project_id = :project_id AND r.job_id IN (SELECT value FROM json_each(:job_ids));

-- name: note_attempts
UPDATE job_traces SET previous = :previous WHERE job_id = :job_id AND project_id = :project_id;

-- name: forget_traces
DELETE FROM job_traces WHERE rowid IN (
  SELECT rowid FROM job_traces WHERE created_at < :now - :age_us LIMIT :limit);
