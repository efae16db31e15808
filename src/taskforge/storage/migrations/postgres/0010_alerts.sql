-- Alert rules, to whom they tell what, and what was told. All of it goes with its project.

CREATE TABLE alert_receivers (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  kind text NOT NULL CHECK (kind IN ('webhook', 'slack', 'email')),
  address text NOT NULL,
  enabled boolean NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  UNIQUE (project_id, name),
  UNIQUE (project_id, id)
);

-- What a receiver is sent with: whole URLs and secrets, as JSON. Only who sends reads it.
CREATE TABLE receiver_secrets (
  receiver_id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  content text NOT NULL,
  FOREIGN KEY (project_id, receiver_id) REFERENCES alert_receivers (project_id, id) ON DELETE CASCADE
);

-- Whoever looks at a rule has bumped `turn`; nobody else is given it before next_at. A change of the rule bumps it too.
CREATE TABLE alert_rules (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  spec text NOT NULL,
  enabled boolean NOT NULL,
  turn bigint NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  evaluated_at timestamptz,
  fault text,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  UNIQUE (project_id, name),
  UNIQUE (project_id, id)
);
CREATE INDEX alert_rules_due ON alert_rules (next_at) WHERE enabled;

-- One row for each subject that is not ok.
CREATE TABLE alerts (
  rule_id uuid NOT NULL,
  subject text NOT NULL,
  project_id uuid NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'firing', 'recovered')),
  since timestamptz NOT NULL,
  value double precision NOT NULL,
  alert_id uuid,
  recovered_at timestamptz,
  good_since timestamptz,
  flaps integer NOT NULL CHECK (flaps >= 0),
  told boolean NOT NULL,
  PRIMARY KEY (rule_id, subject),
  FOREIGN KEY (project_id, rule_id) REFERENCES alert_rules (project_id, id) ON DELETE CASCADE,
  CONSTRAINT what_fires_is_known_by_an_id CHECK (status <> 'firing' OR alert_id IS NOT NULL),
  CONSTRAINT only_what_fires_was_told CHECK (NOT told OR status = 'firing')
);
CREATE INDEX alerts_of_project ON alerts (project_id);

CREATE TABLE alert_silences (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  rule_id uuid,
  subject text,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  reason text,
  made_by text,
  created_at timestamptz NOT NULL,
  FOREIGN KEY (project_id, rule_id) REFERENCES alert_rules (project_id, id) ON DELETE CASCADE,
  CHECK (ends_at > starts_at),
  CHECK (subject IS NULL OR rule_id IS NOT NULL)
);
CREATE INDEX silences_of_project ON alert_silences (project_id, ends_at);

-- What has happened, told or silenced. Kept for 30 days, also of rules that are gone.
CREATE TABLE alert_events (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  rule_id uuid NOT NULL,
  rule_name text NOT NULL,
  kind text NOT NULL,
  subject text NOT NULL,
  alert_id uuid NOT NULL,
  change text NOT NULL CHECK (change IN ('firing', 'recovered')),
  value double precision NOT NULL,
  threshold double precision NOT NULL,
  summary text NOT NULL,
  told boolean NOT NULL,
  happened_at timestamptz NOT NULL
);
CREATE INDEX alert_events_of_project ON alert_events (project_id, id);
CREATE INDEX alert_events_by_age ON alert_events (happened_at);

-- What is to be told to whom. It is carried out by a job of the same id, which says when it is tried again.
CREATE TABLE deliveries (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  receiver_id uuid NOT NULL,
  cause text NOT NULL CHECK (cause IN ('alert', 'job', 'test')),
  cause_id uuid,
  message text NOT NULL,
  tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
  last_answer text,
  last_tried_at timestamptz,
  delivered_at timestamptz,
  created_at timestamptz NOT NULL,
  FOREIGN KEY (project_id, receiver_id) REFERENCES alert_receivers (project_id, id) ON DELETE CASCADE
);
CREATE INDEX deliveries_of_project ON deliveries (project_id, id);
CREATE INDEX deliveries_of_receiver ON deliveries (receiver_id, id);
CREATE INDEX deliveries_by_age ON deliveries (created_at);

-- Jobs of which somebody is to be told when they end; receivers: JSON, ids. Whoever tells sets told_at in the same
-- transaction. Jobs themselves know nothing of it, and cost nothing more.
CREATE TABLE job_notices (
  job_id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  receivers text NOT NULL,
  told_at timestamptz,
  created_at timestamptz NOT NULL
);
CREATE INDEX job_notices_open ON job_notices (job_id) WHERE told_at IS NULL;
