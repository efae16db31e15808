-- name: database_now
SELECT :now AS now;

-- name: database_settings
SELECT 'version' AS name, sqlite_version() AS value
UNION ALL SELECT 'journal_mode', journal_mode FROM pragma_journal_mode
UNION ALL SELECT 'synchronous', synchronous FROM pragma_synchronous;

-- name: quick_check
-- reads the whole file
SELECT quick_check AS said FROM pragma_quick_check(1);

-- name: arrears
SELECT
  (SELECT count(*) FROM jobs WHERE project_id = :project_id AND status = 'processing'
    AND lease_until < :now - :slack_us) AS expired_leases,
  (SELECT count(*) FROM jobs WHERE project_id = :project_id AND status = 'scheduled'
    AND scheduled_for < :now - :slack_us) AS overdue_scheduled,
  (SELECT count(*) FROM jobs WHERE project_id = :project_id AND status IN ('pending', 'scheduled')
    AND waits_until IS NOT NULL AND waits_until < :now - :slack_us) AS overdue_limits;

-- name: table_sizes
-- the file and what of it is free: the size of each table could only be told by reading it
SELECT 'file' AS name, p.page_count * s.page_size AS bytes, NULL AS live_rows, NULL AS dead_rows
FROM pragma_page_count p, pragma_page_size s
UNION ALL SELECT 'free', f.freelist_count * s.page_size, NULL, NULL FROM pragma_freelist_count f, pragma_page_size s
UNION ALL SELECT 'jobs', NULL, max(rowid), NULL FROM jobs
UNION ALL SELECT 'executions', NULL, max(rowid), NULL FROM executions;

-- name: oldest_transaction
-- readers are not listed here; a writer is one statement long
SELECT NULL AS seconds, NULL AS state, NULL AS program, NULL AS pid WHERE false;

-- name: broken_indexes
-- what quick_check finds is told under durability
SELECT NULL AS name WHERE false;

-- name: unfolded_deltas
SELECT count(*) AS deltas, coalesce((:now - min(d.settled_at)) / 1000000, 0) AS seconds FROM attempt_deltas d;

-- name: broken_records
-- the invariants of a job's life that CHECKs keep, and those over several rows that nothing else would notice
SELECT
  sum(CASE WHEN j.status = 'succeeded' AND NOT EXISTS (
    SELECT 1 FROM executions e WHERE e.id = j.execution_id AND e.status = 'succeeded') THEN 1 ELSE 0 END)
    AS succeeded_without_record,
  sum(CASE WHEN j.status = 'failed' AND j.failure IS NULL AND NOT EXISTS (
    SELECT 1 FROM executions e WHERE e.id = j.execution_id AND e.status IN ('failed', 'dead_letter'))
    THEN 1 ELSE 0 END) AS failed_without_record,
  sum(CASE WHEN j.status = 'processing' AND EXISTS (
    SELECT 1 FROM executions e WHERE e.id = j.execution_id) THEN 1 ELSE 0 END) AS ended_but_processing,
  sum(CASE WHEN j.status = 'processing' AND (j.execution_id IS NULL OR j.worker_id IS NULL OR j.lease_until IS NULL)
    THEN 1 ELSE 0 END) AS processing_without_owner,
  sum(CASE WHEN j.status <> 'processing' AND j.lease_until IS NOT NULL THEN 1 ELSE 0 END) AS leased_but_not_processing,
  sum(CASE WHEN (j.status IN ('succeeded', 'failed', 'cancelled')) <> (j.completed_at IS NOT NULL)
    THEN 1 ELSE 0 END) AS with_a_wrong_end,
  sum(CASE WHEN j.attempt_count > j.max_attempts * (1 + j.manual_retries) OR j.losses > 3 THEN 1 ELSE 0 END)
    AS beyond_their_attempts,
  sum(CASE WHEN EXISTS (SELECT 1 FROM executions e WHERE e.job_id = j.id
    GROUP BY e.job_id HAVING count(*) <> count(DISTINCT e.claim_seq) OR max(e.claim_seq) > j.claim_seq)
    THEN 1 ELSE 0 END) AS claimed_twice_by_one_number,
  sum(CASE WHEN j.dead_letter_queue_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM queues q WHERE q.project_id = :project_id AND q.id = j.dead_letter_queue_id) THEN 1 ELSE 0 END)
    AS dead_letters_of_no_queue
FROM (SELECT * FROM jobs WHERE project_id = :project_id ORDER BY id DESC LIMIT :recent) j;
