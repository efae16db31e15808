-- What a job requires and prefers of workers, as JSON; NULL for most. Such jobs are looked at one by one.
ALTER TABLE jobs ADD COLUMN needs text CHECK (length(needs) BETWEEN 2 AND 2000);

-- All that jobs of a project have ever required: by it each worker works out which of them it meets.
CREATE TABLE requirements (
  project_id uuid NOT NULL REFERENCES projects (id),
  content text NOT NULL CHECK (length(content) BETWEEN 2 AND 2000),
  PRIMARY KEY (project_id, content)
);
