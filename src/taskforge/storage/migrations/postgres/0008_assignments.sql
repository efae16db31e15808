-- Which workers serve a queue, by name or pattern, and with which weight. A queue without any is served by all that ask.
CREATE TABLE assignments (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  queue_id uuid NOT NULL,
  worker_name text NOT NULL CHECK (char_length(worker_name) BETWEEN 1 AND 100),
  weight integer NOT NULL CHECK (weight BETWEEN 1 AND 100),
  is_active boolean NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  UNIQUE (queue_id, worker_name),
  FOREIGN KEY (project_id, queue_id) REFERENCES queues (project_id, id) ON DELETE CASCADE
);
CREATE INDEX assignments_of_project ON assignments (project_id, queue_id);

-- What who holds a gate has to know of the queue's assignments and strategy (NULL: there is neither), and how far
-- each worker is with its share. Both as JSON: they are read by locking the gate, and so never older than the lock.
ALTER TABLE queue_gates ADD COLUMN plan text;
ALTER TABLE queue_gates ADD COLUMN shares text;
