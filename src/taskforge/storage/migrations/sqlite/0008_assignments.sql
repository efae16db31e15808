-- Which workers serve a queue, by name or pattern, and with which weight. A queue without any is served by all that ask.
CREATE TABLE assignments (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  worker_name TEXT NOT NULL CHECK (length(worker_name) BETWEEN 1 AND 100),
  weight INTEGER NOT NULL CHECK (weight BETWEEN 1 AND 100),
  is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (queue_id, worker_name),
  FOREIGN KEY (project_id, queue_id) REFERENCES queues (project_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX assignments_of_project ON assignments (project_id, queue_id);

-- What who holds a gate has to know of the queue's assignments and strategy (NULL: there is neither), and how far
-- each worker is with its share. Both as JSON: they are read by locking the gate, and so never older than the lock.
ALTER TABLE queue_gates ADD COLUMN plan TEXT;
ALTER TABLE queue_gates ADD COLUMN shares TEXT;
