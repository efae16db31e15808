-- A queue goes in three steps, none of which keeps anybody from writing into other queues: it is closed; those who
-- may have seen it open are waited for; then it is counted and removed, behind the lock of its row.
-- So whoever makes a job wait in a queue looks whether it is closed, in a short transaction (the wait sees it, for it
-- holds a lock on jobs), or holds the queue's row FOR KEY SHARE. A caller's transaction, which may be long, does both.

-- name: short_writers_of_jobs
SELECT virtualtransaction AS writer FROM pg_locks
WHERE granted AND pid IS DISTINCT FROM pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY virtualtransaction
HAVING bool_or(locktype = 'relation' AND relation = 'jobs'::regclass AND mode = 'RowExclusiveLock')
  AND NOT bool_or(locktype = 'advisory' AND classid = 1952543595 AND objid = 1);

-- name: enlist_queues
SELECT q.id, q.name, q.state, pg_advisory_xact_lock_shared(1952543595, 1)::text AS marked FROM queues q
WHERE q.project_id = :project_id::uuid AND q.id = ANY (:queue_ids::uuid[]) ORDER BY q.id FOR KEY SHARE;

-- name: wait_briefly
SELECT set_config('lock_timeout', '2s', true);

-- name: lock_queue
SELECT state FROM queues WHERE project_id = :project_id AND id = :queue_id FOR UPDATE;

-- name: set_queue_state
UPDATE queues SET state = :state::text, paused_at = CASE WHEN :state::text = 'paused' THEN :paused_at::timestamptz END
WHERE project_id = :project_id::uuid AND id = :queue_id::uuid AND state = :was::text RETURNING id;
