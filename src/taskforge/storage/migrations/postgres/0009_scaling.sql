-- How many workers a queue should have, and how that stands. The fields above confirmed_workers are what people say;
-- those from there on are written by whoever carries out decisions: `turn` keeps it to one of them.
CREATE TABLE scaling_policies (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  queue_id uuid NOT NULL,
  enabled boolean NOT NULL,
  min_workers integer NOT NULL CHECK (min_workers >= 0),
  max_workers integer NOT NULL CHECK (max_workers BETWEEN 1 AND 1000),
  target_queue_length integer NOT NULL CHECK (target_queue_length >= 1),
  target_worker_utilization integer NOT NULL CHECK (target_worker_utilization BETWEEN 1 AND 100),
  target_age_seconds integer CHECK (target_age_seconds >= 1),
  scale_up_threshold integer NOT NULL CHECK (scale_up_threshold >= 1),
  scale_down_threshold integer NOT NULL CHECK (scale_down_threshold >= 0),
  scale_up_cooldown integer NOT NULL CHECK (scale_up_cooldown BETWEEN 0 AND 86400),
  scale_down_cooldown integer NOT NULL CHECK (scale_down_cooldown BETWEEN 0 AND 86400),
  provisioner text NOT NULL CHECK (provisioner IN ('none', 'local', 'kubernetes', 'webhook')),
  target text CHECK (char_length(target) BETWEEN 1 AND 255),
  confirmed_workers integer CHECK (confirmed_workers >= 0),
  changed_at timestamptz,
  failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
  turn bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  UNIQUE (project_id, queue_id),
  FOREIGN KEY (project_id, queue_id) REFERENCES queues (project_id, id) ON DELETE CASCADE,
  CONSTRAINT bounds_in_order CHECK (min_workers <= max_workers),
  CONSTRAINT thresholds_apart CHECK (scale_down_threshold < scale_up_threshold)
);

-- Each decision that was carried out, or begun, with what was seen and what came of it. It outlives its queue.
CREATE TABLE scaling_decisions (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id),
  queue_id uuid NOT NULL,
  queue_name text NOT NULL,
  action text NOT NULL CHECK (action IN ('scale_up', 'scale_down')),
  workers integer NOT NULL CHECK (workers >= 0),
  desired integer NOT NULL CHECK (desired >= 0),
  reason text NOT NULL,
  message text NOT NULL,
  figures text NOT NULL,
  provisioner text NOT NULL CHECK (provisioner IN ('none', 'local', 'kubernetes', 'webhook')),
  outcome text NOT NULL CHECK (outcome IN ('begun', 'done', 'failed', 'recommended')),
  detail text,
  drained text NOT NULL DEFAULT '[]',
  actor text NOT NULL,
  decided_at timestamptz NOT NULL,
  finished_at timestamptz,
  CONSTRAINT the_way_it_says CHECK ((action = 'scale_up') = (desired > workers) AND desired <> workers),
  CONSTRAINT ended_or_begun CHECK ((outcome = 'begun') = (finished_at IS NULL))
);
CREATE INDEX scaling_decisions_of_project ON scaling_decisions (project_id, id);
CREATE INDEX scaling_decisions_by_age ON scaling_decisions (decided_at);
