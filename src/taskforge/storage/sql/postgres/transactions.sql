-- name: whereabouts
-- the server, the database, and the table that an unqualified name means
SELECT concat_ws('/', extract(epoch FROM pg_postmaster_start_time()),
  (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()), to_regclass('jobs')::oid) AS whereabouts;

-- name: notify
SELECT pg_notify('taskforge', :notice::text)::text;
