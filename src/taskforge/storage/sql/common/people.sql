-- name: create_user
-- audited
INSERT INTO users (id, organization_id, email, name, password_hash, is_administrator)
VALUES (:user_id, :organization_id, :email, :name, :password_hash, :is_administrator)
ON CONFLICT (organization_id, email) DO NOTHING RETURNING id;

-- name: list_members
SELECT u.id, u.organization_id AS home_id, u.email, u.name, u.is_administrator, u.disabled_at, u.created_at, u.updated_at,
  m.id AS membership_id, m.organization_id, m.project_id, m.role, m.role_id, r.name AS role_name, r.permissions
FROM memberships m JOIN users u ON u.id = m.user_id
LEFT JOIN roles r ON r.organization_id = m.organization_id AND r.id = m.role_id
WHERE m.organization_id = :organization_id AND (u.id = :user_id OR :user_id IS NULL)
  AND (u.email = :email OR :email IS NULL)
ORDER BY u.email, u.id;

-- name: find_account
SELECT u.id, u.organization_id, u.email, u.name, u.password_hash, u.disabled_at, o.suspended_at
FROM users u JOIN organizations o ON o.id = u.organization_id
WHERE o.name = :organization AND u.email = :email;

-- name: memberships_of_account
SELECT o.id, o.name FROM memberships m JOIN organizations o ON o.id = m.organization_id
WHERE m.user_id = :user_id AND o.suspended_at IS NULL ORDER BY o.name;

-- name: other_owners
SELECT count(*) AS owners FROM memberships m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = :organization_id AND m.role = 'owner' AND m.project_id IS NULL
  AND u.disabled_at IS NULL AND u.id <> :user_id;

-- name: count_administrators
SELECT count(*) AS administrators FROM users WHERE is_administrator AND disabled_at IS NULL;

-- name: rehash_password
UPDATE users SET password_hash = :password_hash
WHERE organization_id = :organization_id AND id = :user_id AND password_hash = :previous;

-- name: delete_user
-- audited
DELETE FROM users WHERE organization_id = :organization_id AND id = :user_id RETURNING id;

-- name: delete_membership
-- audited
DELETE FROM memberships WHERE organization_id = :organization_id AND user_id = :user_id RETURNING id;

-- name: create_role
-- audited
INSERT INTO roles (id, organization_id, name, permissions) VALUES (:role_id, :organization_id, :name, :permissions)
ON CONFLICT (organization_id, name) DO NOTHING
RETURNING id, organization_id, name, permissions, created_at, updated_at;

-- name: list_roles
SELECT id, organization_id, name, permissions, created_at, updated_at FROM roles
WHERE organization_id = :organization_id AND (id = :role_id OR :role_id IS NULL)
  AND (name = :name OR :name IS NULL) ORDER BY name;

-- name: delete_role
-- audited
DELETE FROM roles WHERE organization_id = :organization_id AND id = :role_id RETURNING id;
