-- Which traces jobs belong to, if any.

-- name: put_traces
INSERT INTO job_traces (job_id, project_id, trace, created_at)
SELECT n.job_id, :project_id::uuid, :trace::text, coalesce(:now::timestamptz, clock_timestamp())
FROM unnest((SELECT :job_id::uuid[])) AS n (job_id)
ON CONFLICT (job_id) DO NOTHING;

-- name: traces_of_jobs
SELECT r.job_id, r.trace, r.previous FROM job_traces r
WHERE r.project_id = :project_id::uuid AND r.job_id = ANY (:job_ids::uuid[]);

-- name: note_attempts
UPDATE job_traces r SET previous = n.previous
FROM unnest((SELECT :job_id::uuid[]), :previous::text[]) AS n (job_id, previous)
WHERE r.job_id = n.job_id AND r.project_id = :project_id::uuid;

-- name: forget_traces
DELETE FROM job_traces WHERE ctid = ANY (ARRAY (SELECT r.ctid FROM job_traces r
  WHERE r.created_at < coalesce(:now::timestamptz, clock_timestamp()) - :age_us::bigint * interval '1 microsecond'
  LIMIT (SELECT :limit::bigint)));
