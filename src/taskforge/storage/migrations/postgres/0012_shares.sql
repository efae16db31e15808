-- Whose turn it is in a queue, and what a job weighs: the places it takes at once, the tokens that its start takes.

-- In a fair queue a job without a fairness key is of the common line, whose key is the empty text; elsewhere this is
-- NULL. `has_weights` from the first job on that takes more than one place or token: it is never taken back.
ALTER TABLE queues ADD COLUMN common_line text COLLATE "C" CHECK (common_line = ''),
  ADD COLUMN has_weights boolean NOT NULL DEFAULT false,
  ADD CHECK (is_ruled OR (common_line IS NULL AND NOT has_weights));

-- The line that was served last, and how many more jobs it may start before it is the next one's turn.
ALTER TABLE queue_gates ADD COLUMN turn_key text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN turn_left integer NOT NULL DEFAULT 0 CHECK (turn_left >= 0);

-- It grows with all that happens at a gate: who has seen it, without a lock, knows at the claim whether it still holds.
ALTER TABLE queue_gates ADD COLUMN version bigint NOT NULL DEFAULT 0;

-- NULL means 1. Bytewise, so that a line's successor can be said.
ALTER TABLE jobs ADD COLUMN fairness_key text COLLATE "C", ADD COLUMN fairness_weight integer,
  ADD COLUMN slots integer, ADD COLUMN rate_tokens integer;
-- IS TRUE: for statements that say so, and nothing else can serve these. One that may choose reads all that is ready in a queue.
CREATE INDEX jobs_lines ON jobs (queue_id, fairness_key, rank, id)
  WHERE fairness_key IS NOT NULL AND (status = 'pending' AND hold IS NULL) IS TRUE;
