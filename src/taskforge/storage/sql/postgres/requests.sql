-- name: find_request
-- is_lost: it was carried out, and whoever did that has had the time to answer.
SELECT fingerprint, first_id, standing, carried_out, answer, locked_until <= coalesce(:now::timestamptz, clock_timestamp()) - :patience_us::bigint * interval '1 microsecond' AS is_lost
FROM idempotency_keys
WHERE organization_id = :organization_id AND principal_id = :principal_id AND key = :key;

-- name: begin_request
-- A key that has expired begins anew; one whose request was given up goes on under the ids that it had.
INSERT INTO idempotency_keys AS k
  (organization_id, principal_id, key, fingerprint, first_id, attempt_id, locked_until, expires_at)
VALUES (:organization_id, :principal_id, :key, :fingerprint, :first_id, :first_id,
  coalesce(:now::timestamptz, clock_timestamp()) + :lock_us::bigint * interval '1 microsecond',
  coalesce(:now::timestamptz, clock_timestamp()) + :keep_us::bigint * interval '1 microsecond')
ON CONFLICT (organization_id, principal_id, key) DO UPDATE SET
  fingerprint = excluded.fingerprint, locked_until = excluded.locked_until, expires_at = excluded.expires_at, standing = NULL,
  attempt_id = excluded.attempt_id, carried_out = NULL, answer = NULL,
  first_id = CASE WHEN k.expires_at <= coalesce(:now::timestamptz, clock_timestamp()) THEN excluded.first_id ELSE k.first_id END
WHERE k.expires_at <= coalesce(:now::timestamptz, clock_timestamp())
  OR (k.standing IS NULL AND k.carried_out IS NULL AND k.answer IS NULL AND k.fingerprint = excluded.fingerprint AND k.locked_until <= coalesce(:now::timestamptz, clock_timestamp()))
RETURNING first_id;

-- name: release_request
-- What became of it is unknown: whoever repeats it goes on at once.
UPDATE idempotency_keys SET locked_until = coalesce(:now::timestamptz, clock_timestamp())
WHERE organization_id = :organization_id AND principal_id = :principal_id AND key = :key
  AND attempt_id = :attempt_id AND standing IS NULL AND answer IS NULL;

-- name: forget_old_requests
DELETE FROM idempotency_keys WHERE expires_at <= coalesce(:now::timestamptz, clock_timestamp());
