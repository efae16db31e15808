-- name: make_partitions
SELECT taskforge_make_partitions((coalesce(:now::timestamptz, clock_timestamp()) AT TIME ZONE 'UTC')::date,
  :days::integer) AS made;

-- name: list_partitions
SELECT p.relname::text AS parent, c.relname::text AS name, substring(c.relname FROM '_(\d{8})$') AS day,
  pg_total_relation_size(c.oid) AS bytes
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
WHERE p.oid IN ('executions_succeeded'::regclass, 'executions_cancelled'::regclass, 'executions_failed'::regclass,
  'log_lines_succeeded'::regclass, 'log_lines_cancelled'::regclass, 'log_lines_failed'::regclass)
ORDER BY p.relname, c.relname;

-- name: rows_in_default_partitions
SELECT d.name, d.rows FROM (
  SELECT 'executions' AS name, (SELECT count(*) FROM (
    SELECT 1 FROM executions_succeeded_default UNION ALL SELECT 1 FROM executions_cancelled_default
    UNION ALL SELECT 1 FROM executions_failed_default LIMIT :bound::bigint) e) AS rows
  UNION ALL
  SELECT 'log_lines', (SELECT count(*) FROM (
    SELECT 1 FROM log_lines_succeeded_default UNION ALL SELECT 1 FROM log_lines_cancelled_default
    UNION ALL SELECT 1 FROM log_lines_failed_default LIMIT :bound::bigint) l)
) d;

-- name: runs_of_before
-- Whether an execution of before that day still runs: its row and its lines are yet to come.
SELECT EXISTS (SELECT 1 FROM jobs j WHERE j.status = 'processing'
  AND j.execution_id < :until::uuid) AS found;

-- name: keep_executions
-- Of the next executions of a day, those whose job is still there go to the class that is not dropped.
WITH page AS MATERIALIZED (
  SELECT e.id, e.job_id FROM executions e
  WHERE e.class = :class::text AND e.id > :after::uuid AND e.id < :until::uuid
  ORDER BY e.id LIMIT (SELECT :limit::bigint)
),
kept AS (
  UPDATE executions e SET class = 'kept'
  WHERE e.class = :class::text AND e.id > :after::uuid AND e.id < :until::uuid
    AND e.id = ANY (ARRAY (SELECT p.id FROM page p WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.id = p.job_id)))
  RETURNING 1
)
SELECT (SELECT count(*) FROM kept) AS kept, (SELECT count(*) FROM page) AS seen,
  (SELECT p.id FROM page p ORDER BY p.id DESC LIMIT 1) AS last;

-- name: keep_lines
-- Of the next executions of another class, the lines that are still in this one follow them.
WITH page AS MATERIALIZED (
  SELECT e.id FROM executions e
  WHERE e.class = :to_class::text AND e.id > :after::uuid AND e.id < :until::uuid
  ORDER BY e.id LIMIT (SELECT :limit::bigint)
),
kept AS (
  UPDATE log_lines l SET class = :to_class::text
  WHERE l.class = :class::text AND l.execution_id > :after::uuid
    AND l.execution_id < :until::uuid
    AND l.execution_id = ANY (ARRAY (SELECT p.id FROM page p))
  RETURNING 1
)
SELECT (SELECT count(*) FROM kept) AS kept, (SELECT count(*) FROM page) AS seen,
  (SELECT p.id FROM page p ORDER BY p.id DESC LIMIT 1) AS last;

-- name: drop_partition
SELECT taskforge_drop_partition(:name::text) AS dropped;
