-- What attempts add up to. Settling appends a row to attempt_deltas for each queue, type and worker of its batch, in
-- the statement that ends the attempts; from there the rows are folded, each into a minute, an hour and a day of its
-- queue and of its worker. A row is in one place at any time: whoever reads deltas and minutes in one statement counts all once.

-- Without a key and without checks: it is written on the hot path, only ever read whole, and emptied every few seconds.
-- `removed` is not used here. Durations and waits are microseconds.
CREATE TABLE attempt_deltas (
  project_id TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  job_type TEXT NOT NULL,
  worker_id TEXT,
  settled_at INTEGER NOT NULL,
  succeeded INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  removed INTEGER NOT NULL DEFAULT 0,
  durations TEXT,
  waits TEXT
) STRICT;

-- The folded deltas of a queue and type as they were, for figures that are exact; kept for some hours.
-- samples: JSON, [[microseconds after first_at, succeeded, failed, cancelled, [durations], [waits]], ...]; NULL: too many
CREATE TABLE attempt_samples (
  project_id TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  job_type TEXT NOT NULL,
  worker_id TEXT,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  samples TEXT
) STRICT;
CREATE INDEX attempt_samples_of_queue ON attempt_samples (queue_id, last_at);
CREATE INDEX attempt_samples_of_worker ON attempt_samples (worker_id, last_at);
CREATE INDEX attempt_samples_by_time ON attempt_samples (last_at);

-- Histograms of microseconds: JSON, [first bucket, its count, the count of the next, ...], the buckets of
-- domain/histogram.py.
-- The subject is a queue, with a row for each job type, or a worker. A row with an empty job_type is for all types
-- together. A span is a minute, an hour, or a day (UTC); 0 is all time, which only queues have.
CREATE TABLE attempt_metrics (
  subject_id TEXT NOT NULL,
  span_seconds INTEGER NOT NULL CHECK (span_seconds IN (0, 60, 3600, 86400)),
  starts_at INTEGER NOT NULL,
  job_type TEXT NOT NULL,
  project_id TEXT NOT NULL,
  succeeded INTEGER NOT NULL CHECK (succeeded >= 0),
  failed INTEGER NOT NULL CHECK (failed >= 0),
  cancelled INTEGER NOT NULL CHECK (cancelled >= 0),
  duration_us INTEGER NOT NULL CHECK (duration_us >= 0),
  wait_us INTEGER NOT NULL CHECK (wait_us >= 0),
  durations TEXT NOT NULL,
  waits TEXT NOT NULL,
  PRIMARY KEY (subject_id, span_seconds, starts_at, job_type)
) STRICT;
CREATE INDEX attempt_metrics_by_time ON attempt_metrics (span_seconds, starts_at);

-- How many succeeded jobs a queue holds: no index tells, and counting them reads them all.
CREATE TABLE queue_totals (
  queue_id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL,
  succeeded_jobs INTEGER NOT NULL
) STRICT;
INSERT INTO queue_totals (queue_id, project_id, succeeded_jobs)
  SELECT queue_id, project_id, count(*) FROM jobs WHERE status = 'succeeded' GROUP BY queue_id, project_id;

-- Whoever writes here is alone, so there is no hot row to keep from.
CREATE TRIGGER jobs_removed AFTER DELETE ON jobs WHEN OLD.status = 'succeeded' BEGIN
  INSERT INTO queue_totals (queue_id, project_id, succeeded_jobs) VALUES (OLD.queue_id, OLD.project_id, -1)
    ON CONFLICT (queue_id) DO UPDATE SET succeeded_jobs = succeeded_jobs - 1;
END;

-- What waited in a queue at some moment of a minute, counted up to a bound. A minute without a row: nothing waited,
-- and nothing ran, or nobody looked.
CREATE TABLE queue_samples (
  queue_id TEXT NOT NULL,
  minute INTEGER NOT NULL,
  project_id TEXT NOT NULL,
  ready INTEGER NOT NULL CHECK (ready >= 0),
  held INTEGER NOT NULL CHECK (held >= 0),
  scheduled INTEGER NOT NULL CHECK (scheduled >= 0),
  processing INTEGER NOT NULL CHECK (processing >= 0),
  latency_us INTEGER NOT NULL CHECK (latency_us >= 0),
  PRIMARY KEY (queue_id, minute)
) STRICT;
CREATE INDEX queue_samples_by_time ON queue_samples (minute);

-- What the process of a worker used, with its child processes. cpu_percent: 100 is one processor.
CREATE TABLE worker_samples (
  worker_id TEXT NOT NULL,
  sampled_at INTEGER NOT NULL,
  project_id TEXT NOT NULL,
  cpu_percent REAL NOT NULL CHECK (cpu_percent >= 0),
  memory_bytes INTEGER NOT NULL CHECK (memory_bytes >= 0),
  memory_percent REAL NOT NULL CHECK (memory_percent >= 0),
  PRIMARY KEY (worker_id, sampled_at)
) STRICT;
CREATE INDEX worker_samples_by_time ON worker_samples (sampled_at);

-- What the executions of a type used that ended between two samples of a worker, as far as it was measured.
CREATE TABLE task_samples (
  worker_id TEXT NOT NULL,
  sampled_at INTEGER NOT NULL,
  queue_id TEXT NOT NULL,
  job_type TEXT NOT NULL,
  project_id TEXT NOT NULL,
  executions INTEGER NOT NULL CHECK (executions >= 1),
  cpu_us INTEGER NOT NULL CHECK (cpu_us >= 0),
  most_cpu_us INTEGER NOT NULL CHECK (most_cpu_us >= 0),
  peak_memory_bytes INTEGER CHECK (peak_memory_bytes >= 0),
  PRIMARY KEY (worker_id, sampled_at, queue_id, job_type)
) STRICT;
CREATE INDEX task_samples_of_queue ON task_samples (queue_id, sampled_at);
CREATE INDEX task_samples_by_time ON task_samples (sampled_at);
