-- Circuit breakers of job types. While one is not closed, a pause of the kind 'breaker' holds the jobs of its type, so
-- that claims know nothing of breakers. `version` keeps each turn to one of those who look.
CREATE TABLE breakers (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  job_type TEXT NOT NULL CHECK (length(job_type) BETWEEN 1 AND 100),
  failure_rate REAL NOT NULL CHECK (failure_rate > 0 AND failure_rate <= 1),
  minimum_attempts INTEGER NOT NULL CHECK (minimum_attempts BETWEEN 1 AND 1000000),
  window_seconds INTEGER NOT NULL CHECK (window_seconds BETWEEN 1 AND 86400),
  open_seconds INTEGER NOT NULL CHECK (open_seconds BETWEEN 1 AND 86400),
  probes INTEGER NOT NULL CHECK (probes BETWEEN 1 AND 100),
  state TEXT NOT NULL DEFAULT 'closed' CHECK (state IN ('closed', 'open', 'half_open')),
  version INTEGER NOT NULL DEFAULT 0,
  probe_at INTEGER,
  reason TEXT,
  changed_by TEXT,
  changed_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (project_id, job_type),
  CONSTRAINT probes_follow_an_open_one CHECK (probe_at IS NULL OR state = 'open')
) STRICT;

-- Jobs that a half open breaker has let through. `claim_seq` is the job's before that: its next claim is the probe.
CREATE TABLE breaker_probes (
  breaker_id TEXT NOT NULL REFERENCES breakers (id) ON DELETE CASCADE,
  job_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  claim_seq INTEGER NOT NULL,
  released_at INTEGER NOT NULL,
  PRIMARY KEY (breaker_id, job_id)
) STRICT;
