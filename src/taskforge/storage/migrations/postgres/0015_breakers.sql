-- Circuit breakers of job types. While one is not closed, a pause of the kind 'breaker' holds the jobs of its type, so
-- that claims know nothing of breakers. `version` keeps each turn to one of those who look.
CREATE TABLE breakers (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id),
  job_type text NOT NULL CHECK (char_length(job_type) BETWEEN 1 AND 100),
  failure_rate double precision NOT NULL CHECK (failure_rate > 0 AND failure_rate <= 1),
  minimum_attempts integer NOT NULL CHECK (minimum_attempts BETWEEN 1 AND 1000000),
  window_seconds integer NOT NULL CHECK (window_seconds BETWEEN 1 AND 86400),
  open_seconds integer NOT NULL CHECK (open_seconds BETWEEN 1 AND 86400),
  probes integer NOT NULL CHECK (probes BETWEEN 1 AND 100),
  state text NOT NULL DEFAULT 'closed' CHECK (state IN ('closed', 'open', 'half_open')),
  version bigint NOT NULL DEFAULT 0,
  probe_at timestamptz,
  reason text,
  changed_by text,
  changed_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  UNIQUE (project_id, job_type),
  CONSTRAINT probes_follow_an_open_one CHECK (probe_at IS NULL OR state = 'open')
);

-- Jobs that a half open breaker has let through. `claim_seq` is the job's before that: its next claim is the probe.
CREATE TABLE breaker_probes (
  breaker_id uuid NOT NULL REFERENCES breakers (id) ON DELETE CASCADE,
  job_id uuid NOT NULL,
  project_id uuid NOT NULL,
  claim_seq bigint NOT NULL,
  released_at timestamptz NOT NULL,
  PRIMARY KEY (breaker_id, job_id)
);
