VIEW rejudge_calibration (
    generation COMMENT 'generation of the candidates',
    model COMMENT 'the model of the judge, whom jobs/rejudge.py has asked',
    template COMMENT 'version of its prompt',
    decile COMMENT 'tenth of P(Yes): 0 is below 0.1, 9 is 0.9 and above; null where the engine gave no probability',
    solutions COMMENT 'solutions that both it and tests have decided',
    yes_passed COMMENT 'it said Yes, and all tests passed',
    yes_failed COMMENT 'it said Yes, and a test failed',
    no_passed COMMENT 'it said No, and all tests passed',
    no_failed COMMENT 'it said No, and a test failed',
    fitness COMMENT 'mean P(Yes)',
    passed COMMENT 'share that passed all tests, which is fitness where it is calibrated',
    agreement COMMENT 'of all that it judged in the generation: share of which verdict and tests say the same',
    kappa COMMENT 'of all that it judged in the generation: Cohen''s kappa; null where both said one and the same of all',
    calibration_error COMMENT 'of all that it judged in the generation: mean difference of fitness and passed over its deciles'
)
COMMENT 'Other judges held against tests, by generation, model, prompt and decile of P(Yes).'
AS SELECT
    generation, model, template, decile, solutions, yes_passed, yes_failed, no_passed, no_failed, fitness, passed,
    agreed / decided AS agreement,
    CASE WHEN by_chance < 1 THEN (agreed / decided - by_chance) / (1 - by_chance) END AS kappa,
    calibration_error
FROM (
    SELECT
        *,
        sum(solutions) OVER of_judge AS decided,
        sum(yes_passed + no_failed) OVER of_judge AS agreed,
        (
            sum(yes_passed + yes_failed) OVER of_judge * sum(yes_passed + no_passed) OVER of_judge
            + sum(no_passed + no_failed) OVER of_judge * sum(yes_failed + no_failed) OVER of_judge
        ) / pow(sum(solutions) OVER of_judge, 2) AS by_chance,
        sum(abs(fitness - passed) * solutions) OVER of_judge
            / sum(IF(decile IS NULL, 0, solutions)) OVER of_judge AS calibration_error
    FROM (
        SELECT
            said.generation,
            said.model,
            said.template,
            CAST(IF(said.fitness >= 1, 9, floor(said.fitness * 10)) AS INT) AS decile,
            count(*) AS solutions,
            count_if(said.verdict AND tested.pass_rate = 1) AS yes_passed,
            count_if(said.verdict AND tested.pass_rate < 1) AS yes_failed,
            count_if(NOT said.verdict AND tested.pass_rate = 1) AS no_passed,
            count_if(NOT said.verdict AND tested.pass_rate < 1) AS no_failed,
            avg(said.fitness) AS fitness,
            count_if(tested.pass_rate = 1) / count(*) AS passed
        FROM verdicts AS said
        JOIN candidates AS tested ON tested.id = said.id AND tested.generation = said.generation
        WHERE said.verdict IS NOT NULL AND tested.pass_rate IS NOT NULL
        GROUP BY 1, 2, 3, 4
    )
    WINDOW of_judge AS (PARTITION BY generation, model, template)
)
