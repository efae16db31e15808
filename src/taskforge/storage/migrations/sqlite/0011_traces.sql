-- Which trace a job belongs to, where somebody traces: beside the jobs, so that what is not traced pays nothing.
-- trace: the context of the span that made it, as W3C writes it; previous: that of its last attempt.
CREATE TABLE job_traces (
  job_id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL,
  trace TEXT NOT NULL,
  previous TEXT,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX job_traces_by_time ON job_traces (created_at);
