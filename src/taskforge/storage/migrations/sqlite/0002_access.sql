-- Who may do what: users, roles, keys and other credentials, and the audit log. These stand beside projects, not in
-- them: what they belong to is an organization.

ALTER TABLE organizations ADD COLUMN suspended_at INTEGER;
ALTER TABLE organizations ADD COLUMN max_queued_jobs INTEGER CHECK (max_queued_jobs >= 0);
ALTER TABLE organizations ADD COLUMN max_workers INTEGER CHECK (max_workers >= 0);
ALTER TABLE organizations ADD COLUMN max_schedules INTEGER CHECK (max_schedules >= 0);
ALTER TABLE organizations ADD COLUMN max_requests_per_second INTEGER CHECK (max_requests_per_second >= 1);
-- names of members of payloads that only some see, as a JSON list
ALTER TABLE organizations ADD COLUMN redacted_keys TEXT NOT NULL DEFAULT '[]';

CREATE UNIQUE INDEX projects_of_organization ON projects (organization_id, id);

-- An account belongs to the organization that made it: nobody can take an address that another one will invite.
CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  email TEXT NOT NULL CHECK (length(email) BETWEEN 3 AND 254 AND email = lower(email)),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  password_hash TEXT,
  is_administrator INTEGER NOT NULL DEFAULT 0 CHECK (is_administrator IN (0, 1)),
  disabled_at INTEGER,
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  updated_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  UNIQUE (organization_id, email)
) STRICT;

CREATE TABLE roles (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  permissions TEXT NOT NULL,
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  updated_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  UNIQUE (organization_id, name),
  UNIQUE (organization_id, id)
) STRICT;

-- What a user may do in an organization: by a built-in role or one of its own; in one project, or in all.
CREATE TABLE memberships (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  project_id TEXT,
  role TEXT CHECK (role IN ('owner', 'admin', 'operator', 'developer', 'viewer', 'worker')),
  role_id TEXT,
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  updated_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  UNIQUE (organization_id, user_id),
  FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id),
  FOREIGN KEY (organization_id, role_id) REFERENCES roles (organization_id, id),
  CHECK ((role IS NULL) <> (role_id IS NULL))
) STRICT;
CREATE INDEX memberships_of_user ON memberships (user_id);

-- Of a key only the hash of its secret is kept. One that was made by a user allows at most what that user may do now;
-- one that was made by a key goes when that key goes.
CREATE TABLE api_keys (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  project_id TEXT,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  secret_hash TEXT NOT NULL CHECK (length(secret_hash) = 64),
  role TEXT CHECK (role IN ('owner', 'admin', 'operator', 'developer', 'viewer', 'worker')),
  permissions TEXT,
  queue_ids TEXT,
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  parent_id TEXT REFERENCES api_keys (id) ON DELETE CASCADE,
  expires_at INTEGER,
  last_used_at INTEGER,
  last_used_from TEXT,
  revoked_at INTEGER,
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  updated_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id),
  CHECK ((role IS NULL) <> (permissions IS NULL)),
  CHECK (queue_ids IS NULL OR project_id IS NOT NULL)
) STRICT;
CREATE INDEX api_keys_of_organization ON api_keys (organization_id, id);
CREATE INDEX api_keys_of_parent ON api_keys (parent_id) WHERE parent_id IS NOT NULL;

-- A login: the family of the refresh tokens that came of it, or the dashboard's cookie (then it has a secret itself).
CREATE TABLE sessions (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  secret_hash TEXT CHECK (length(secret_hash) = 64),
  address TEXT,
  expires_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  revoked_at INTEGER,
  revoked_because TEXT,
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user_id);

-- Kept after its use, so that a second use is noticed.
CREATE TABLE refresh_tokens (
  secret_hash TEXT NOT NULL PRIMARY KEY CHECK (length(secret_hash) = 64),
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  used_at INTEGER,
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER))
) STRICT;
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);

-- What a remote worker proves itself by: one incarnation, no other, and no longer than the key that registered it.
CREATE TABLE worker_credentials (
  worker_id TEXT NOT NULL PRIMARY KEY REFERENCES workers (id) ON DELETE CASCADE,
  organization_id TEXT NOT NULL REFERENCES organizations (id),
  project_id TEXT NOT NULL,
  key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
  secret_hash TEXT NOT NULL CHECK (length(secret_hash) = 64),
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)),
  FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id)
) STRICT;

-- Failed logins, by account and by address, both hashed.
CREATE TABLE login_attempts (
  subject TEXT NOT NULL PRIMARY KEY CHECK (length(subject) = 64),
  failures INTEGER NOT NULL CHECK (failures >= 0),
  last_at INTEGER NOT NULL,
  blocked_until INTEGER NOT NULL
) STRICT;

-- Who did what to what, written with the change itself. `seq`, `previous_hash` and `hash` come a moment later, from the
-- sealer; after that nothing of the row changes. No foreign keys: it outlives what it tells of. What belongs to no
-- organization stands under the id of zeros.
CREATE TABLE audit_entries (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL,
  project_id TEXT,
  actor_kind TEXT NOT NULL CHECK (actor_kind IN ('user', 'key', 'worker', 'system')),
  actor_id TEXT NOT NULL,
  actor_label TEXT NOT NULL,
  credential_id TEXT,
  address TEXT,
  request_id TEXT,
  action TEXT NOT NULL CHECK (length(action) BETWEEN 3 AND 100),
  resource_kind TEXT NOT NULL CHECK (length(resource_kind) BETWEEN 1 AND 100),
  resource_id TEXT,
  resource_name TEXT,
  before TEXT,
  after TEXT,
  happened_at INTEGER NOT NULL,
  seq INTEGER CHECK (seq >= 1),
  previous_hash TEXT,
  hash TEXT,
  CHECK ((seq IS NULL) = (hash IS NULL) AND (seq IS NULL) = (previous_hash IS NULL)),
  UNIQUE (organization_id, seq)
) STRICT;
CREATE INDEX audit_entries_unsealed ON audit_entries (organization_id, id) WHERE seq IS NULL;
CREATE INDEX audit_entries_in_order ON audit_entries (organization_id, id);

-- The last seal of each organization's chain: without it the end of a chain could be cut off unseen.
CREATE TABLE audit_heads (
  organization_id TEXT NOT NULL PRIMARY KEY,
  seq INTEGER NOT NULL CHECK (seq >= 0),
  hash TEXT NOT NULL,
  sealed_at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER audit_entries_stay BEFORE DELETE ON audit_entries BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_entries_are_not_changed BEFORE UPDATE ON audit_entries
WHEN OLD.hash IS NOT NULL OR NEW.hash IS NULL OR OLD.id IS NOT NEW.id OR OLD.organization_id IS NOT NEW.organization_id
  OR OLD.project_id IS NOT NEW.project_id OR OLD.actor_kind IS NOT NEW.actor_kind OR OLD.actor_id IS NOT NEW.actor_id
  OR OLD.actor_label IS NOT NEW.actor_label OR OLD.credential_id IS NOT NEW.credential_id
  OR OLD.address IS NOT NEW.address OR OLD.request_id IS NOT NEW.request_id OR OLD.action IS NOT NEW.action
  OR OLD.resource_kind IS NOT NEW.resource_kind OR OLD.resource_id IS NOT NEW.resource_id
  OR OLD.resource_name IS NOT NEW.resource_name OR OLD.before IS NOT NEW.before OR OLD.after IS NOT NEW.after
  OR OLD.happened_at IS NOT NEW.happened_at
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;
