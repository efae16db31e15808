-- Who is told when a job of a queue ends (JSON, ids of receivers; NULL: nobody), and of which statuses (NULL: all).
ALTER TABLE queues ADD COLUMN notify TEXT CHECK (length(notify) > 2);
ALTER TABLE queues ADD COLUMN notify_on TEXT CHECK (notify_on IS NULL OR notify IS NOT NULL);

-- Ends of jobs in such queues that are still to be told, as they were: written by what ends the job, in its
-- transaction, and removed by what writes down the deliveries, in its own. Empty where no queue names anybody.
CREATE TABLE job_endings (
  job_id TEXT NOT NULL,
  ended_at INTEGER NOT NULL,
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  queue_name TEXT NOT NULL,
  job_type TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('succeeded', 'failed', 'cancelled')),
  failure TEXT,
  attempt_count INTEGER NOT NULL,
  execution_id TEXT,
  receivers TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (job_id, ended_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_endings_of_project ON job_endings (project_id, ended_at);
