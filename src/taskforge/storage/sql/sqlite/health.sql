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
