-- name: has_failures
SELECT EXISTS (SELECT 1 FROM failure_deltas) AS found;
