-- name: schedule_outlook
SELECT :now AS now, (SELECT min(next_fire_at) FROM schedules WHERE next_fire_at IS NOT NULL) AS next_fire_at,
  EXISTS (SELECT 1 FROM ticks t WHERE t.job_id IS NOT NULL AND t.finished_at IS NULL) AS has_unfinished;

-- name: due_schedules
SELECT id, project_id, next_due_at FROM schedules
WHERE next_fire_at <= :now AND id NOT IN (SELECT value FROM json_each(:skip)) ORDER BY next_fire_at LIMIT :limit;

-- name: bound_tick
-- who stops here holds the file as long as it stands still
SELECT 1;

-- name: take_tick
SELECT id, project_id, name, declared, changes, enabled, paused_at, anchor_at, next_due_at, next_fire_at, declared_at,
  version, created_at, updated_at, :now AS now FROM schedules
WHERE project_id = :project_id AND id = :schedule_id AND next_due_at = :due_at AND next_fire_at <= :now;

-- name: insert_ticks
-- What has run stays as it is; what was missed or skipped may be made up for.
INSERT INTO ticks (schedule_id, due_at, id, project_id, cause, outcome, reason, missed_until, fired_at, job_id)
VALUES (:schedule_id, :due_at, :id, :project_id, :cause, :outcome, :reason, :missed_until, :now, :job_id)
ON CONFLICT (schedule_id, due_at) DO UPDATE SET cause = excluded.cause, outcome = excluded.outcome, reason = NULL,
    missed_until = NULL, fired_at = excluded.fired_at, job_id = excluded.job_id
  WHERE excluded.cause = 'backfill' AND job_id IS NULL
RETURNING due_at;

-- name: refuse_ticks
UPDATE ticks SET outcome = 'skipped', reason = :reason, job_id = NULL
WHERE project_id = :project_id AND schedule_id = :schedule_id AND due_at = :due_at;

-- name: advance_schedule
UPDATE schedules SET next_due_at = :next_due_at, next_fire_at = :next_fire_at
WHERE project_id = :project_id AND id = :schedule_id AND next_due_at = :due_at
RETURNING id;

-- name: finish_ticks
-- as found
SELECT json_group_array(f.rowid) FROM (
  SELECT t.rowid FROM ticks t LEFT JOIN jobs j ON j.id = t.job_id
  WHERE t.job_id IS NOT NULL AND t.finished_at IS NULL
    AND (j.id IS NULL OR j.status IN ('succeeded', 'failed', 'cancelled'))
  LIMIT :limit
) f;
UPDATE ticks SET status = n.status, attempts = n.attempts, started_at = n.started_at, finished_at = n.finished_at,
  duration_us = n.duration_us, result = n.output, error_type = n.error_type, error_message = n.error_message,
  traceback = n.traceback
FROM (
  SELECT t.rowid AS place, coalesce(j.status, 'cancelled') AS status, j.attempt_count AS attempts,
    coalesce(e.started_at, e.claimed_at) AS started_at, coalesce(j.completed_at, :now) AS finished_at, e.duration_us,
    e.output, e.error_type,
    coalesce(e.error_message, CASE WHEN j.id IS NULL THEN 'the job was deleted' ELSE j.failure END) AS error_message,
    e.traceback
  FROM json_each(:found) f CROSS JOIN ticks t ON t.rowid = f.value LEFT JOIN jobs j ON j.id = t.job_id
  LEFT JOIN executions e ON e.id = j.execution_id
) n
WHERE ticks.rowid = n.place AND ticks.finished_at IS NULL
RETURNING schedule_id;

-- name: prune_ticks
DELETE FROM ticks WHERE rowid IN (
  SELECT t.rowid FROM ticks t
  WHERE t.project_id = :project_id AND t.schedule_id = :schedule_id AND t.due_at < :before
    AND (t.job_id IS NULL OR t.finished_at IS NOT NULL)
    AND (t.due_at < :failed_before OR t.status IS NULL OR t.status = 'succeeded')
  ORDER BY t.due_at LIMIT :limit
) RETURNING due_at;

-- name: prune_orphan_ticks
DELETE FROM ticks WHERE rowid IN (
  SELECT t.rowid FROM ticks t WHERE NOT EXISTS (SELECT 1 FROM schedules s WHERE s.id = t.schedule_id)
  LIMIT :limit
) RETURNING due_at;
