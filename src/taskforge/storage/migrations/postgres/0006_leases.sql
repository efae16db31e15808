-- Named locks with a time limit. A row stays when nobody holds the name, so that its fence only grows.
CREATE TABLE leases (
  project_id uuid NOT NULL REFERENCES projects (id),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  token uuid NOT NULL,
  fence bigint NOT NULL CHECK (fence >= 1),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, name)
);
