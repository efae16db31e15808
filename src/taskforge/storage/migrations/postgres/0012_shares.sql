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

ALTER TABLE jobs DROP CONSTRAINT job_is_sound;
DROP FUNCTION taskforge_job_is_sound;
CREATE FUNCTION taskforge_job_is_sound(
  status text, hold text, failure text, job_type text, priority smallint, max_attempts integer, timeout_ms bigint,
  least_counter integer, execution_id uuid, worker_id uuid, claimed_at timestamptz, lease_until timestamptz,
  cancel_requested_at timestamptz, scheduled_for timestamptz, completed_at timestamptz, dead_letter_queue_id uuid,
  dead_lettered_at timestamptz, concurrency_limit integer, least_weight integer
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN CASE
    WHEN status IN ('pending', 'scheduled') THEN lease_until IS NULL AND completed_at IS NULL
      AND (status = 'pending' OR scheduled_for IS NOT NULL)
      AND (hold IS NULL OR hold IN ('no_worker', 'paused', 'suspect', 'key'))
    WHEN status = 'processing' THEN lease_until IS NOT NULL AND execution_id IS NOT NULL AND worker_id IS NOT NULL
      AND claimed_at IS NOT NULL AND completed_at IS NULL AND hold IS NULL
    WHEN status IN ('succeeded', 'failed', 'cancelled') THEN lease_until IS NULL AND completed_at IS NOT NULL
      AND hold IS NULL
    ELSE false
  END
    AND (hold IS DISTINCT FROM 'key' OR concurrency_limit IS NOT NULL)
    AND (concurrency_limit IS NULL OR concurrency_limit >= 1)
    AND (cancel_requested_at IS NULL OR status = 'processing')
    AND (dead_letter_queue_id IS NULL) = (dead_lettered_at IS NULL)
    AND (dead_letter_queue_id IS NULL OR status = 'failed')
    AND (failure IS NULL OR failure IN ('queue_timeout', 'deadline', 'queue_full'))
    AND priority BETWEEN 0 AND 9 AND least_counter >= 0 AND (max_attempts IS NULL OR max_attempts >= 1)
    AND (timeout_ms IS NULL OR timeout_ms >= 1) AND char_length(job_type) BETWEEN 1 AND 100
    AND (least_weight IS NULL OR least_weight >= 1);
END
$$;
ALTER TABLE jobs ADD CONSTRAINT job_is_sound CHECK (taskforge_job_is_sound(
  status, hold, failure, job_type, priority, max_attempts, timeout_ms, least(attempt_count, losses, manual_retries),
  execution_id, worker_id, claimed_at, lease_until, cancel_requested_at, scheduled_for, completed_at,
  dead_letter_queue_id, dead_lettered_at, concurrency_limit, least(fairness_weight, slots, rate_tokens)
));
