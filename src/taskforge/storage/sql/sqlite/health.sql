-- name: database_now
SELECT :now AS now;

-- name: database_settings
SELECT 'version' AS name, sqlite_version() AS value
UNION ALL SELECT 'journal_mode', journal_mode FROM pragma_journal_mode
UNION ALL SELECT 'synchronous', synchronous FROM pragma_synchronous
UNION ALL SELECT 'quick_check', quick_check FROM pragma_quick_check(1);

-- name: arrears
SELECT
  (SELECT count(*) FROM jobs WHERE project_id = :project_id AND status = 'processing'
    AND lease_until < :now - :slack_us) AS expired_leases,
  (SELECT count(*) FROM jobs WHERE project_id = :project_id AND status = 'scheduled'
    AND scheduled_for < :now - :slack_us) AS overdue_scheduled,
  (SELECT count(*) FROM jobs WHERE project_id = :project_id AND status IN ('pending', 'scheduled')
    AND waits_until IS NOT NULL AND waits_until < :now - :slack_us) AS overdue_limits;
