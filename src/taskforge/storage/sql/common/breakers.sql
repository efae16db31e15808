-- name: list_breakers
SELECT * FROM breakers WHERE project_id = :project_id ORDER BY job_type;

-- name: get_breaker
SELECT * FROM breakers WHERE project_id = :project_id AND id = :breaker_id;

-- name: standing_breakers
SELECT * FROM breakers ORDER BY id;

-- name: breaker_states
SELECT job_type, state FROM breakers WHERE project_id = :project_id;

-- name: delete_breaker
-- audited
DELETE FROM breakers WHERE project_id = :project_id AND id = :breaker_id RETURNING id;

-- name: count_probing
-- Who saw fewer probes than there are now lets none through.
UPDATE breakers SET version = version + 1 WHERE project_id = :project_id AND id = :breaker_id;

-- name: forget_probes
DELETE FROM breaker_probes WHERE project_id = :project_id AND breaker_id = :breaker_id;

-- name: list_probes
-- A job keeps the id of its last attempt.
SELECT p.job_id, p.claim_seq, p.released_at, j.status, j.hold, j.claim_seq AS current_seq, e.status AS ended_as, e.reason
FROM breaker_probes p
LEFT JOIN jobs j ON j.id = p.job_id AND j.project_id = p.project_id
LEFT JOIN executions e ON e.id = j.execution_id AND e.claim_seq = p.claim_seq + 1
WHERE p.project_id = :project_id AND p.breaker_id = :breaker_id ORDER BY p.released_at, p.job_id;

