VIEW rejections (
    generation COMMENT 'generation of the candidates',
    reason COMMENT 'why they were rejected',
    operator COMMENT 'mutation or crossover',
    task COMMENT 'task of the mutation',
    candidates COMMENT 'how many were rejected',
    share COMMENT 'their share of all the candidates of the generation, accepted ones included'
)
COMMENT 'Rejected candidates by generation, reason, operator and task.'
AS SELECT generation, reason, operator, task, candidates, candidates / of_generation AS share
FROM (
    SELECT
        generation, status, reason, operator, task,
        count(*) AS candidates,
        sum(count(*)) OVER (PARTITION BY generation) AS of_generation
    FROM candidates
    GROUP BY generation, status, reason, operator, task
)
WHERE status = 'rejected'
