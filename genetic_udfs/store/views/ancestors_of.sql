FUNCTION ancestors_of (pair STRING COMMENT 'id of a pair or seed')
RETURNS TABLE (ancestor STRING, distance INT, generation INT, colony INT, operator STRING, task STRING)
COMMENT 'The rows of ancestry for one pair, found by a few scans of the population.'
RETURN WITH RECURSIVE
edges AS (
    SELECT child, parent.id, parent.ordinal, parent.generation, parent.colony, parent.operator, parent.task
    FROM (SELECT id AS child, ordinal AS place, explode(parents) AS parent_id FROM population)
    JOIN population AS parent ON parent.id = parent_id AND parent.ordinal < place
),
walk (id, distance, generation, colony, operator, task) AS (
    SELECT id, 0, generation, colony, operator, task FROM population WHERE id = pair
    UNION ALL
    SELECT DISTINCT edges.id, walk.distance + 1, edges.generation, edges.colony, edges.operator, edges.task
    FROM walk JOIN edges ON edges.child = walk.id
)
SELECT id, min(distance), generation, colony, operator, task
FROM walk
GROUP BY id, generation, colony, operator, task
