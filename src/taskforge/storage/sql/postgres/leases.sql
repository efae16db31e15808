-- name: take_lease
INSERT INTO leases AS l (project_id, name, token, fence, expires_at)
SELECT :project_id::uuid, :name::text, :token::uuid, 1, t.now + :ttl_us::bigint * interval '1 microsecond'
FROM (SELECT coalesce(:now::timestamptz, clock_timestamp()) AS now) t
ON CONFLICT (project_id, name) DO UPDATE SET token = excluded.token, fence = l.fence + 1,
    expires_at = excluded.expires_at
  WHERE l.expires_at <= coalesce(:now::timestamptz, clock_timestamp())
RETURNING fence;

-- name: renew_lease
UPDATE leases SET expires_at = coalesce(:now::timestamptz, clock_timestamp())
  + :ttl_us::bigint * interval '1 microsecond'
WHERE project_id = :project_id::uuid AND name = :name::text AND token = :token::uuid
  AND expires_at > coalesce(:now::timestamptz, clock_timestamp())
RETURNING fence;
