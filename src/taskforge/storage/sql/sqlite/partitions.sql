-- a file has no partitions: these are never called

-- name: make_partitions
SELECT :days AS made, :now AS now WHERE false;

-- name: list_partitions
SELECT NULL WHERE false;

-- name: rows_in_default_partitions
SELECT :bound WHERE false;

-- name: runs_of_before
SELECT :until WHERE false;

-- name: keep_executions
SELECT :class, :after, :until, :limit WHERE false;

-- name: keep_lines
SELECT :class, :to_class, :after, :until, :limit WHERE false;

-- name: drop_partition
SELECT :name WHERE false;
