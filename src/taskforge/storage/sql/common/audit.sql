-- name: get_audit
SELECT id, organization_id, project_id, actor_kind, actor_id, actor_label, credential_id, address, request_id, action,
  resource_kind, resource_id, resource_name, before, after, happened_at, seq, previous_hash, hash
FROM audit_entries WHERE organization_id = :organization_id AND id = :entry_id;

-- name: audit_chain
SELECT id, organization_id, project_id, actor_kind, actor_id, actor_label, credential_id, address, request_id, action,
  resource_kind, resource_id, resource_name, before, after, happened_at, seq, previous_hash, hash
FROM audit_entries WHERE organization_id = :organization_id AND seq > :after ORDER BY seq LIMIT :limit;

-- name: audit_head
SELECT seq, hash FROM audit_heads WHERE organization_id = :organization_id;

-- name: audit_chains
SELECT organization_id FROM audit_heads
UNION SELECT organization_id FROM audit_entries WHERE seq IS NULL ORDER BY organization_id;

-- name: unsealed_chains
SELECT DISTINCT organization_id FROM audit_entries WHERE seq IS NULL LIMIT 1000;

-- name: unsealed_entries
SELECT id, organization_id, project_id, actor_kind, actor_id, actor_label, credential_id, address, request_id, action,
  resource_kind, resource_id, resource_name, before, after, happened_at, seq, previous_hash, hash
FROM audit_entries WHERE organization_id = :organization_id AND seq IS NULL ORDER BY id LIMIT :limit;

-- name: advance_audit_head
UPDATE audit_heads SET seq = :seq, hash = :hash WHERE organization_id = :organization_id;
