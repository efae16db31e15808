-- How many workers a queue should have, and how that stands. The fields above confirmed_workers are what people say;
-- those from there on are written by whoever carries out decisions: `turn` keeps it to one of them.
CREATE TABLE scaling_policies (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  min_workers INTEGER NOT NULL CHECK (min_workers >= 0),
  max_workers INTEGER NOT NULL CHECK (max_workers BETWEEN 1 AND 1000),
  target_queue_length INTEGER NOT NULL CHECK (target_queue_length >= 1),
  target_worker_utilization INTEGER NOT NULL CHECK (target_worker_utilization BETWEEN 1 AND 100),
  target_age_seconds INTEGER CHECK (target_age_seconds >= 1),
  scale_up_threshold INTEGER NOT NULL CHECK (scale_up_threshold >= 1),
  scale_down_threshold INTEGER NOT NULL CHECK (scale_down_threshold >= 0),
  scale_up_cooldown INTEGER NOT NULL CHECK (scale_up_cooldown BETWEEN 0 AND 86400),
  scale_down_cooldown INTEGER NOT NULL CHECK (scale_down_cooldown BETWEEN 0 AND 86400),
  provisioner TEXT NOT NULL CHECK (provisioner IN ('none', 'local', 'kubernetes', 'webhook')),
  target TEXT CHECK (length(target) BETWEEN 1 AND 255),
  confirmed_workers INTEGER CHECK (confirmed_workers >= 0),
  changed_at INTEGER,
  failures INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
  turn INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (project_id, queue_id),
  FOREIGN KEY (project_id, queue_id) REFERENCES queues (project_id, id) ON DELETE CASCADE,
  CONSTRAINT bounds_in_order CHECK (min_workers <= max_workers),
  CONSTRAINT thresholds_apart CHECK (scale_down_threshold < scale_up_threshold)
) STRICT;

-- Each decision that was carried out, or begun, with what was seen and what came of it. It outlives its queue.
CREATE TABLE scaling_decisions (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  queue_id TEXT NOT NULL,
  queue_name TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('scale_up', 'scale_down')),
  workers INTEGER NOT NULL CHECK (workers >= 0),
  desired INTEGER NOT NULL CHECK (desired >= 0),
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  figures TEXT NOT NULL,
  provisioner TEXT NOT NULL CHECK (provisioner IN ('none', 'local', 'kubernetes', 'webhook')),
  outcome TEXT NOT NULL CHECK (outcome IN ('begun', 'done', 'failed', 'recommended')),
  detail TEXT,
  drained TEXT NOT NULL DEFAULT '[]',
  actor TEXT NOT NULL,
  decided_at INTEGER NOT NULL,
  finished_at INTEGER,
  CONSTRAINT the_way_it_says CHECK ((action = 'scale_up') = (desired > workers) AND desired <> workers),
  CONSTRAINT ended_or_begun CHECK ((outcome = 'begun') = (finished_at IS NULL))
) STRICT;
CREATE INDEX scaling_decisions_of_project ON scaling_decisions (project_id, id);
CREATE INDEX scaling_decisions_by_age ON scaling_decisions (decided_at);
