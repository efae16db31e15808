-- name: append_audit
INSERT INTO audit_entries (id, organization_id, project_id, actor_kind, actor_id, actor_label, credential_id, address,
  request_id, action, resource_kind, resource_id, resource_name, before, after, happened_at)
VALUES (:id::uuid,
  coalesce(:organization_id::uuid, (SELECT p.organization_id FROM projects p WHERE p.id = :project_id::uuid),
    '00000000-0000-0000-0000-000000000000'),
  :project_id::uuid, :actor_kind::text, :actor_id::uuid, :actor_label::text, :credential_id::uuid, :address::text,
  :request_id::text, :action::text, :resource_kind::text, :resource_id::text, :resource_name::text, :before::text,
  :after::text, coalesce(:now::timestamptz, clock_timestamp()));

-- name: take_audit_head
INSERT INTO audit_heads (organization_id, seq, hash, sealed_at)
VALUES (:organization_id::uuid, 0, repeat('0', 64), coalesce(:now::timestamptz, clock_timestamp()))
ON CONFLICT (organization_id) DO UPDATE SET sealed_at = excluded.sealed_at
RETURNING seq, hash;

-- name: seal_entries
UPDATE audit_entries e SET seq = u.seq, previous_hash = u.previous_hash, hash = u.hash
FROM unnest(:id::uuid[], :seq::bigint[], :previous_hash::text[], :hash::text[]) AS u (id, seq, previous_hash, hash)
WHERE e.organization_id = :organization_id::uuid AND e.id = u.id AND e.seq IS NULL;

-- name: list_audit
SELECT id, organization_id, project_id, actor_kind, actor_id, actor_label, credential_id, address, request_id, action,
  resource_kind, resource_id, resource_name, before, after, happened_at, seq, previous_hash, hash
FROM audit_entries
WHERE organization_id = :organization_id::uuid
  AND (:project_id::uuid IS NULL OR project_id = :project_id::uuid)
  AND (:actor_id::uuid IS NULL OR actor_id = :actor_id::uuid)
  AND (:action::text IS NULL OR action = :action::text)
  AND (:action_beginning::text IS NULL OR starts_with(action, :action_beginning::text))
  AND (:resource_kind::text IS NULL OR resource_kind = :resource_kind::text)
  AND (:resource_id::text IS NULL OR resource_id = :resource_id::text)
  AND (:since::timestamptz IS NULL OR happened_at >= :since::timestamptz)
  AND (:until::timestamptz IS NULL OR happened_at < :until::timestamptz)
  AND (:before::uuid IS NULL OR id < :before::uuid)
ORDER BY id DESC LIMIT :limit::bigint;
