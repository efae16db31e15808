-- name: find_request
SELECT fingerprint, first_id, standing FROM idempotency_keys
WHERE organization_id = :organization_id AND principal_id = :principal_id AND key = :key;

-- name: complete_request
UPDATE idempotency_keys SET standing = :standing
WHERE organization_id = :organization_id AND principal_id = :principal_id AND key = :key AND first_id = :first_id
  AND standing IS NULL;

-- name: forget_request
-- It was refused, so the key is free for another try.
DELETE FROM idempotency_keys
WHERE organization_id = :organization_id AND principal_id = :principal_id AND key = :key AND first_id = :first_id
  AND standing IS NULL;
