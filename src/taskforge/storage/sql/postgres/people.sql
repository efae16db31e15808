-- name: update_user
-- audited
UPDATE users SET name = :name, is_administrator = :is_administrator,
  disabled_at = CASE WHEN :is_disabled::boolean THEN coalesce(disabled_at, coalesce(:now::timestamptz, clock_timestamp())) END, updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE organization_id = :organization_id AND id = :user_id RETURNING id;

-- name: set_password
-- audited
UPDATE users SET password_hash = :password_hash, updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE organization_id = :organization_id AND id = :user_id RETURNING id;

-- name: put_membership
-- audited
INSERT INTO memberships (id, organization_id, user_id, project_id, role, role_id)
VALUES (:membership_id, :organization_id, :user_id, :project_id, :role, :role_id)
ON CONFLICT (organization_id, user_id) DO UPDATE
  SET project_id = excluded.project_id, role = excluded.role, role_id = excluded.role_id, updated_at = coalesce(:now::timestamptz, clock_timestamp())
RETURNING id;

-- name: update_role
-- audited
UPDATE roles SET name = :name, permissions = :permissions, updated_at = coalesce(:now::timestamptz, clock_timestamp())
WHERE organization_id = :organization_id AND id = :role_id
RETURNING id, organization_id, name, permissions, created_at, updated_at;
