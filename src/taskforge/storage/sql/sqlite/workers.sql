-- name: count_other_workers
SELECT count(*) AS workers FROM projects p JOIN workers w ON w.project_id = p.id
WHERE p.organization_id = :organization_id AND w.stopped_at IS NULL AND w.last_heartbeat > :now - :lease_us
  AND NOT (w.project_id = :project_id AND w.name = :name);

-- name: lock_project
SELECT id FROM projects WHERE id = :project_id;

-- name: live_namesake
SELECT host, pid, machine, process_started FROM workers
WHERE project_id = :project_id AND name = :name AND stopped_at IS NULL AND last_heartbeat > :now - :lease_us
ORDER BY last_heartbeat DESC LIMIT 1;

-- name: supersede_workers
UPDATE workers SET stopped_at = :now, given_up_at = :now
WHERE project_id = :project_id AND name = :name AND stopped_at IS NULL;

-- name: note_lost_suspects
UPDATE workers SET suspect_lost_at = :now
WHERE id IN (SELECT value FROM json_each(:worker_ids)) AND suspect_lost_at IS NULL;

-- name: insert_worker
INSERT INTO workers (id, project_id, name, type, capabilities, max_concurrent_jobs, queues, job_types, host, machine, pid,
  process_started, version, last_heartbeat, created_at, updated_at)
VALUES (:worker_id, :project_id, :name, :type, :capabilities, :max_concurrent_jobs, :queues, :job_types, :host, :machine, :pid,
  :process_started, :version, :now, :now, :now);

-- name: upsert_tasks
INSERT INTO tasks (project_id, name, queue, schema, description, options, updated_at)
VALUES (:project_id, :name, :queue, :schema, :description, :options, :now)
ON CONFLICT (project_id, name) DO UPDATE
  SET queue = excluded.queue, schema = excluded.schema, description = excluded.description,
    options = excluded.options, updated_at = excluded.updated_at;

-- name: declare_tasks
INSERT INTO tasks (project_id, name, queue, schema, description, options, updated_at)
VALUES (:project_id, :name, :queue, :schema, :description, :options, :now)
ON CONFLICT (project_id, name) DO NOTHING;

-- name: stop_worker
UPDATE workers SET stopped_at = coalesce(stopped_at, :now) WHERE id = :worker_id;

-- name: list_workers
SELECT w.id, w.project_id, w.name, w.type, w.capabilities, w.max_concurrent_jobs, w.queues, w.job_types, w.host, w.machine,
  w.pid, w.process_started, w.version, w.incidents, w.drain_requested_at, w.stopped_at, w.last_heartbeat, w.created_at,
  w.updated_at, :now AS now,
  (SELECT count(*) FROM jobs j WHERE j.status = 'processing' AND j.worker_id = w.id) AS active_jobs
FROM workers w
WHERE w.project_id = :project_id AND (:stopped OR w.stopped_at IS NULL)
ORDER BY w.id DESC LIMIT 10000;

-- name: forget_workers
-- audited
UPDATE workers SET stopped_at = :now, given_up_at = :now
WHERE stopped_at IS NULL
  AND (id IN (SELECT value FROM json_each(:dead_workers)) OR last_heartbeat < :now - :silence_us)
RETURNING id, project_id, name;
