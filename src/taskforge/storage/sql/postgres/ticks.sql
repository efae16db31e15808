-- name: schedule_outlook
SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now,
  (SELECT min(next_fire_at) FROM schedules WHERE next_fire_at IS NOT NULL) AS next_fire_at,
  EXISTS (SELECT 1 FROM ticks t WHERE t.job_id IS NOT NULL AND t.finished_at IS NULL) AS has_unfinished;

-- name: due_schedules
SELECT id, project_id, next_due_at FROM schedules
WHERE next_fire_at <= coalesce(:now::timestamptz, clock_timestamp()) AND id <> ALL (:skip::uuid[])
ORDER BY next_fire_at LIMIT :limit;

-- name: bound_tick
-- one that is stopped here is cut off, so that others can go on
SELECT set_config('idle_in_transaction_session_timeout', '1s', true);

-- name: take_tick
SELECT id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at, declared_at,
  version, created_at, updated_at, coalesce(:now::timestamptz, clock_timestamp()) AS now FROM schedules
WHERE project_id = :project_id::uuid AND id = :schedule_id::uuid AND next_due_at = :due_at::timestamptz
  AND next_fire_at <= coalesce(:now::timestamptz, clock_timestamp())
FOR UPDATE SKIP LOCKED;

-- name: insert_ticks
-- What has run stays as it is; what was missed or skipped may be made up for.
INSERT INTO ticks AS t (schedule_id, due_at, id, project_id, cause, outcome, reason, missed_until, fired_at, job_id)
SELECT :schedule_id::uuid, n.due_at, n.id, :project_id::uuid, :cause::text, n.outcome, n.reason, n.missed_until,
  coalesce(:now::timestamptz, clock_timestamp()), n.job_id
FROM unnest(:due_at::timestamptz[], :id::uuid[], :outcome::text[], :reason::text[], :missed_until::timestamptz[],
  :job_id::uuid[]) AS n (due_at, id, outcome, reason, missed_until, job_id)
ON CONFLICT (schedule_id, due_at) DO UPDATE SET cause = excluded.cause, outcome = excluded.outcome, reason = NULL,
    missed_until = NULL, fired_at = excluded.fired_at, job_id = excluded.job_id
  WHERE excluded.cause = 'backfill' AND t.job_id IS NULL
RETURNING due_at;

-- name: refuse_ticks
UPDATE ticks SET outcome = 'skipped', reason = :reason::text, job_id = NULL
WHERE project_id = :project_id::uuid AND schedule_id = :schedule_id::uuid AND due_at = ANY (:due_at::timestamptz[]);

-- name: advance_schedule
UPDATE schedules SET next_due_at = :next_due_at::timestamptz, next_fire_at = :next_fire_at::timestamptz
WHERE project_id = :project_id::uuid AND id = :schedule_id::uuid AND next_due_at = :due_at::timestamptz
RETURNING id;

-- name: finish_ticks
-- What is chosen is materialized: looked at again for each tick, it would each time be the next one, without a limit.
WITH f AS MATERIALIZED (
  SELECT o.schedule_id, o.due_at, o.job_id FROM ticks o LEFT JOIN jobs k ON k.id = o.job_id
  WHERE o.job_id IS NOT NULL AND o.finished_at IS NULL
    AND (k.id IS NULL OR k.status IN ('succeeded', 'failed', 'cancelled'))
  LIMIT (SELECT :limit::bigint) FOR UPDATE OF o SKIP LOCKED
)
UPDATE ticks t SET status = n.status, attempts = n.attempts, started_at = n.started_at, finished_at = n.finished_at,
  duration_us = n.duration_us, result = n.output, error_type = n.error_type, error_message = n.error_message,
  traceback = n.traceback
FROM (
  SELECT f.schedule_id, f.due_at, coalesce(j.status, 'cancelled') AS status, j.attempt_count AS attempts,
    coalesce(e.started_at, e.claimed_at) AS started_at,
    coalesce(j.completed_at, :now::timestamptz, clock_timestamp()) AS finished_at, e.duration_us, e.output,
    e.error_type,
    coalesce(e.error_message, CASE WHEN j.id IS NULL THEN 'the job was deleted' ELSE j.failure END) AS error_message,
    e.traceback
  FROM f LEFT JOIN jobs j ON j.id = f.job_id LEFT JOIN executions e ON e.id = j.execution_id
) n
WHERE t.schedule_id = n.schedule_id AND t.due_at = n.due_at AND t.finished_at IS NULL
RETURNING t.schedule_id;

-- name: prune_ticks
DELETE FROM ticks WHERE schedule_id = :schedule_id::uuid AND due_at = ANY (ARRAY (
  SELECT t.due_at FROM ticks t
  WHERE t.project_id = :project_id::uuid AND t.schedule_id = :schedule_id::uuid AND t.due_at < :before::timestamptz
    AND (t.job_id IS NULL OR t.finished_at IS NOT NULL)
    AND (t.due_at < :failed_before::timestamptz OR t.status IS NULL OR t.status = 'succeeded')
  ORDER BY t.due_at LIMIT (SELECT :limit::bigint)
)) RETURNING due_at;

-- name: prune_orphan_ticks
DELETE FROM ticks WHERE ctid = ANY (ARRAY (
  SELECT t.ctid FROM ticks t WHERE NOT EXISTS (SELECT 1 FROM schedules s WHERE s.id = t.schedule_id)
  LIMIT (SELECT :limit::bigint)
)) RETURNING due_at;
