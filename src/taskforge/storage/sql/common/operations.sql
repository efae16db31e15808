-- name: get_operation
SELECT * FROM operations WHERE project_id = :project_id AND id = :operation_id;

-- name: list_operations
SELECT * FROM operations WHERE project_id = :project_id AND id < :before ORDER BY id DESC LIMIT :limit;
