-- name: create_key
-- audited
INSERT INTO api_keys (id, organization_id, project_id, name, secret_hash, role, permissions, queue_ids, user_id, parent_id, expires_at)
VALUES (:key_id, :organization_id, :project_id, :name, :secret_hash, :role, :permissions, :queue_ids, :user_id, :parent_id, :expires_at)
RETURNING id, organization_id, project_id, name, role, permissions, queue_ids, user_id, parent_id, expires_at, last_used_at,
  last_used_from, revoked_at, created_at, updated_at;

-- name: put_refresh_token
INSERT INTO refresh_tokens (secret_hash, session_id) VALUES (:secret_hash, :session_id);

-- name: find_refresh_token
SELECT t.used_at, s.user_id, s.organization_id FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
WHERE t.session_id = :session_id AND t.secret_hash = :secret_hash;
