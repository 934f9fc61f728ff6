VIEW ancestry (
    descendant COMMENT 'id of a pair or seed',
    ancestor COMMENT 'id of one it comes from; each is its own ancestor, at distance 0',
    distance COMMENT 'how many steps from child to parent lie between the two, on the shortest way',
    generation COMMENT 'generation of the ancestor',
    colony COMMENT 'colony of the ancestor; null for seeds',
    operator COMMENT 'how the ancestor came about: seed, mutation or crossover',
    task COMMENT 'task of the ancestor''s mutation'
)
COMMENT 'All ancestors of all pairs, back to their seeds. For those of one pair, ancestors_of(id) costs far less.'
AS WITH RECURSIVE
-- A parent stands before its child in the order of ordinals. A row that was edited so that it does not, as one that is
-- its own ancestor, has no edge here: the walk ends whatever the rows say.
edges AS (
    SELECT child.ordinal AS child, parent.ordinal AS parent
    FROM (SELECT ordinal, explode(parents) AS parent_id FROM population) AS child
    JOIN population AS parent ON parent.id = child.parent_id AND parent.ordinal < child.ordinal
),
walk (descendant, ancestor, distance) AS (
    SELECT ordinal, ordinal, 0 FROM population
    UNION ALL
    -- An ancestor on many ways is one row at each distance, not one a way.
    SELECT DISTINCT walk.descendant, edges.parent, walk.distance + 1
    FROM walk JOIN edges ON edges.child = walk.ancestor
),
nearest AS (
    SELECT descendant, ancestor, min(distance) AS distance FROM walk GROUP BY descendant, ancestor
)
SELECT
    descendant.id AS descendant,
    ancestor.id AS ancestor,
    nearest.distance,
    ancestor.generation,
    ancestor.colony,
    ancestor.operator,
    ancestor.task
FROM nearest
JOIN population AS descendant ON descendant.ordinal = nearest.descendant
JOIN population AS ancestor ON ancestor.ordinal = nearest.ancestor
