VIEW by_operator (
    generation COMMENT 'generation of the candidates',
    operator COMMENT 'mutation or crossover',
    task COMMENT 'task of the mutation',
    candidates COMMENT 'all candidates',
    accepted COMMENT 'those that were accepted',
    acceptance COMMENT 'accepted over all',
    fitness COMMENT 'mean fitness, P(Yes), of those that were accepted'
)
COMMENT 'How candidates fared by generation, operator and task.'
AS SELECT
    generation,
    operator,
    task,
    count(*) AS candidates,
    count_if(status = 'accepted') AS accepted,
    count_if(status = 'accepted') / count(*) AS acceptance,
    avg(fitness) FILTER (WHERE status = 'accepted') AS fitness
FROM candidates
GROUP BY generation, operator, task
