-- Named locks with a time limit. A row stays when nobody holds the name, so that its fence only grows.
CREATE TABLE leases (
  project_id TEXT NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  token TEXT NOT NULL,
  fence INTEGER NOT NULL CHECK (fence >= 1),
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (project_id, name)
) STRICT;
