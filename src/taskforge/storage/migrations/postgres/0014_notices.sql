-- Who is told when a job of a queue ends (JSON, ids of receivers; NULL: nobody), and of which statuses (NULL: all).
ALTER TABLE queues ADD COLUMN notify text CHECK (length(notify) > 2),
  ADD COLUMN notify_on text CHECK (notify_on IS NULL OR notify IS NOT NULL);

-- Ends of jobs in such queues that are still to be told, as they were: written by what ends the job, in its
-- transaction, and removed by what writes down the deliveries, in its own. Empty where no queue names anybody.
CREATE TABLE job_endings (
  job_id uuid NOT NULL,
  ended_at timestamptz NOT NULL,
  project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  queue_name text NOT NULL,
  job_type text NOT NULL,
  status text NOT NULL CHECK (status IN ('succeeded', 'failed', 'cancelled')),
  failure text,
  attempt_count integer NOT NULL,
  execution_id uuid,
  receivers text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (job_id, ended_at)
);
CREATE INDEX job_endings_of_project ON job_endings (project_id, ended_at);
