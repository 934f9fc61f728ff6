"""The loop: seeds as generation 0, then one generation after another, each committed as a whole.

The commit of `candidates` decides a generation. Its population and its row in `generations` follow from that table
and the ledger alone, so a run that was killed between the commits completes them at its next start.
"""

import time
from collections.abc import Sequence
from typing import Final

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from genetic_udfs.data.seeds import Seed
from genetic_udfs.data.text import content_hash
from genetic_udfs.decontamination import BenchmarkItem
from genetic_udfs.evolution.accounting import generation_row
from genetic_udfs.evolution.diversity.meter import DiversityMeter
from genetic_udfs.evolution.duplicates import embedded_candidates
from genetic_udfs.evolution.generation import indexed_in_rounds, make_generation
from genetic_udfs.evolution.population_embeddings import add_embeddings, update_embeddings
from genetic_udfs.evolution.population_index import add_to_index, update_index
from genetic_udfs.evolution.run import Run
from genetic_udfs.runtime.arrow import local_frame
from genetic_udfs.store.schema import (
    ACCEPTED,
    CANDIDATES,
    GENERATIONS,
    GENERATIONS_SCHEMA,
    POPULATION,
    POPULATION_SCHEMA,
    SEED,
)

_COMMIT: Final = "generation"

# Slots of a colony's round whose accepted candidates are put in order together: some 30 MB of rows.
_SLOTS_A_PART: Final = 5_000


def evolve(run: Run, seeds: Sequence[Seed], items: Sequence[BenchmarkItem]) -> list[Row]:
    """Bring the population to `config.generations` generations; return the rows of `generations`, in order.

    Generations that are done stay as they are, and replies in the ledger are not asked for again.

    Args:
        run: the run.
        seeds: generation 0.
        items: the test sets, of which nothing may be in the population.
    """
    meter = DiversityMeter(run, seeds)
    done, size = last_generation(run)
    is_new = done is None
    if done is None:
        with run.progress.stage(f"generation 0: {len(seeds)} seeds", None):
            size = commit_seeds(run, seeds, meter)
        done = 0
    else:
        run.progress.note(_begun(done, run.config.generations))
    with run.progress.stage(f"generation {done}: near-duplicate index", None):
        update_index(run.store, run.config, run.id, is_new=is_new)
    if run.config.embedding_model is not None:
        with run.progress.stage(f"generation {done}: embeddings", None):
            update_embeddings(run.store, run.config, run.id)
    for generation in range(done + 1, run.config.generations + 1):
        started = time.monotonic()
        if decided(run, generation).isEmpty():
            decide(run, generation, size, items)
        with run.progress.stage(f"generation {generation}: committing", None):
            commit_population(run, generation, size)
            add_to_index(run.store, run.config, run.id, generation, indexed_in_rounds(run, generation))
            known = embedded_candidates(run, generation, accepted(run, generation))
            add_embeddings(run.store, run.config, run.id, generation, known)
            size = commit_generation(run, generation, size, started, meter)
        run.scratch.clear()
    return run.store.read(GENERATIONS).orderBy("generation").collect()


def _begun(done: int, wanted: int) -> str:
    """Return the message about a store that has generations already."""
    if done > wanted:
        return f"generation {done} is done, and generations is {wanted}: nothing is left to do"
    return f"generation {done} is finished; resuming"


def last_generation(run: Run) -> tuple[int | None, int]:
    """Return the last generation that is done, None where not even the seeds are in, and the population's size then."""
    last = F.max(F.struct("generation", "population_size")).alias("last")
    row = run.store.read(GENERATIONS).select(last).first()
    assert row is not None
    return (None, 0) if row["last"] is None else (row["last"]["generation"], row["last"]["population_size"])


def decided(run: Run, generation: int) -> DataFrame:
    """Return the candidates of a generation."""
    return run.store.read(CANDIDATES).filter(F.col("generation") == generation)


def accepted(run: Run, generation: int) -> DataFrame:
    """Return the accepted candidates of a generation."""
    return decided(run, generation).filter(F.col("status") == ACCEPTED)


def commit_seeds(run: Run, seeds: Sequence[Seed], meter: DiversityMeter) -> int:
    """Make generation 0 of the seeds; return the population's size."""
    started = time.monotonic()
    individuals = [
        {
            "id": seed.id,
            "generation": 0,
            "instruction": seed.instruction,
            "parents": [],
            "operator": SEED,
            "depth": 0,
            "content_hash": content_hash(seed.instruction),
            "run_id": run.id,
            "ordinal": ordinal,
        }
        for ordinal, seed in enumerate(seeds)
    ]
    rows = run.spark.createDataFrame(individuals, POPULATION_SCHEMA)
    append_generation(run, POPULATION, rows, 0)
    return commit_generation(run, 0, 0, started, meter, seeds)


def decide(run: Run, generation: int, size: int, items: Sequence[BenchmarkItem]) -> None:
    """Make a generation from a population of this size, and commit its candidates, accepted and rejected."""
    population = run.store.read(POPULATION).filter(F.col("generation") < generation)
    candidates = make_generation(run, population, size, generation, items)
    append_generation(run, CANDIDATES, candidates, generation)


def commit_population(run: Run, generation: int, size: int) -> None:
    """Append a generation's accepted candidates to the population, numbered on from the `size` before them."""
    append_generation(run, POPULATION, accepted(run, generation).transform(numbered, size), generation)


def numbered(accepted: DataFrame, first: int) -> DataFrame:
    """Add `ordinal`, from `first` on without a gap, in the order of colony, round, slot and item.

    A part of so many slots of a colony's round is ordered in one task; by how many rows each has it is known where the
    next begins.
    """
    part = ("colony", "round", "part")
    parted = accepted.withColumn("part", F.floor(F.col("slot") / _SLOTS_A_PART))
    counts = parted.groupBy(*part).agg(F.count(F.lit(1)).alias("members"))
    before = F.coalesce(
        F.sum("members").over(Window.orderBy(*part).rowsBetween(Window.unboundedPreceding, -1)), F.lit(0)
    )
    offsets = counts.select(*part, (before + first - 1).alias("offset"))
    place = F.row_number().over(Window.partitionBy(*part).orderBy("slot", "item"))
    placed = parted.withColumn("place", place).join(F.broadcast(offsets), [*part])
    return placed.select(*accepted.columns, (F.col("offset") + F.col("place")).alias("ordinal"))


def commit_generation(
    run: Run, generation: int, before: int, started: float, meter: DiversityMeter, seeds: Sequence[Seed] = ()
) -> int:
    """Write the row that says a generation is done, with what it came to; return the population's size."""
    row = generation_row(run, generation, before, started, meter, seeds)
    rows = local_frame(run.spark, [row], GENERATIONS_SCHEMA)
    append_generation(run, GENERATIONS, rows, generation)
    return int(row["population_size"])


def append_generation(run: Run, table: str, rows: DataFrame, generation: int) -> None:
    """Append a generation to a table in one commit, unless it or a later one is in it already."""
    run.store.append(table, rows, transaction=_COMMIT, version=generation, run_id=run.id, generation=generation)
