-- name: workers_on_machine
SELECT id, host, machine, pid, process_started FROM workers
WHERE machine = :machine AND stopped_at IS NULL;

-- name: worker_at_work
-- one that was given up because it was silent may come back, one that has left may not
SELECT name, type, capabilities, queues, job_types FROM workers
WHERE id = :worker_id AND project_id = :project_id AND (stopped_at IS NULL OR given_up_at IS NOT NULL);

-- name: list_tasks
SELECT name, queue, schema, description, options FROM tasks WHERE project_id = :project_id ORDER BY name;

-- name: worker_of_another_boot
-- the first 36 characters of a machine are the boot id of its kernel
SELECT host FROM workers
WHERE stopped_at IS NULL AND last_heartbeat > :since AND substr(machine, 1, 36) <> :boot
  AND length(machine) > 36 AND substr(machine, 1, 7) <> 'remote ' AND host <> :host LIMIT 1;
