-- Who may do what: users, roles, keys and other credentials, and the audit log. These stand beside projects, not in
-- them: what they belong to is an organization.

ALTER TABLE organizations
  ADD COLUMN suspended_at timestamptz,
  ADD COLUMN max_queued_jobs bigint CHECK (max_queued_jobs >= 0),
  ADD COLUMN max_workers integer CHECK (max_workers >= 0),
  ADD COLUMN max_schedules integer CHECK (max_schedules >= 0),
  ADD COLUMN max_requests_per_second integer CHECK (max_requests_per_second >= 1),
  -- names of members of payloads that only some see, as a JSON list
  ADD COLUMN redacted_keys text NOT NULL DEFAULT '[]';

CREATE UNIQUE INDEX projects_of_organization ON projects (organization_id, id);

-- An account belongs to the organization that made it: nobody can take an address that another one will invite.
CREATE TABLE users (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations (id),
  email text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254 AND email = lower(email)),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  password_hash text,
  is_administrator boolean NOT NULL DEFAULT false,
  disabled_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (organization_id, email)
);

CREATE TABLE roles (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations (id),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  permissions text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (organization_id, name),
  UNIQUE (organization_id, id)
);

-- What a user may do in an organization: by a built-in role or one of its own; in one project, or in all.
CREATE TABLE memberships (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations (id),
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  project_id uuid,
  role text CHECK (role IN ('owner', 'admin', 'operator', 'developer', 'viewer', 'worker')),
  role_id uuid,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (organization_id, user_id),
  FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id),
  FOREIGN KEY (organization_id, role_id) REFERENCES roles (organization_id, id),
  CHECK ((role IS NULL) <> (role_id IS NULL))
);
CREATE INDEX memberships_of_user ON memberships (user_id);

-- Of a key only the hash of its secret is kept. One that was made by a user allows at most what that user may do now;
-- one that was made by a key goes when that key goes.
CREATE TABLE api_keys (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations (id),
  project_id uuid,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  secret_hash text NOT NULL CHECK (char_length(secret_hash) = 64),
  role text CHECK (role IN ('owner', 'admin', 'operator', 'developer', 'viewer', 'worker')),
  permissions text,
  queue_ids text,
  user_id uuid REFERENCES users (id) ON DELETE CASCADE,
  parent_id uuid REFERENCES api_keys (id) ON DELETE CASCADE,
  expires_at timestamptz,
  last_used_at timestamptz,
  last_used_from text,
  revoked_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id),
  CHECK ((role IS NULL) <> (permissions IS NULL)),
  CHECK (queue_ids IS NULL OR project_id IS NOT NULL)
);
CREATE INDEX api_keys_of_organization ON api_keys (organization_id, id);
CREATE INDEX api_keys_of_parent ON api_keys (parent_id) WHERE parent_id IS NOT NULL;

-- A login: the family of the refresh tokens that came of it, or the dashboard's cookie (then it has a secret itself).
CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations (id),
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  secret_hash text CHECK (char_length(secret_hash) = 64),
  address text,
  expires_at timestamptz NOT NULL,
  last_used_at timestamptz NOT NULL,
  revoked_at timestamptz,
  revoked_because text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
);
CREATE INDEX sessions_of_user ON sessions (user_id);

-- Kept after its use, so that a second use is noticed.
CREATE TABLE refresh_tokens (
  secret_hash text PRIMARY KEY CHECK (char_length(secret_hash) = 64),
  session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);

-- What a remote worker proves itself by: one incarnation, no other, and no longer than the key that registered it.
CREATE TABLE worker_credentials (
  worker_id uuid PRIMARY KEY REFERENCES workers (id) ON DELETE CASCADE,
  organization_id uuid NOT NULL REFERENCES organizations (id),
  project_id uuid NOT NULL,
  key_id uuid NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
  secret_hash text NOT NULL CHECK (char_length(secret_hash) = 64),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id)
);

-- Failed logins, by account and by address, both hashed.
CREATE TABLE login_attempts (
  subject text PRIMARY KEY CHECK (char_length(subject) = 64),
  failures integer NOT NULL CHECK (failures >= 0),
  last_at timestamptz NOT NULL,
  blocked_until timestamptz NOT NULL
);

-- Who did what to what, written with the change itself. `seq`, `previous_hash` and `hash` come a moment later, from the
-- sealer; after that nothing of the row changes. No foreign keys: it outlives what it tells of. What belongs to no
-- organization stands under the id of zeros.
CREATE TABLE audit_entries (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  project_id uuid,
  actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'key', 'worker', 'system')),
  actor_id uuid NOT NULL,
  actor_label text NOT NULL,
  credential_id uuid,
  address text,
  request_id text,
  action text NOT NULL CHECK (char_length(action) BETWEEN 3 AND 100),
  resource_kind text NOT NULL CHECK (char_length(resource_kind) BETWEEN 1 AND 100),
  resource_id text,
  resource_name text,
  before text,
  after text,
  happened_at timestamptz NOT NULL,
  seq bigint CHECK (seq >= 1),
  previous_hash text,
  hash text,
  CHECK ((seq IS NULL) = (hash IS NULL) AND (seq IS NULL) = (previous_hash IS NULL)),
  UNIQUE (organization_id, seq)
);
CREATE INDEX audit_entries_unsealed ON audit_entries (organization_id, id) WHERE seq IS NULL;
CREATE INDEX audit_entries_in_order ON audit_entries (organization_id, id);

-- The last seal of each organization's chain: without it the end of a chain could be cut off unseen.
CREATE TABLE audit_heads (
  organization_id uuid PRIMARY KEY,
  seq bigint NOT NULL CHECK (seq >= 0),
  hash text NOT NULL,
  sealed_at timestamptz NOT NULL
);

CREATE FUNCTION taskforge_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.hash IS NULL AND NEW.hash IS NOT NULL
    AND to_jsonb(OLD) - ARRAY['seq', 'previous_hash', 'hash'] = to_jsonb(NEW) - ARRAY['seq', 'previous_hash', 'hash']
  THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit log is append-only';
END
$$;
CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE ON audit_entries
  FOR EACH ROW EXECUTE FUNCTION taskforge_audit_is_append_only();
CREATE TRIGGER audit_entries_are_not_emptied BEFORE TRUNCATE ON audit_entries
  FOR EACH STATEMENT EXECUTE FUNCTION taskforge_audit_is_append_only();
