-- Which trace a job belongs to, where somebody traces: beside the jobs, so that what is not traced pays nothing.
-- trace: the context of the span that made it, as W3C writes it; previous: that of its last attempt.
CREATE TABLE job_traces (
  job_id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  trace text NOT NULL,
  previous text,
  created_at timestamptz NOT NULL
);
CREATE INDEX job_traces_by_time ON job_traces (created_at);
