-- name: whereabouts
SELECT file AS whereabouts FROM pragma_database_list WHERE name = 'main';

-- name: notify
-- the others watch the file
SELECT 1;
