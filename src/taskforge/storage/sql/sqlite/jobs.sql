-- A statement over many rows that reads them from :rows (a JSON array of objects by name) or :cells (a JSON array of
-- arrays, in the order of the call's columns) or :pairs (an object of two columns, an id and a text) is run once; any
-- other is run once for each row, inside one transaction.
--
-- The driver gives up the interpreter's lock at each row it fetches and may wait 5 ms to get it back while Python is
-- busy. So the statements of the hot path answer with one row: a column named `packed` is a JSON array of rows, and
-- the first values of a piece under `-- as NAME, NAME` become parameters of the pieces after it (which are left out
-- when one is an empty array); with more values its row is an answer too, the last one. :stem is the first 32 characters of a new UUIDv7, four hex digits complete it.
--
-- A piece under `-- alike` is run instead of those after it where each of these columns has one value in all rows: it
-- takes them as parameters, and reads the other columns from :cells or :pairs. Reading a member of a row's JSON is what
-- is dear: of a pair none is read.

-- name: accept_jobs
-- counted
-- alike: queue_id, job_type, priority, max_attempts, retry_policy, timeout_ms, scheduled_for, delay_us, expires_at, deadline, tags
INSERT INTO jobs (
  id, project_id, queue_id, job_type, payload, status, hold, rank, priority, max_attempts, retry_policy,
  timeout_ms, scheduled_for, expires_at, deadline, waits_until, tags, created_at, updated_at, fairness_key
)
SELECT n.key, q.project_id, q.id, :job_type, n.value,
  CASE WHEN coalesce(:scheduled_for, :now + :delay_us, :now) > :now THEN 'scheduled' ELSE 'pending' END,
  CASE WHEN q.project_has_pauses AND (:tags IS NOT NULL OR EXISTS (
      SELECT 1 FROM pauses p
      WHERE p.project_id = :project_id AND p.kind IN ('type', 'breaker') AND p.value = :job_type)) THEN 'paused'
    WHEN EXISTS (SELECT 1 FROM tasks k WHERE k.project_id = :project_id AND k.name = :job_type)
    THEN NULL ELSE 'no_worker' END,
  coalesce(:scheduled_for, :now + :delay_us, :now) - :priority * q.aging_us,
  :priority, :max_attempts, :retry_policy, :timeout_ms, coalesce(:scheduled_for, :now + :delay_us),
  :expires_at, :deadline, min(coalesce(:expires_at, :deadline), coalesce(:deadline, :expires_at)), :tags, :now, :now,
  q.common_line
FROM queues q CROSS JOIN json_each(:pairs) n
WHERE q.id = :queue_id AND q.project_id = :project_id AND q.state <> 'closed'
ON CONFLICT (id) DO NOTHING;
-- counted
INSERT INTO jobs (
  id, project_id, queue_id, job_type, payload, status, hold, rank, priority, max_attempts, retry_policy,
  timeout_ms, scheduled_for, expires_at, deadline, waits_until, tags, created_at, updated_at, fairness_key
)
SELECT n.id, q.project_id, q.id, n.job_type, n.payload,
  CASE WHEN coalesce(n.due, :now) > :now THEN 'scheduled' ELSE 'pending' END,
  CASE WHEN q.project_has_pauses AND (n.tags IS NOT NULL OR EXISTS (
      SELECT 1 FROM pauses p
      WHERE p.project_id = :project_id AND p.kind IN ('type', 'breaker') AND p.value = n.job_type)) THEN 'paused'
    WHEN EXISTS (SELECT 1 FROM tasks k WHERE k.project_id = :project_id AND k.name = n.job_type)
    THEN NULL ELSE 'no_worker' END,
  coalesce(n.due, :now) - n.priority * q.aging_us,
  n.priority, n.max_attempts, n.retry_policy, n.timeout_ms, n.due, n.expires_at, n.deadline,
  min(coalesce(n.expires_at, n.deadline), coalesce(n.deadline, n.expires_at)), n.tags, :now, :now,
  q.common_line
FROM (
  SELECT value ->> 'id' AS id, value ->> 'queue_id' AS queue_id, value ->> 'job_type' AS job_type,
    value ->> 'payload' AS payload, value ->> 'priority' AS priority, value ->> 'max_attempts' AS max_attempts,
    value ->> 'retry_policy' AS retry_policy, value ->> 'timeout_ms' AS timeout_ms,
    coalesce(value ->> 'scheduled_for', :now + (value ->> 'delay_us')) AS due,
    value ->> 'expires_at' AS expires_at, value ->> 'deadline' AS deadline, value ->> 'tags' AS tags
  FROM json_each(:rows)
) n
CROSS JOIN queues q ON q.id = n.queue_id AND q.project_id = :project_id AND q.state <> 'closed'
WHERE true
ON CONFLICT (id) DO NOTHING;

-- name: accept_job
INSERT INTO jobs (
  id, project_id, queue_id, job_type, payload, status, hold, rank, priority, max_attempts, retry_policy,
  timeout_ms, scheduled_for, expires_at, deadline, waits_until, tags, created_at, updated_at, fairness_key
)
SELECT :id, q.project_id, q.id, :job_type, :payload,
  CASE WHEN coalesce(:scheduled_for, :now + :delay_us, :now) > :now THEN 'scheduled' ELSE 'pending' END,
  CASE WHEN q.project_has_pauses AND (:tags IS NOT NULL OR EXISTS (
      SELECT 1 FROM pauses p
      WHERE p.project_id = :project_id AND p.kind IN ('type', 'breaker') AND p.value = :job_type)) THEN 'paused'
    WHEN EXISTS (SELECT 1 FROM tasks k WHERE k.project_id = :project_id AND k.name = :job_type)
    THEN NULL ELSE 'no_worker' END,
  coalesce(:scheduled_for, :now + :delay_us, :now) - :priority * q.aging_us,
  :priority, :max_attempts, :retry_policy, :timeout_ms, coalesce(:scheduled_for, :now + :delay_us),
  :expires_at, :deadline, min(coalesce(:expires_at, :deadline), coalesce(:deadline, :expires_at)), :tags, :now, :now,
  q.common_line
FROM queues q WHERE q.id = :queue_id AND q.project_id = :project_id AND q.state <> 'closed'
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: claim_jobs
-- the first of the queues, and of the types, is compared before the list of them all is made into a table, which often is
-- not needed then
-- as picked
SELECT
  (SELECT json_group_array(id) FROM (
    SELECT id FROM (
      SELECT j.rowid AS id FROM queues q INDEXED BY queues_in_order
      CROSS JOIN jobs j INDEXED BY jobs_suspect ON j.queue_id = q.id
      WHERE q.project_id = :project_id AND (q.id = :queue_ids ->> 0 OR q.id IN (SELECT value FROM json_each(:queue_ids)))
        AND q.state <> 'paused' AND q.is_ruled = 0 AND j.status = 'pending' AND j.hold = 'suspect'
        AND (j.job_type = :job_types ->> 0 OR j.job_type IN (SELECT value FROM json_each(:job_types)))
        AND (j.waits_until IS NULL OR j.waits_until > :now)
      ORDER BY q.priority DESC, q.id, j.rank, j.id LIMIT :suspects
    )
    UNION ALL
    SELECT id FROM (
      SELECT j.rowid AS id FROM queues q INDEXED BY queues_in_order
      CROSS JOIN jobs j INDEXED BY jobs_ready ON j.queue_id = q.id
      WHERE q.project_id = :project_id AND (q.id = :queue_ids ->> 0 OR q.id IN (SELECT value FROM json_each(:queue_ids)))
        AND q.state <> 'paused' AND q.is_ruled = 0 AND j.status = 'pending' AND j.hold IS NULL
        AND (j.job_type = :job_types ->> 0 OR j.job_type IN (SELECT value FROM json_each(:job_types)))
        AND (j.waits_until IS NULL OR j.waits_until > :now)
      ORDER BY q.priority DESC, q.id, j.rank, j.id LIMIT :free
    )
    LIMIT :free
  )) AS picked,
  :now AS now,
  (SELECT min(d) FROM (
    SELECT (SELECT min(j.scheduled_for) FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled') AS d
    FROM queues q
    WHERE q.project_id = :project_id AND (q.id = :queue_ids ->> 0 OR q.id IN (SELECT value FROM json_each(:queue_ids)))
      AND q.state <> 'paused'
  )) AS next_due_at,
  (SELECT config_version FROM projects WHERE id = :project_id) AS config_version;
UPDATE jobs SET status = 'processing', hold = NULL, claim_seq = claim_seq + 1, attempt_count = attempt_count + 1,
  execution_id = :stem || printf('%04x', p.key), worker_id = :worker_id, claimed_at = :now, started_at = NULL,
  heartbeat_at = NULL, progress = NULL, updated_at = :now, lease_until = :now + :lease_us
FROM json_each(:picked) p WHERE jobs.rowid = p.value;
SELECT json_group_array(json_array(j.id, j.queue_id, j.job_type, j.payload, j.priority, j.rank, j.attempt_count,
  j.max_attempts, j.manual_retries, j.retry_policy, j.timeout_ms, j.losses, j.claim_seq, j.execution_id, j.deadline,
  j.state, j.claimed_at, j.concurrency_key)) AS packed
FROM json_each(:picked) p CROSS JOIN jobs j ON j.rowid = p.value;

-- name: settle_succeeded
INSERT INTO executions (
  id, job_id, project_id, queue_id, job_type, worker_id, status, attempt_number, claim_seq, output, claimed_at,
  started_at, finished_at, heartbeat_at, duration_us
)
SELECT j.execution_id, j.id, j.project_id, j.queue_id, j.job_type, j.worker_id, 'succeeded', j.attempt_count,
  j.claim_seq, o.value ->> 3, j.claimed_at, j.claimed_at + (o.value ->> 4), :now, j.heartbeat_at, o.value ->> 5
FROM json_each(:cells) o CROSS JOIN jobs j ON j.id = o.value ->> 0
WHERE j.status = 'processing' AND j.claim_seq = o.value ->> 1 AND j.execution_id = o.value ->> 2;
-- the rows that were inserted just now are the last ones
SELECT json_group_array(json_array(e.id)) AS packed
FROM executions e WHERE changes() > 0 AND e.rowid > last_insert_rowid() - changes();
UPDATE jobs SET status = 'succeeded', lease_until = NULL, cancel_requested_at = NULL, waits_until = deadline,
  completed_at = :now, updated_at = :now
WHERE rowid IN (
  SELECT held.rowid FROM executions e CROSS JOIN jobs held ON held.id = e.job_id
  WHERE changes() > 0 AND e.rowid > last_insert_rowid() - changes()
    AND held.status = 'processing' AND held.claim_seq = e.claim_seq AND held.execution_id = e.id);
-- as many jobs were changed as executions inserted
INSERT INTO attempt_deltas (project_id, queue_id, job_type, worker_id, settled_at, succeeded, durations, waits)
SELECT e.project_id, e.queue_id, e.job_type, e.worker_id, e.finished_at, count(*), json_group_array(o.value ->> 5),
  json_group_array(o.value ->> 6)
FROM json_each(:cells) o CROSS JOIN executions e ON e.id = o.value ->> 2
WHERE changes() > 0 AND e.rowid > last_insert_rowid() - changes()
GROUP BY e.queue_id, e.job_type, e.worker_id;

-- name: settle_jobs
INSERT INTO executions (
  id, job_id, project_id, queue_id, job_type, worker_id, status, reason, attempt_number, claim_seq, output,
  error_type, error_message, traceback, claimed_at, started_at, finished_at, heartbeat_at, duration_us, fingerprint
)
SELECT j.execution_id, j.id, j.project_id, j.queue_id, j.job_type, j.worker_id,
  CASE WHEN :execution_status = 'retry_scheduled' AND j.cancel_requested_at IS NOT NULL THEN 'failed'
    ELSE :execution_status END,
  :reason, j.attempt_count, j.claim_seq, :output, :error_type, :error_message, :traceback, j.claimed_at,
  coalesce(j.claimed_at + :wait_us, j.started_at), :now, j.heartbeat_at, :duration_us, :fingerprint
FROM jobs j
WHERE j.id = :job_id AND j.status = 'processing' AND j.claim_seq = :claim_seq AND j.execution_id = :execution_id
  AND (NOT :lost_only OR j.lease_until < :now OR j.worker_id IN (SELECT value FROM json_each(:dead_workers)));
INSERT INTO attempt_deltas (
  project_id, queue_id, job_type, worker_id, settled_at, succeeded, failed, cancelled, durations, waits)
SELECT e.project_id, e.queue_id, e.job_type, e.worker_id, e.finished_at, e.status = 'succeeded',
  e.status IN ('failed', 'retry_scheduled') OR e.status = 'dead_letter', e.status = 'cancelled',
  CASE WHEN e.status <> 'cancelled' THEN json_array(e.duration_us) END,
  CASE WHEN e.status <> 'cancelled' THEN json_array(:waited_us) END
FROM executions e CROSS JOIN jobs j ON j.id = :job_id
-- it was inserted just now: the job is not settled yet
WHERE e.id = :execution_id AND j.status = 'processing' AND j.claim_seq = :claim_seq AND j.execution_id = :execution_id;
INSERT INTO failure_deltas (project_id, fingerprint, queue_id, job_id, job_type, execution_id, failed_at, tags,
  tenant)
SELECT e.project_id, e.fingerprint, e.queue_id, j.id, e.job_type, e.id, e.finished_at, j.tags,
  nullif(j.fairness_key, '')
FROM executions e CROSS JOIN jobs j ON j.id = :job_id
WHERE :fingerprint IS NOT NULL AND e.id = :execution_id AND j.status = 'processing' AND j.claim_seq = :claim_seq
  AND j.execution_id = :execution_id;
-- a cancel that was requested holds, also when the worker had not heard of it: what would run again is cancelled
UPDATE jobs SET
  status = CASE WHEN cancel_requested_at IS NOT NULL AND :status IN ('pending', 'scheduled') THEN 'cancelled'
    ELSE :status END,
  -- the rule sees the row as it was: what it says stands, since losses only grow
  hold = CASE WHEN cancel_requested_at IS NULL AND :status IN ('pending', 'scheduled') THEN
    CASE WHEN (SELECT q.project_has_pauses FROM queues q WHERE q.id = queue_id)
      THEN coalesce((SELECT h.hold FROM job_holds h WHERE h.id = jobs.id), :hold) ELSE :hold END
    END,
  attempt_count = attempt_count + :attempts, losses = losses + :losses,
  lease_until = NULL, cancel_requested_at = NULL, waits_until = deadline,
  scheduled_for = CASE WHEN :delay_us IS NULL THEN scheduled_for ELSE :now + :delay_us END,
  rank = CASE WHEN :delay_us IS NULL THEN rank
    ELSE :now + :delay_us - priority * (SELECT q.aging_us FROM queues q WHERE q.id = queue_id) END,
  dead_letter_queue_id = :dead_letter_queue_id,
  dead_lettered_at = CASE WHEN :dead_letter_queue_id IS NOT NULL THEN :now END,
  completed_at = CASE WHEN cancel_requested_at IS NOT NULL OR :status = 'succeeded' OR :status IN ('failed', 'cancelled')
    THEN :now END,
  state = coalesce(:state, state), updated_at = :now
WHERE id = :job_id AND status = 'processing' AND claim_seq = :claim_seq AND execution_id = :execution_id
  AND (NOT :lost_only OR lease_until < :now OR worker_id IN (SELECT value FROM json_each(:dead_workers)))
RETURNING execution_id;

-- name: settle_lines
INSERT INTO log_lines (execution_id, seq, level, message, metadata, logged_at)
VALUES (:execution_id, :seq, :level, :message, :metadata, coalesce(:logged_at, :now))
ON CONFLICT DO NOTHING;

-- name: beat_jobs
-- once
-- one that was given up comes back, unless another has taken its name
UPDATE workers SET last_heartbeat = :now, updated_at = :now, incidents = coalesce(:incidents, incidents),
  stopped_at = CASE WHEN given_up_at IS NULL OR EXISTS (SELECT 1 FROM workers n
    WHERE n.project_id = workers.project_id AND n.name = workers.name AND n.stopped_at IS NULL) THEN stopped_at END
WHERE id = :worker_id
RETURNING NULL AS execution_id, NULL AS cancel, coalesce(drain_requested_at, stopped_at) AS drain,
  max_concurrent_jobs AS capacity;
UPDATE jobs SET lease_until = :now + :lease_us,
  started_at = coalesce(started_at, CASE WHEN :started THEN :now END),
  heartbeat_at = CASE WHEN :signed THEN :now ELSE heartbeat_at END,
  progress = coalesce(:progress, progress), state = coalesce(:state, state), updated_at = :now
WHERE id = :job_id AND status = 'processing' AND claim_seq = :claim_seq AND execution_id = :execution_id
RETURNING execution_id, cancel_requested_at AS cancel, NULL AS drain, NULL AS capacity;

-- name: append_lines
INSERT INTO log_lines (execution_id, seq, level, message, metadata, logged_at)
SELECT j.execution_id, l.value ->> 'seq', l.value ->> 'level', l.value ->> 'message', l.value ->> 'metadata',
  l.value ->> 'logged_at'
FROM json_each(:rows) l CROSS JOIN jobs j ON j.id = l.value ->> 'job_id'
WHERE j.status = 'processing' AND j.claim_seq = l.value ->> 'claim_seq'
  AND j.execution_id = l.value ->> 'execution_id'
ON CONFLICT DO NOTHING;
SELECT DISTINCT j.execution_id
FROM json_each(:rows) l CROSS JOIN jobs j ON j.id = l.value ->> 'job_id'
WHERE j.status = 'processing' AND j.claim_seq = l.value ->> 'claim_seq'
  AND j.execution_id = l.value ->> 'execution_id';

-- name: recovery_outlook
SELECT
  EXISTS (SELECT 1 FROM jobs j WHERE j.status = 'processing' AND j.lease_until < :now) AS expired_leases,
  EXISTS (SELECT 1 FROM queues q CROSS JOIN jobs j ON j.queue_id = q.id
    WHERE j.status = 'scheduled' AND j.scheduled_for <= :now) AS due,
  EXISTS (SELECT 1 FROM jobs j WHERE j.status IN ('pending', 'scheduled') AND j.waits_until <= :now) AS late,
  EXISTS (SELECT 1 FROM tasks k CROSS JOIN jobs j ON j.project_id = k.project_id AND j.job_type = k.name
    WHERE j.hold = 'no_worker') AS held,
  EXISTS (SELECT 1 FROM pauses p WHERE p.applied_at IS NULL OR p.removed_at IS NOT NULL) AS unfinished_pauses,
  EXISTS (SELECT 1 FROM workers w WHERE w.stopped_at IS NULL AND w.last_heartbeat < :now - :silence_us)
    AS silent_workers,
  EXISTS (SELECT 1 FROM concurrency_keys) AS keyed,
  EXISTS (SELECT 1 FROM breakers) AS has_breakers,
  EXISTS (SELECT 1 FROM attempt_deltas) OR EXISTS (SELECT 1 FROM failure_deltas) AS fold,
  EXISTS (SELECT 1 FROM audit_entries a WHERE a.seq IS NULL) AS seal,
  EXISTS (SELECT 1 FROM alert_rules r WHERE r.enabled AND r.next_at <= :now) AS alert,
  EXISTS (SELECT 1 FROM job_endings)
    OR EXISTS (SELECT 1 FROM job_notices n CROSS JOIN jobs j ON j.id = n.job_id AND j.project_id = n.project_id
      WHERE n.told_at IS NULL AND j.completed_at IS NOT NULL)
    OR EXISTS (SELECT 1 FROM queues q WHERE q.name = :deliveries AND q.state <> 'paused' AND (
      EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL)
      OR EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold = 'suspect')
      OR EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled'
        AND j.scheduled_for <= :now))) AS deliver,
  EXISTS (SELECT 1 FROM queues q WHERE q.state <> 'paused' AND q.is_ruled = 0 AND (
    EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL)
    OR EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold = 'suspect'))) AS compare,
  (SELECT sum(p.config_version) FROM projects p) AS configuration,
  EXISTS (SELECT 1 FROM queues q WHERE q.state <> 'paused' AND (
    EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL)
    OR EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold = 'suspect')
    OR EXISTS (SELECT 1 FROM jobs j WHERE j.queue_id = q.id AND j.status = 'scheduled'
      AND j.scheduled_for <= :now + :soon_us))) AS ready,
  NOT EXISTS (SELECT 1 FROM queue_samples s WHERE s.minute = :now - :now % 60000000) AND (
    EXISTS (SELECT 1 FROM queues q WHERE
      EXISTS (SELECT 1 FROM jobs j INDEXED BY jobs_ready WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NULL)
      OR EXISTS (SELECT 1 FROM jobs j INDEXED BY jobs_held
        WHERE j.queue_id = q.id AND j.status = 'pending' AND j.hold IS NOT NULL)
      OR EXISTS (SELECT 1 FROM jobs j INDEXED BY jobs_scheduled WHERE j.queue_id = q.id AND j.status = 'scheduled')
      OR EXISTS (SELECT 1 FROM jobs j INDEXED BY jobs_processing WHERE j.queue_id = q.id AND j.status = 'processing'))
    OR EXISTS (SELECT 1 FROM queue_samples s WHERE s.minute = :now - :now % 60000000 - 60000000
      AND s.ready + s.held + s.scheduled + s.processing > 0)) AS sample,
  (SELECT coalesce(m.drain_requested_at, m.stopped_at) FROM workers m WHERE m.id = :worker_id) AS drain,
  (SELECT m.max_concurrent_jobs FROM workers m WHERE m.id = :worker_id) AS capacity,
  w.id, w.host, w.machine, w.pid, w.process_started
FROM (SELECT 1) LEFT JOIN workers w ON w.machine = :machine AND (w.stopped_at IS NULL
  OR w.given_up_at > :now - :silence_us
    AND EXISTS (SELECT 1 FROM jobs j WHERE j.status = 'processing' AND j.worker_id = w.id));

-- name: promote_jobs
UPDATE jobs SET status = 'pending', updated_at = :now,
  hold = CASE WHEN (SELECT q.project_has_pauses FROM queues q WHERE q.id = jobs.queue_id)
    THEN (SELECT h.hold FROM job_holds h WHERE h.id = jobs.id) ELSE hold END
WHERE id IN (
  SELECT j.id FROM queues q CROSS JOIN jobs j ON j.queue_id = q.id
  WHERE (:project_id IS NULL OR q.project_id = :project_id) AND j.status = 'scheduled' AND j.scheduled_for <= :now
    AND j.id NOT IN (SELECT value FROM json_each(:skip)) AND (:only IS NULL OR j.id = :only)
  LIMIT :limit
)
RETURNING id, project_id, concurrency_key;

-- name: expired_leases
SELECT j.id, j.project_id, j.queue_id, j.job_type, j.claim_seq, j.execution_id, j.worker_id, j.attempt_count, j.losses, j.max_attempts,
  j.manual_retries, j.concurrency_key, j.cancel_requested_at IS NOT NULL AS cancel_requested,
  EXISTS (SELECT 1 FROM jobs s WHERE s.status = 'processing' AND s.worker_id = j.worker_id AND s.losses > 0
    AND s.id <> j.id)
  OR EXISTS (SELECT 1 FROM workers w WHERE w.id = j.worker_id AND w.suspect_lost_at IS NOT NULL) AS has_suspect_neighbour
FROM jobs j INDEXED BY jobs_processing
WHERE j.status = 'processing'
  AND (j.lease_until < :now OR j.worker_id IN (SELECT value FROM json_each(:dead_workers)))
  AND (:after IS NULL OR j.id > :after)
ORDER BY j.id LIMIT :limit;

-- name: leased_jobs
-- what a claim told of them, but for the payload
SELECT j.id, j.queue_id, j.job_type, '' AS payload, j.priority, j.rank, j.attempt_count, j.max_attempts, j.manual_retries,
  j.retry_policy, j.timeout_ms, j.losses, j.claim_seq, j.execution_id, j.deadline, NULL AS state, j.claimed_at, j.concurrency_key
FROM jobs j
WHERE j.id IN (SELECT value FROM json_each(:job_ids)) AND j.project_id = :project_id AND j.worker_id = :worker_id
  AND j.status = 'processing';

-- name: expire_waiting
UPDATE jobs SET status = 'failed', hold = NULL, completed_at = :now, updated_at = :now,
  failure = CASE WHEN deadline <= :now THEN 'deadline' ELSE 'queue_timeout' END
WHERE id IN (
  SELECT j.id FROM jobs j WHERE j.status IN ('pending', 'scheduled') AND j.waits_until <= :now
    AND j.id NOT IN (SELECT value FROM json_each(:skip)) AND (:only IS NULL OR j.id = :only)
  ORDER BY j.waits_until LIMIT :limit
)
RETURNING id, project_id, concurrency_key;

-- name: overdue_due
SELECT j.id FROM queues q CROSS JOIN jobs j ON j.queue_id = q.id
WHERE j.status = 'scheduled' AND j.scheduled_for <= :now AND j.id NOT IN (SELECT value FROM json_each(:skip))
LIMIT :limit;

-- name: overdue_late
SELECT j.id FROM jobs j
WHERE j.status IN ('pending', 'scheduled') AND j.waits_until <= :now
  AND j.id NOT IN (SELECT value FROM json_each(:skip))
ORDER BY j.waits_until LIMIT :limit;

-- name: overdue_held
SELECT j.id FROM tasks k CROSS JOIN jobs j ON j.project_id = k.project_id AND j.job_type = k.name
WHERE j.hold = 'no_worker' AND j.id NOT IN (SELECT value FROM json_each(:skip))
LIMIT :limit;

-- name: release_holds
UPDATE jobs SET hold = (SELECT h.hold FROM job_holds h WHERE h.id = jobs.id)
WHERE id IN (
  SELECT j.id FROM tasks k CROSS JOIN jobs j ON j.project_id = k.project_id AND j.job_type = k.name
  WHERE j.hold = 'no_worker'
    AND j.id NOT IN (SELECT value FROM json_each(:skip)) AND (:only IS NULL OR j.id = :only)
  LIMIT :limit
)
RETURNING id, project_id, concurrency_key;

-- name: lock_job
SELECT status, job_type, key, concurrency_key, concurrency_limit FROM jobs
WHERE project_id = :project_id AND id = :job_id;

-- name: cancel_waiting_job
-- audited
UPDATE jobs SET status = 'cancelled', hold = NULL, completed_at = :now, updated_at = :now
WHERE project_id = :project_id AND id = :job_id AND status IN ('pending', 'scheduled')
RETURNING id;

-- name: request_cancel
-- audited
UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, :now), updated_at = :now
WHERE project_id = :project_id AND id = :job_id AND status = 'processing'
RETURNING id;

-- name: retry_job
-- audited
UPDATE jobs SET status = 'pending', manual_retries = manual_retries + 1, losses = 0, failure = NULL,
  queue_id = coalesce(:queue_id, queue_id), scheduled_for = NULL, expires_at = NULL, deadline = NULL,
  waits_until = NULL, completed_at = NULL, dead_letter_queue_id = NULL, dead_lettered_at = NULL, updated_at = :now,
  fairness_key = coalesce(fairness_key, (SELECT q.common_line FROM queues q WHERE q.id = coalesce(:queue_id, jobs.queue_id))),
  rank = :now - priority * (SELECT q.aging_us FROM queues q
    WHERE q.project_id = jobs.project_id AND q.id = coalesce(:queue_id, jobs.queue_id))
WHERE project_id = :project_id AND id = :job_id AND status IN ('failed', 'cancelled')
  AND EXISTS (SELECT 1 FROM queues q
    WHERE q.project_id = jobs.project_id AND q.id = coalesce(:queue_id, jobs.queue_id))
RETURNING id;
UPDATE jobs SET hold = (SELECT h.hold FROM job_holds h WHERE h.id = jobs.id)
WHERE project_id = :project_id AND id = :job_id AND status = 'pending';
