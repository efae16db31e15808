-- name: database_now
SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now;

-- name: database_settings
SELECT 'version' AS name, current_setting('server_version') AS value
UNION ALL SELECT s.name, current_setting(s.name)
FROM (VALUES ('fsync'), ('synchronous_commit'), ('full_page_writes'), ('transaction_read_only'),
  ('max_connections')) AS s (name)
UNION ALL SELECT 'connections', count(*)::text FROM pg_stat_activity WHERE backend_type = 'client backend';

-- name: arrears
SELECT
  (SELECT count(*) FROM jobs WHERE project_id = :project_id::uuid AND status = 'processing'
    AND lease_until < t.latest) AS expired_leases,
  (SELECT count(*) FROM jobs WHERE project_id = :project_id::uuid AND status = 'scheduled'
    AND scheduled_for < t.latest) AS overdue_scheduled,
  (SELECT count(*) FROM jobs WHERE project_id = :project_id::uuid AND status IN ('pending', 'scheduled')
    AND waits_until IS NOT NULL AND waits_until < t.latest) AS overdue_limits
FROM (SELECT coalesce(:now::timestamptz, clock_timestamp())
  - :slack_us::bigint * interval '1 microsecond' AS latest) t;
