"""How many of a generation's near-duplicates were found, by a look at a sample of what is committed."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.audit import LONGEST, Audit, Audited, audit
from genetic_udfs.evolution.population_index import index_of
from genetic_udfs.evolution.run import Run
from genetic_udfs.store.schema import ACCEPTED, CANDIDATES, DEDUP_INDEX, DUPLICATE, NEAR_DUPLICATE, POPULATION


def audit_generation(run: Run, generation: int) -> Audit | None:
    """Have datasketch look for near-duplicates among a generation's texts, and between them and the population.

    Looked at are `config.dedup.audit` of the candidates that were accepted or rejected as duplicates, and as many of
    the population before. Near-duplicates come into the sample together (`columns.SAMPLE_KEY`).

    Args:
        run: the run.
        generation: the generation, whose accepted ones are in the near-duplicate index.

    Returns:
        None where the setting is 0, and for the seeds, which nothing is compared with.
    """
    settings = run.config.dedup
    if not settings.audit or generation == 0:
        return None
    is_dropped = F.col("reason").isin(DUPLICATE, NEAR_DUPLICATE)
    searched = (
        run.store.read(CANDIDATES)
        .filter((F.col("generation") == generation) & ((F.col("status") == ACCEPTED) | is_dropped))
        .select(c.ID, "instruction", F.coalesce(is_dropped, F.lit(False)).alias("dropped"))
    )
    index = run.store.read(DEDUP_INDEX)
    of_accepted = index.filter(F.col("generation") == generation).select(c.ID, c.SAMPLE_KEY)
    of_dropped = index_of(run.store, run.config, searched.filter("dropped")).select(c.ID, c.SAMPLE_KEY)
    new = of_accepted.unionByName(of_dropped).orderBy(c.SAMPLE_KEY, c.ID).limit(settings.audit).collect()
    if not new:
        return audit([], settings.threshold, settings.shingle_words)
    known = (
        index.filter(F.col("generation") < generation)
        .join(_few(run, sorted({row[c.SAMPLE_KEY] for row in new}), c.SAMPLE_KEY), c.SAMPLE_KEY, "left_semi")
        .orderBy(c.SAMPLE_KEY, c.ID)
        .limit(settings.audit)
        .collect()
    )
    population = run.store.read(POPULATION).filter(F.col("generation") < generation)
    sampled = searched.join(_few(run, [row[c.ID] for row in new], c.ID), c.ID, "left_semi")
    beside = population.join(_few(run, [row[c.ID] for row in known], c.ID), c.ID, "left_semi")
    sample = sampled.select("instruction", F.lit(True), "dropped").union(
        beside.select("instruction", F.lit(False), F.lit(False))
    )
    short = sample.where(F.length("instruction") <= LONGEST)
    return audit([Audited(*row) for row in short.collect()], settings.threshold, settings.shingle_words)


def _few(run: Run, values: list[str] | list[int], name: str) -> DataFrame:
    kind = "long" if name == c.SAMPLE_KEY else "string"
    return F.broadcast(run.spark.createDataFrame([(value,) for value in values], f"{name} {kind}"))
