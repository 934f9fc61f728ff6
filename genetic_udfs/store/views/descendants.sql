VIEW descendants (
    ancestor COMMENT 'id of a pair or seed',
    descendant COMMENT 'id of one that comes from it; each is its own descendant, at distance 0',
    distance COMMENT 'how many steps from child to parent lie between the two, on the shortest way',
    generation COMMENT 'generation of the descendant',
    colony COMMENT 'colony of the descendant; null for seeds',
    operator COMMENT 'how the descendant came about: seed, mutation or crossover',
    task COMMENT 'task of the descendant''s mutation'
)
COMMENT 'All descendants of all pairs and seeds. For those of one, descendants_of(id) costs far less.'
AS SELECT
    ancestry.ancestor,
    ancestry.descendant,
    ancestry.distance,
    pair.generation,
    pair.colony,
    pair.operator,
    pair.task
FROM ancestry
JOIN population AS pair ON pair.id = ancestry.descendant
