-- Whose turn it is in a queue, and what a job weighs: the places it takes at once, the tokens that its start takes.

-- In a fair queue a job without a fairness key is of the common line, whose key is the empty text; elsewhere this is
-- NULL. `has_weights` from the first job on that takes more than one place or token: it is never taken back.
ALTER TABLE queues ADD COLUMN common_line TEXT CHECK (common_line = '');
ALTER TABLE queues ADD COLUMN has_weights INTEGER NOT NULL DEFAULT 0
  CHECK (has_weights IN (0, 1) AND (is_ruled OR (common_line IS NULL AND NOT has_weights)));

-- The line that was served last, and how many more jobs it may start before it is the next one's turn.
ALTER TABLE queue_gates ADD COLUMN turn_key TEXT NOT NULL DEFAULT '';
ALTER TABLE queue_gates ADD COLUMN turn_left INTEGER NOT NULL DEFAULT 0 CHECK (turn_left >= 0);

-- It grows with all that happens at a gate: who has seen it, without a lock, knows at the claim whether it still holds.
ALTER TABLE queue_gates ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

-- NULL means 1.
ALTER TABLE jobs ADD COLUMN fairness_key TEXT;
ALTER TABLE jobs ADD COLUMN fairness_weight INTEGER CHECK (fairness_weight >= 1);
ALTER TABLE jobs ADD COLUMN slots INTEGER CHECK (slots >= 1);
ALTER TABLE jobs ADD COLUMN rate_tokens INTEGER CHECK (rate_tokens >= 1);
CREATE INDEX jobs_lines ON jobs (queue_id, fairness_key, rank, id)
  WHERE fairness_key IS NOT NULL AND status = 'pending' AND hold IS NULL;
