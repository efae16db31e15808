-- name: take_lease
INSERT INTO leases (project_id, name, token, fence, expires_at) VALUES (:project_id, :name, :token, 1, :now + :ttl_us)
ON CONFLICT (project_id, name) DO UPDATE SET token = excluded.token, fence = fence + 1,
    expires_at = excluded.expires_at
  WHERE expires_at <= :now
RETURNING fence;

-- name: renew_lease
UPDATE leases SET expires_at = :now + :ttl_us
WHERE project_id = :project_id AND name = :name AND token = :token AND expires_at > :now
RETURNING fence;
