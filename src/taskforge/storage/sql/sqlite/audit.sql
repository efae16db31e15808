-- name: append_audit
INSERT INTO audit_entries (id, organization_id, project_id, actor_kind, actor_id, actor_label, credential_id, address,
  request_id, action, resource_kind, resource_id, resource_name, before, after, happened_at)
VALUES (:id,
  coalesce(:organization_id, (SELECT p.organization_id FROM projects p WHERE p.id = :project_id),
    '00000000-0000-0000-0000-000000000000'),
  :project_id, :actor_kind, :actor_id, :actor_label, :credential_id, :address, :request_id, :action, :resource_kind,
  :resource_id, :resource_name, :before, :after, :now);

-- name: take_audit_head
INSERT INTO audit_heads (organization_id, seq, hash, sealed_at)
VALUES (:organization_id, 0, printf('%064d', 0), :now)
ON CONFLICT (organization_id) DO UPDATE SET sealed_at = excluded.sealed_at
RETURNING seq, hash;

-- name: seal_entries
UPDATE audit_entries SET seq = :seq, previous_hash = :previous_hash, hash = :hash
WHERE organization_id = :organization_id AND id = :id AND seq IS NULL;

-- name: list_audit
SELECT id, organization_id, project_id, actor_kind, actor_id, actor_label, credential_id, address, request_id, action,
  resource_kind, resource_id, resource_name, before, after, happened_at, seq, previous_hash, hash
FROM audit_entries
WHERE organization_id = :organization_id
  AND (:project_id IS NULL OR project_id = :project_id)
  AND (:actor_id IS NULL OR actor_id = :actor_id)
  AND (:action IS NULL OR action = :action)
  AND (:action_beginning IS NULL OR substr(action, 1, length(:action_beginning)) = :action_beginning)
  AND (:resource_kind IS NULL OR resource_kind = :resource_kind)
  AND (:resource_id IS NULL OR resource_id = :resource_id)
  AND (:since IS NULL OR happened_at >= :since)
  AND (:until IS NULL OR happened_at < :until)
  AND (:before IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit;
