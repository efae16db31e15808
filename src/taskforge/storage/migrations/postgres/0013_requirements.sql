-- What a job requires and prefers of workers, as JSON; NULL for most. Such jobs are looked at one by one.
ALTER TABLE jobs ADD COLUMN needs text;

-- All that jobs of a project have ever required: by it each worker works out which of them it meets.
CREATE TABLE requirements (
  project_id uuid NOT NULL REFERENCES projects (id),
  content text NOT NULL CHECK (length(content) BETWEEN 2 AND 2000),
  PRIMARY KEY (project_id, content)
);

-- What a job weighs and what it needs are among its invariants: a CHECK of its own would cost each statement on a job a twentieth.
ALTER TABLE jobs DROP CONSTRAINT job_is_sound;
DROP FUNCTION taskforge_job_is_sound;
CREATE FUNCTION taskforge_job_is_sound(
  status text, hold text, failure text, job_type text, priority smallint, max_attempts integer, timeout_ms bigint,
  least_counter integer, execution_id uuid, worker_id uuid, claimed_at timestamptz, lease_until timestamptz,
  cancel_requested_at timestamptz, scheduled_for timestamptz, completed_at timestamptz, dead_letter_queue_id uuid,
  dead_lettered_at timestamptz, concurrency_limit integer, least_weight integer, needs text
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
    AND (least_weight IS NULL OR least_weight >= 1) AND (needs IS NULL OR length(needs) BETWEEN 2 AND 2000);
END
$$;
ALTER TABLE jobs ADD CONSTRAINT job_is_sound CHECK (taskforge_job_is_sound(
  status, hold, failure, job_type, priority, max_attempts, timeout_ms, least(attempt_count, losses, manual_retries),
  execution_id, worker_id, claimed_at, lease_until, cancel_requested_at, scheduled_for, completed_at,
  dead_letter_queue_id, dead_lettered_at, concurrency_limit, least(fairness_weight, slots, rate_tokens), needs
));
