-- name: database_now
SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now;

-- name: database_settings
SELECT 'version' AS name, current_setting('server_version') AS value
UNION ALL SELECT s.name, current_setting(s.name)
FROM (VALUES ('fsync'), ('synchronous_commit'), ('full_page_writes'), ('transaction_read_only'),
  ('max_connections')) AS s (name)
UNION ALL SELECT 'connections', count(*)::text FROM pg_stat_activity WHERE backend_type = 'client backend';

-- name: quick_check
-- pages are checked by checksums, as they are read
SELECT NULL AS said WHERE false;

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

-- name: table_sizes
-- a partitioned table with all its partitions
SELECT coalesce(pg_partition_root(s.relid)::regclass::text, s.relname) AS name,
  sum(pg_total_relation_size(s.relid))::bigint AS bytes, sum(s.n_live_tup)::bigint AS live_rows,
  sum(s.n_dead_tup)::bigint AS dead_rows
FROM pg_stat_user_tables s WHERE s.schemaname = ANY (current_schemas(false))
GROUP BY 1 ORDER BY 2 DESC, 1;

-- name: oldest_transaction
-- those of other users may be hidden from us
SELECT floor(extract(epoch FROM clock_timestamp() - a.xact_start))::bigint AS seconds, a.state AS state,
  left(coalesce(a.application_name, ''), 60) AS program, a.pid AS pid
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.xact_start IS NOT NULL AND a.pid <> pg_backend_pid()
  AND a.backend_type = 'client backend'
ORDER BY a.xact_start LIMIT 1;

-- name: broken_indexes
SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (current_schemas(false)) AND c.relkind = 'i' AND NOT (i.indisvalid AND i.indisready) ORDER BY 1;

-- name: unfolded_deltas
SELECT count(*) AS deltas, coalesce(floor(extract(epoch FROM
  coalesce(:now::timestamptz, clock_timestamp()) - min(d.settled_at)))::bigint, 0) AS seconds
FROM attempt_deltas d;

-- name: broken_records
-- the invariants of a job's life that CHECKs keep, and those over several rows that nothing else would notice. Executions
-- are looked up one by one: an EXISTS may be carried out by reading all days of them
WITH recent AS MATERIALIZED (
  SELECT j.* FROM jobs j WHERE j.project_id = :project_id::uuid ORDER BY j.id DESC LIMIT (SELECT :recent::bigint)
)
SELECT
  sum(CASE WHEN j.status = 'succeeded' AND coalesce(j.ended <> 'succeeded', true) THEN 1 ELSE 0 END)
    AS succeeded_without_record,
  sum(CASE WHEN j.status = 'failed' AND j.failure IS NULL AND coalesce(j.ended NOT IN ('failed', 'dead_letter'), true)
    THEN 1 ELSE 0 END) AS failed_without_record,
  sum(CASE WHEN j.status = 'processing' AND j.ended IS NOT NULL THEN 1 ELSE 0 END) AS ended_but_processing,
  sum(CASE WHEN j.status = 'processing' AND (j.execution_id IS NULL OR j.worker_id IS NULL OR j.lease_until IS NULL)
    THEN 1 ELSE 0 END) AS processing_without_owner,
  sum(CASE WHEN j.status <> 'processing' AND j.lease_until IS NOT NULL THEN 1 ELSE 0 END) AS leased_but_not_processing,
  sum(CASE WHEN (j.status IN ('succeeded', 'failed', 'cancelled')) <> (j.completed_at IS NOT NULL)
    THEN 1 ELSE 0 END) AS with_a_wrong_end,
  sum(CASE WHEN j.attempt_count > j.max_attempts * (1 + j.manual_retries) OR j.losses > 3 THEN 1 ELSE 0 END)
    AS beyond_their_attempts,
  (SELECT count(*) FROM (
    SELECT r.id FROM taskforge_executions_of(:project_id::uuid, ARRAY (SELECT id FROM recent)) AS o (id),
      LATERAL (SELECT e.job_id, e.claim_seq FROM executions e WHERE e.id = o.id LIMIT 1) x
      JOIN recent r ON r.id = x.job_id
    GROUP BY r.id, r.claim_seq HAVING count(*) <> count(DISTINCT x.claim_seq) OR max(x.claim_seq) > r.claim_seq
  ) b) AS claimed_twice_by_one_number,
  sum(CASE WHEN j.dead_letter_queue_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM queues q WHERE q.project_id = :project_id::uuid AND q.id = j.dead_letter_queue_id) THEN 1 ELSE 0 END)
    AS dead_letters_of_no_queue
FROM (
  SELECT r.*, (SELECT e.status FROM executions e WHERE e.id = r.execution_id LIMIT 1) AS ended FROM recent r
) j;
