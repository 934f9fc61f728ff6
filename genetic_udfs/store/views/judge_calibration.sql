VIEW judge_calibration (
    generation COMMENT 'generation of the candidates',
    decile COMMENT 'tenth of P(Yes): 0 is below 0.1, 9 is 0.9 and above; null where the engine gave no probability',
    solutions COMMENT 'solutions that both the Judge and tests have decided',
    yes_passed COMMENT 'the Judge said Yes, and all tests passed',
    yes_failed COMMENT 'the Judge said Yes, and a test failed',
    no_passed COMMENT 'the Judge said No, and all tests passed',
    no_failed COMMENT 'the Judge said No, and a test failed',
    fitness COMMENT 'mean P(Yes)',
    passed COMMENT 'share that passed all tests, which is fitness where the Judge is calibrated',
    agreement COMMENT 'of the whole generation: share of which verdict and tests say the same',
    kappa COMMENT 'of the whole generation: Cohen''s kappa; null where the Judge said one and the same of all',
    calibration_error COMMENT 'of the whole generation: mean difference of fitness and passed over its deciles'
)
COMMENT 'The Judge of the run held against tests, by generation and decile of P(Yes).'
AS SELECT
    generation, decile, solutions, yes_passed, yes_failed, no_passed, no_failed, fitness, passed,
    agreed / decided AS agreement,
    CASE WHEN yes > 0 AND yes < decided THEN (agreed / decided - by_chance) / (1 - by_chance) END AS kappa,
    calibration_error
FROM (
    SELECT
        *,
        sum(solutions) OVER of_generation AS decided,
        sum(yes_passed + no_failed) OVER of_generation AS agreed,
        sum(yes_passed + yes_failed) OVER of_generation AS yes,
        (
            sum(yes_passed + yes_failed) OVER of_generation * sum(yes_passed + no_passed) OVER of_generation
            + sum(no_passed + no_failed) OVER of_generation * sum(yes_failed + no_failed) OVER of_generation
        ) / pow(sum(solutions) OVER of_generation, 2) AS by_chance,
        sum(abs(fitness - passed) * solutions) OVER of_generation
            / sum(IF(decile IS NULL, 0, solutions)) OVER of_generation AS calibration_error
    FROM (
        SELECT
            generation,
            CAST(IF(fitness >= 1, 9, floor(fitness * 10)) AS INT) AS decile,
            count(*) AS solutions,
            count_if(verdict AND pass_rate = 1) AS yes_passed,
            count_if(verdict AND pass_rate < 1) AS yes_failed,
            count_if(NOT verdict AND pass_rate = 1) AS no_passed,
            count_if(NOT verdict AND pass_rate < 1) AS no_failed,
            avg(fitness) AS fitness,
            count_if(pass_rate = 1) / count(*) AS passed
        FROM candidates
        WHERE verdict IS NOT NULL AND pass_rate IS NOT NULL
        GROUP BY 1, 2
    )
    WINDOW of_generation AS (PARTITION BY generation)
)
