-- What attempts add up to. Settling appends a row to attempt_deltas for each queue, type and worker of its batch, in
-- the statement that ends the attempts; from there the rows are folded, each into a minute, an hour and a day of its
-- queue and of its worker. A row is in one place at any time: whoever reads deltas and minutes in one statement counts all once.

-- Without a key and without checks: it is written on the hot path, only ever read whole, and emptied every few seconds.
-- `removed` are succeeded jobs that were deleted. Durations and waits are microseconds.
CREATE TABLE attempt_deltas (
  project_id uuid NOT NULL,
  queue_id uuid NOT NULL,
  job_type text NOT NULL,
  worker_id uuid,
  settled_at timestamptz NOT NULL,
  succeeded integer NOT NULL DEFAULT 0,
  failed integer NOT NULL DEFAULT 0,
  cancelled integer NOT NULL DEFAULT 0,
  removed integer NOT NULL DEFAULT 0,
  durations bigint[],
  waits bigint[]
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0);

-- The folded deltas of a queue and type as they were, for figures that are exact; kept for some hours.
-- samples: JSON, [[microseconds after first_at, succeeded, failed, cancelled, [durations], [waits]], ...]; NULL: too many
CREATE TABLE attempt_samples (
  project_id uuid NOT NULL,
  queue_id uuid NOT NULL,
  job_type text NOT NULL,
  worker_id uuid,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  samples text
);
CREATE INDEX attempt_samples_of_queue ON attempt_samples (queue_id, last_at);
CREATE INDEX attempt_samples_of_worker ON attempt_samples (worker_id, last_at);
CREATE INDEX attempt_samples_by_time ON attempt_samples (last_at);

-- Histograms of microseconds: JSON, [first bucket, its count, the count of the next, ...], the buckets of
-- domain/histogram.py.
-- The subject is a queue, with a row for each job type, or a worker. A row with an empty job_type is for all types
-- together. A span is a minute, an hour, or a day (UTC); 0 is all time, which only queues have.
CREATE TABLE attempt_metrics (
  subject_id uuid NOT NULL,
  span_seconds integer NOT NULL CHECK (span_seconds IN (0, 60, 3600, 86400)),
  starts_at timestamptz NOT NULL,
  job_type text NOT NULL,
  project_id uuid NOT NULL,
  succeeded bigint NOT NULL CHECK (succeeded >= 0),
  failed bigint NOT NULL CHECK (failed >= 0),
  cancelled bigint NOT NULL CHECK (cancelled >= 0),
  duration_us bigint NOT NULL CHECK (duration_us >= 0),
  wait_us bigint NOT NULL CHECK (wait_us >= 0),
  durations text NOT NULL,
  waits text NOT NULL,
  PRIMARY KEY (subject_id, span_seconds, starts_at, job_type)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX attempt_metrics_by_time ON attempt_metrics (span_seconds, starts_at);

-- How many succeeded jobs a queue holds: no index tells, and counting them reads them all.
CREATE TABLE queue_totals (
  queue_id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  succeeded_jobs bigint NOT NULL
) WITH (fillfactor = 70);
INSERT INTO queue_totals (queue_id, project_id, succeeded_jobs)
  SELECT queue_id, project_id, count(*) FROM jobs WHERE status = 'succeeded' GROUP BY queue_id, project_id;

CREATE FUNCTION taskforge_note_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO attempt_deltas (project_id, queue_id, job_type, settled_at, removed)
    SELECT g.project_id, g.queue_id, '', clock_timestamp(), count(*)
    FROM gone g WHERE g.status = 'succeeded' GROUP BY g.project_id, g.queue_id;
  RETURN NULL;
END
$$;
CREATE TRIGGER jobs_removed AFTER DELETE ON jobs REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION taskforge_note_removed();

-- What waited in a queue at some moment of a minute, counted up to a bound. A minute without a row: nothing waited,
-- and nothing ran, or nobody looked.
CREATE TABLE queue_samples (
  queue_id uuid NOT NULL,
  minute timestamptz NOT NULL,
  project_id uuid NOT NULL,
  ready integer NOT NULL CHECK (ready >= 0),
  held integer NOT NULL CHECK (held >= 0),
  scheduled integer NOT NULL CHECK (scheduled >= 0),
  processing integer NOT NULL CHECK (processing >= 0),
  latency_us bigint NOT NULL CHECK (latency_us >= 0),
  PRIMARY KEY (queue_id, minute)
);
CREATE INDEX queue_samples_by_time ON queue_samples (minute);

-- What the process of a worker used, with its child processes. cpu_percent: 100 is one processor.
CREATE TABLE worker_samples (
  worker_id uuid NOT NULL,
  sampled_at timestamptz NOT NULL,
  project_id uuid NOT NULL,
  cpu_percent double precision NOT NULL CHECK (cpu_percent >= 0),
  memory_bytes bigint NOT NULL CHECK (memory_bytes >= 0),
  memory_percent double precision NOT NULL CHECK (memory_percent >= 0),
  PRIMARY KEY (worker_id, sampled_at)
);
CREATE INDEX worker_samples_by_time ON worker_samples (sampled_at);

-- What the executions of a type used that ended between two samples of a worker, as far as it was measured.
CREATE TABLE task_samples (
  worker_id uuid NOT NULL,
  sampled_at timestamptz NOT NULL,
  queue_id uuid NOT NULL,
  job_type text NOT NULL,
  project_id uuid NOT NULL,
  executions bigint NOT NULL CHECK (executions >= 1),
  cpu_us bigint NOT NULL CHECK (cpu_us >= 0),
  most_cpu_us bigint NOT NULL CHECK (most_cpu_us >= 0),
  peak_memory_bytes bigint CHECK (peak_memory_bytes >= 0),
  PRIMARY KEY (worker_id, sampled_at, queue_id, job_type)
);
CREATE INDEX task_samples_of_queue ON task_samples (queue_id, sampled_at);
CREATE INDEX task_samples_by_time ON task_samples (sampled_at);
