-- name: list_keys
SELECT id, organization_id, project_id, name, role, permissions, queue_ids, user_id, parent_id, expires_at, last_used_at,
  last_used_from, revoked_at, created_at, updated_at FROM api_keys
WHERE organization_id = :organization_id AND (id = :key_id OR :key_id IS NULL)
  AND (:with_revoked::boolean OR revoked_at IS NULL)
ORDER BY id DESC LIMIT 10000;

-- name: rename_key
-- audited
UPDATE api_keys SET name = :name, updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE organization_id = :organization_id AND id = :key_id AND revoked_at IS NULL
RETURNING id, organization_id, project_id, name, role, permissions, queue_ids, user_id, parent_id, expires_at, last_used_at,
  last_used_from, revoked_at, created_at, updated_at;

-- name: revoke_key
-- with all that were made by it
-- audited
WITH RECURSIVE doomed (id) AS (
  SELECT k.id FROM api_keys k WHERE k.organization_id = :organization_id AND k.id = :key_id
  UNION SELECT k.id FROM api_keys k JOIN doomed d ON k.parent_id = d.id
)
UPDATE api_keys SET revoked_at = coalesce(:now::timestamptz, clock_timestamp()), updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE id IN (SELECT id FROM doomed) AND revoked_at IS NULL
RETURNING id;

-- name: find_key
SELECT k.id, k.organization_id, k.project_id, k.name, k.secret_hash, k.role, k.permissions, k.queue_ids, k.user_id,
  k.expires_at, k.expires_at <= coalesce(:now::timestamptz, clock_timestamp()) AS is_expired, u.email, m.role AS user_role, r.permissions AS user_permissions,
  m.project_id AS user_project_id, o.redacted_keys
FROM api_keys k JOIN organizations o ON o.id = k.organization_id AND o.suspended_at IS NULL
LEFT JOIN users u ON u.id = k.user_id
LEFT JOIN memberships m ON m.organization_id = k.organization_id AND m.user_id = k.user_id
LEFT JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id
WHERE k.id = :key_id AND k.revoked_at IS NULL AND (k.user_id IS NULL OR (m.id IS NOT NULL AND u.disabled_at IS NULL));

-- name: touch_key
UPDATE api_keys SET last_used_at = coalesce(:now::timestamptz, clock_timestamp()), last_used_from = :address
WHERE id = :credential_id AND (last_used_at IS NULL OR last_used_at < coalesce(:now::timestamptz, clock_timestamp()) - :pause_us::bigint * interval '1 microsecond');

-- name: put_worker_credential
INSERT INTO worker_credentials AS c (worker_id, organization_id, project_id, key_id, secret_hash)
SELECT w.id, p.organization_id, w.project_id, :key_id::uuid, :secret_hash::text
FROM workers w JOIN projects p ON p.id = w.project_id
WHERE w.id = :worker_id AND w.project_id = :project_id AND p.organization_id = :organization_id
ON CONFLICT (worker_id) DO UPDATE SET secret_hash = excluded.secret_hash WHERE c.key_id = excluded.key_id
RETURNING worker_id;

-- name: find_worker_credential
SELECT c.secret_hash AS worker_hash, c.project_id AS worker_project_id, w.name AS worker_name, k.id, k.organization_id, k.project_id, k.name, k.secret_hash, k.role, k.permissions, k.queue_ids, k.user_id,
  k.expires_at, k.expires_at <= coalesce(:now::timestamptz, clock_timestamp()) AS is_expired, u.email, m.role AS user_role, r.permissions AS user_permissions,
  m.project_id AS user_project_id, o.redacted_keys
FROM worker_credentials c
JOIN workers w ON w.id = c.worker_id AND w.project_id = c.project_id AND (w.stopped_at IS NULL OR w.given_up_at IS NOT NULL)
JOIN api_keys k ON k.id = c.key_id
JOIN organizations o ON o.id = k.organization_id AND o.suspended_at IS NULL
LEFT JOIN users u ON u.id = k.user_id
LEFT JOIN memberships m ON m.organization_id = k.organization_id AND m.user_id = k.user_id
LEFT JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id
WHERE c.worker_id = :worker_id AND k.revoked_at IS NULL AND (k.user_id IS NULL OR (m.id IS NOT NULL AND u.disabled_at IS NULL));

-- name: create_session
-- audited
INSERT INTO sessions (id, organization_id, user_id, secret_hash, address, expires_at, last_used_at)
VALUES (:session_id, :organization_id, :user_id, :secret_hash, :address, coalesce(:now::timestamptz, clock_timestamp()) + :lifetime_us::bigint * interval '1 microsecond', coalesce(:now::timestamptz, clock_timestamp()))
RETURNING id, organization_id, user_id, address, expires_at, last_used_at, created_at, (secret_hash IS NOT NULL) AS is_cookie;

-- name: list_sessions
SELECT id, organization_id, user_id, address, expires_at, last_used_at, created_at, (secret_hash IS NOT NULL) AS is_cookie FROM sessions
WHERE organization_id = :organization_id AND user_id = :user_id AND revoked_at IS NULL AND expires_at > coalesce(:now::timestamptz, clock_timestamp())
ORDER BY id DESC LIMIT 10000;

-- name: find_session
SELECT s.id, s.organization_id, s.user_id, s.secret_hash, u.email, u.is_administrator, m.project_id, m.role, r.permissions,
  s.expires_at, o.redacted_keys
FROM sessions s JOIN organizations o ON o.id = s.organization_id AND o.suspended_at IS NULL
JOIN users u ON u.id = s.user_id AND u.disabled_at IS NULL
JOIN memberships m ON m.organization_id = s.organization_id AND m.user_id = s.user_id
LEFT JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id
WHERE s.id = :session_id AND s.revoked_at IS NULL AND s.expires_at > coalesce(:now::timestamptz, clock_timestamp())
  AND (s.secret_hash IS NULL OR s.last_used_at > coalesce(:now::timestamptz, clock_timestamp()) - :idle_us::bigint * interval '1 microsecond');

-- name: touch_session
UPDATE sessions SET last_used_at = coalesce(:now::timestamptz, clock_timestamp()) WHERE id = :credential_id AND last_used_at < coalesce(:now::timestamptz, clock_timestamp()) - :pause_us::bigint * interval '1 microsecond';

-- name: revoke_sessions
-- audited
UPDATE sessions SET revoked_at = coalesce(:now::timestamptz, clock_timestamp()), revoked_because = :because
WHERE user_id = :user_id AND (id = :session_id OR :session_id IS NULL)
  AND (id <> :spared_id OR :spared_id IS NULL) AND revoked_at IS NULL
RETURNING id, organization_id;

-- name: spend_refresh_token
UPDATE refresh_tokens SET used_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE session_id = :session_id AND secret_hash = :secret_hash AND used_at IS NULL AND created_at > coalesce(:now::timestamptz, clock_timestamp()) - :lifetime_us::bigint * interval '1 microsecond'
  AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = :session_id AND s.revoked_at IS NULL AND s.expires_at > coalesce(:now::timestamptz, clock_timestamp()))
RETURNING session_id;

-- name: touch_login_attempts
INSERT INTO login_attempts (subject, failures, last_at, blocked_until) VALUES (:subject, 0, coalesce(:now::timestamptz, clock_timestamp()), coalesce(:now::timestamptz, clock_timestamp()))
ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject
RETURNING failures, last_at, blocked_until, coalesce(:now::timestamptz, clock_timestamp()) AS now;

-- name: count_login_attempt
UPDATE login_attempts SET failures = :failures, last_at = coalesce(:now::timestamptz, clock_timestamp()), blocked_until = coalesce(:now::timestamptz, clock_timestamp()) + :delay_us::bigint * interval '1 microsecond'
WHERE subject = :subject;

-- name: forget_login_attempts
DELETE FROM login_attempts WHERE last_at < coalesce(:now::timestamptz, clock_timestamp()) - :age_us::bigint * interval '1 microsecond';
