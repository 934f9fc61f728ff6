VIEW diversity (
    generation COMMENT 'number of the generation; 0 are the seeds',
    pairs COMMENT 'how many it has',
    sample COMMENT 'how many instructions were drawn of it',
    model COMMENT 'what embedded them; null where none could be had, and then all distances are null',
    distinct_3 COMMENT 'share of distinct ones among all runs of three words of the sample',
    distinct_3_low COMMENT 'lower end of its 95% interval, by the jackknife',
    distinct_3_high COMMENT 'its upper end',
    nearest_other COMMENT 'mean cosine distance of an instruction to the nearest other of the sample',
    nearest_other_low COMMENT 'lower end of the interval of nearest_other, in which 95% of bootstrap samples lie',
    nearest_other_high COMMENT 'its upper end',
    nearest_other_p5 COMMENT '5th percentile of these distances',
    nearest_earlier COMMENT 'mean cosine distance to the nearest of a sample of all earlier generations',
    nearest_earlier_low COMMENT 'lower end of the interval of nearest_earlier',
    nearest_earlier_high COMMENT 'its upper end',
    nearest_earlier_p5 COMMENT '5th percentile of these distances',
    topics COMMENT 'share of the seeds'' topics that have descendants in the generation; null without topics',
    gini COMMENT 'Gini''s coefficient of what each seed has contributed to it: 0 if all the same, near 1 if one all',
    lineage_entropy COMMENT 'entropy in bits of the operators that lead from the seeds to its pairs'
)
COMMENT 'How diverse each generation is, and how new.'
AS SELECT
    generation,
    accepted AS pairs,
    diversity.sample,
    diversity.model,
    diversity.distinct_3,
    -- By their names in JSON: a store that an earlier release wrote has no such fields.
    CAST(get_json_object(to_json(diversity), '$.distinct_3_low') AS DOUBLE) AS distinct_3_low,
    CAST(get_json_object(to_json(diversity), '$.distinct_3_high') AS DOUBLE) AS distinct_3_high,
    diversity.nearest_other.mean AS nearest_other,
    diversity.nearest_other.low AS nearest_other_low,
    diversity.nearest_other.high AS nearest_other_high,
    diversity.nearest_other.p5 AS nearest_other_p5,
    diversity.nearest_earlier.mean AS nearest_earlier,
    diversity.nearest_earlier.low AS nearest_earlier_low,
    diversity.nearest_earlier.high AS nearest_earlier_high,
    diversity.nearest_earlier.p5 AS nearest_earlier_p5,
    diversity.topics,
    diversity.gini,
    diversity.lineage_entropy
FROM generations
WHERE diversity IS NOT NULL
