-- name: get_operation
SELECT * FROM operations WHERE project_id = :project_id AND id = :operation_id;

-- name: list_operations
SELECT * FROM operations WHERE project_id = :project_id AND id < :before
  AND (CAST(:status AS TEXT) IS NULL OR status = CAST(:status AS TEXT)) ORDER BY id DESC LIMIT :limit;
