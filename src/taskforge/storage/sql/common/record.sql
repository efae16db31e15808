-- name: has_deltas
SELECT EXISTS (SELECT 1 FROM attempt_deltas) AS found;
