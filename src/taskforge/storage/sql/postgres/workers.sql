-- name: count_other_workers
SELECT count(*) AS workers FROM projects p JOIN workers w ON w.project_id = p.id
WHERE p.organization_id = :organization_id::uuid AND w.stopped_at IS NULL
  AND w.last_heartbeat > coalesce(:now::timestamptz, clock_timestamp()) - :lease_us::bigint * interval '1 microsecond'
  AND NOT (w.project_id = :project_id::uuid AND w.name = :name::text);

-- name: lock_project
SELECT id FROM projects WHERE id = :project_id FOR NO KEY UPDATE;

-- name: live_namesake
SELECT host, pid, machine, process_started FROM workers
WHERE project_id = :project_id::uuid AND name = :name::text AND stopped_at IS NULL
  AND last_heartbeat > coalesce(:now::timestamptz, clock_timestamp()) - :lease_us::bigint * interval '1 microsecond'
ORDER BY last_heartbeat DESC LIMIT 1;

-- name: supersede_workers
UPDATE workers SET stopped_at = t.now, given_up_at = t.now
FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t
WHERE project_id = :project_id::uuid AND name = :name::text AND stopped_at IS NULL;

-- name: note_lost_suspects
UPDATE workers SET suspect_lost_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE id = ANY (:worker_ids::uuid[]) AND suspect_lost_at IS NULL;

-- name: insert_worker
INSERT INTO workers (id, project_id, name, type, capabilities, max_concurrent_jobs, queues, job_types, host, machine, pid,
  process_started, version, last_heartbeat, created_at, updated_at)
SELECT :worker_id::uuid, :project_id::uuid, :name::text, :type::text, :capabilities::text,
  :max_concurrent_jobs::integer, :queues::text, :job_types::text, :host::text, :machine::text, :pid::integer,
  :process_started::text, :version::text, t.now, t.now, t.now
FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t;

-- name: upsert_tasks
INSERT INTO tasks (project_id, name, queue, schema, description, options, updated_at)
SELECT :project_id::uuid, u.name, u.queue, u.schema, u.description, u.options, coalesce(:now::timestamptz, clock_timestamp())
FROM unnest(:name::text[], :queue::text[], :schema::text[], :description::text[], :options::text[])
  AS u (name, queue, schema, description, options)
ORDER BY u.name
ON CONFLICT (project_id, name) DO UPDATE
  SET queue = excluded.queue, schema = excluded.schema, description = excluded.description,
    options = excluded.options, updated_at = excluded.updated_at;

-- name: declare_tasks
INSERT INTO tasks (project_id, name, queue, schema, description, options, updated_at)
SELECT :project_id::uuid, u.name, u.queue, u.schema, u.description, u.options, coalesce(:now::timestamptz, clock_timestamp())
FROM unnest(:name::text[], :queue::text[], :schema::text[], :description::text[], :options::text[])
  AS u (name, queue, schema, description, options)
ORDER BY u.name
ON CONFLICT (project_id, name) DO NOTHING;

-- name: stop_worker
UPDATE workers SET stopped_at = coalesce(stopped_at, :now::timestamptz, clock_timestamp())
WHERE id = :worker_id::uuid;

-- name: list_workers
SELECT w.id, w.project_id, w.name, w.type, w.capabilities, w.max_concurrent_jobs, w.queues, w.job_types, w.host, w.machine,
  w.pid, w.process_started, w.version, w.incidents, w.drain_requested_at, w.stopped_at, w.last_heartbeat, w.created_at,
  w.updated_at, coalesce(:now::timestamptz, clock_timestamp()) AS now,
  (SELECT count(*) FROM jobs j WHERE j.status = 'processing' AND j.worker_id = w.id) AS active_jobs
FROM workers w
WHERE w.project_id = :project_id::uuid AND (:stopped::boolean OR w.stopped_at IS NULL)
ORDER BY w.id DESC LIMIT 10000;

-- name: forget_workers
-- audited
UPDATE workers SET stopped_at = coalesce(:now::timestamptz, clock_timestamp()),
  given_up_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE stopped_at IS NULL AND (
  id = ANY (:dead_workers::uuid[])
  OR last_heartbeat < coalesce(:now::timestamptz, clock_timestamp()) - :silence_us::bigint * interval '1 microsecond'
)
RETURNING id, project_id, name;
