FUNCTION descendants_of (pair STRING COMMENT 'id of a pair or seed')
RETURNS TABLE (descendant STRING, distance INT, generation INT, colony INT, operator STRING, task STRING)
COMMENT 'The rows of descendants for one pair, found by a few scans of the population.'
RETURN WITH RECURSIVE
walk (id, ordinal, distance, generation, colony, operator, task) AS (
    SELECT id, ordinal, 0, generation, colony, operator, task FROM population WHERE id = pair
    UNION ALL
    SELECT DISTINCT
        child.id, child.ordinal, walk.distance + 1, child.generation, child.colony, child.operator, child.task
    FROM walk
    JOIN (
        SELECT id, ordinal, generation, colony, operator, task, explode(parents) AS parent FROM population
    ) AS child ON child.parent = walk.id AND child.ordinal > walk.ordinal
)
SELECT id, min(distance), generation, colony, operator, task
FROM walk
GROUP BY id, generation, colony, operator, task
