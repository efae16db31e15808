-- Alert rules, to whom they tell what, and what was told. All of it goes with its project.

CREATE TABLE alert_receivers (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  kind TEXT NOT NULL CHECK (kind IN ('webhook', 'slack', 'email')),
  address TEXT NOT NULL,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (project_id, name),
  UNIQUE (project_id, id)
) STRICT;

-- What a receiver is sent with: whole URLs and secrets, as JSON. Only who sends reads it.
CREATE TABLE receiver_secrets (
  receiver_id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL,
  content TEXT NOT NULL,
  FOREIGN KEY (project_id, receiver_id) REFERENCES alert_receivers (project_id, id) ON DELETE CASCADE
) STRICT;

-- Whoever looks at a rule has bumped `turn`; nobody else is given it before next_at. A change of the rule bumps it too.
CREATE TABLE alert_rules (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  spec TEXT NOT NULL,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  turn INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL,
  evaluated_at INTEGER,
  fault TEXT,
  version INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (project_id, name),
  UNIQUE (project_id, id)
) STRICT;
CREATE INDEX alert_rules_due ON alert_rules (next_at) WHERE enabled;

-- One row for each subject that is not ok.
CREATE TABLE alerts (
  rule_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  project_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'firing', 'recovered')),
  since INTEGER NOT NULL,
  value REAL NOT NULL,
  alert_id TEXT,
  recovered_at INTEGER,
  good_since INTEGER,
  flaps INTEGER NOT NULL CHECK (flaps >= 0),
  told INTEGER NOT NULL CHECK (told IN (0, 1)),
  PRIMARY KEY (rule_id, subject),
  FOREIGN KEY (project_id, rule_id) REFERENCES alert_rules (project_id, id) ON DELETE CASCADE,
  CONSTRAINT what_fires_is_known_by_an_id CHECK (status <> 'firing' OR alert_id IS NOT NULL),
  CONSTRAINT only_what_fires_was_told CHECK (NOT told OR status = 'firing')
) STRICT;
CREATE INDEX alerts_of_project ON alerts (project_id);

CREATE TABLE alert_silences (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  rule_id TEXT,
  subject TEXT,
  starts_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  reason TEXT,
  made_by TEXT,
  created_at INTEGER NOT NULL,
  FOREIGN KEY (project_id, rule_id) REFERENCES alert_rules (project_id, id) ON DELETE CASCADE,
  CHECK (ends_at > starts_at),
  CHECK (subject IS NULL OR rule_id IS NOT NULL)
) STRICT;
CREATE INDEX silences_of_project ON alert_silences (project_id, ends_at);

-- What has happened, told or silenced. Kept for 30 days, also of rules that are gone.
CREATE TABLE alert_events (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  rule_id TEXT NOT NULL,
  rule_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  alert_id TEXT NOT NULL,
  change TEXT NOT NULL CHECK (change IN ('firing', 'recovered')),
  value REAL NOT NULL,
  threshold REAL NOT NULL,
  summary TEXT NOT NULL,
  told INTEGER NOT NULL CHECK (told IN (0, 1)),
  happened_at INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_events_of_project ON alert_events (project_id, id);
CREATE INDEX alert_events_by_age ON alert_events (happened_at);

-- What is to be told to whom. It is carried out by a job of the same id, which says when it is tried again.
CREATE TABLE deliveries (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL,
  receiver_id TEXT NOT NULL,
  cause TEXT NOT NULL CHECK (cause IN ('alert', 'job', 'test')),
  cause_id TEXT,
  message TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
  last_answer TEXT,
  last_tried_at INTEGER,
  delivered_at INTEGER,
  created_at INTEGER NOT NULL,
  FOREIGN KEY (project_id, receiver_id) REFERENCES alert_receivers (project_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX deliveries_of_project ON deliveries (project_id, id);
CREATE INDEX deliveries_of_receiver ON deliveries (receiver_id, id);
CREATE INDEX deliveries_by_age ON deliveries (created_at);

-- Jobs of which somebody is to be told when they end; receivers: JSON, ids. Whoever tells sets told_at in the same
-- transaction. Jobs themselves know nothing of it, and cost nothing more.
CREATE TABLE job_notices (
  job_id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  receivers TEXT NOT NULL,
  told_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX job_notices_open ON job_notices (job_id) WHERE told_at IS NULL;
