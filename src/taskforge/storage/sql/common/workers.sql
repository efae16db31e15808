-- name: workers_on_machine
SELECT id, host, machine, pid, process_started FROM workers
WHERE machine = :machine AND stopped_at IS NULL;

-- name: list_tasks
SELECT name, queue, schema, description FROM tasks WHERE project_id = :project_id ORDER BY name;
