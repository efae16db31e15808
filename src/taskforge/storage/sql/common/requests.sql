-- name: complete_request
UPDATE idempotency_keys SET standing = :standing
WHERE organization_id = :organization_id AND principal_id = :principal_id AND key = :key
  AND attempt_id = :attempt_id AND standing IS NULL;

-- name: note_request
-- In the transaction of what it changes. Who has lost the key to another finds no row, and is undone.
UPDATE idempotency_keys SET carried_out = coalesce(carried_out, :carried_out)
WHERE organization_id = :organization_id AND principal_id = :principal_id AND key = :key
  AND attempt_id = :attempt_id AND answer IS NULL
RETURNING key;

-- name: answer_request
UPDATE idempotency_keys SET answer = :answer
WHERE organization_id = :organization_id AND principal_id = :principal_id AND key = :key
  AND attempt_id = :attempt_id AND answer IS NULL;

-- name: forget_request
-- It was refused, so the key is free for another try.
DELETE FROM idempotency_keys
WHERE organization_id = :organization_id AND principal_id = :principal_id AND key = :key
  AND attempt_id = :attempt_id AND standing IS NULL AND answer IS NULL;
