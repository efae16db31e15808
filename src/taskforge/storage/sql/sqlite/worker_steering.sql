-- name: get_worker
SELECT w.id, w.project_id, w.name, w.type, w.capabilities, w.max_concurrent_jobs, w.queues, w.job_types, w.host, w.machine,
  w.pid, w.process_started, w.version, w.incidents, w.drain_requested_at, w.stopped_at, w.last_heartbeat, w.created_at,
  w.updated_at,
  (SELECT count(*) FROM jobs j WHERE j.status = 'processing' AND j.worker_id = w.id) AS active_jobs
FROM workers w WHERE w.project_id = :project_id AND w.id = :worker_id;

-- name: drain_worker
-- audited
UPDATE workers SET drain_requested_at = coalesce(drain_requested_at, :now), updated_at = :now
WHERE project_id = :project_id AND workers.id = :worker_id AND stopped_at IS NULL
RETURNING workers.id, name;

-- name: undrain_worker
-- audited
UPDATE workers SET drain_requested_at = NULL, updated_at = :now
WHERE project_id = :project_id AND workers.id = :worker_id AND stopped_at IS NULL
RETURNING workers.id, name;

-- name: resize_worker
-- audited
UPDATE workers SET max_concurrent_jobs = :max_concurrent_jobs, updated_at = :now
WHERE project_id = :project_id AND workers.id = :worker_id AND stopped_at IS NULL
RETURNING workers.id, name;

-- name: deregister_worker
-- audited
UPDATE workers SET stopped_at = :now, updated_at = :now
WHERE project_id = :project_id AND workers.id = :worker_id AND stopped_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.status = 'processing' AND j.worker_id = workers.id)
RETURNING workers.id, name;
