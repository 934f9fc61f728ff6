"""The stages of a round that look for duplicates: by words, and by meaning where the settings ask for it."""

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from genetic_udfs.dedup import near_duplicates
from genetic_udfs.dedup.columns import EMBEDDED
from genetic_udfs.dedup.semantic import embed, semantic_duplicates
from genetic_udfs.dedup.survivors import EXACT
from genetic_udfs.evolution.operators.parents import SLOT_KEY
from genetic_udfs.evolution.population_embeddings import embeddings
from genetic_udfs.evolution.round import Round, checkpoint, not_rejected, reject, with_columns_of
from genetic_udfs.evolution.run import Run
from genetic_udfs.reporting.dedup_summary import format_not_compared
from genetic_udfs.store.schema import CANDIDATES_SCHEMA, DUPLICATE, NEAR_DUPLICATE, SEMANTIC_DUPLICATE

# The name of a round's embeddings in the scratch space.
EMBEDDED_TEXTS: Final = "embeddings"
EMBEDDED_CANDIDATES: Final = StructType([*EMBEDDED.fields, CANDIDATES_SCHEMA["content_hash"]])
# What names the partner of a duplicate.
PARTNER: Final = StructType([CANDIDATES_SCHEMA["duplicate_of"], CANDIDATES_SCHEMA["similarity"]])


def reject_duplicates(rows: DataFrame, this: Round) -> DataFrame:
    """Reject what is near the population, near what this generation has accepted, or near another candidate."""
    run = this.run

    def of_near_duplicates(rows: DataFrame, name: str, *, max_bytes: int | None = None) -> DataFrame:
        return run.scratch.checkpoint(rows, f"{this.name}/near-duplicates-{name}", max_bytes=max_bytes)

    with run.progress.stage(f"generation {this.generation}, round {this.number}: near-duplicates", None):
        found = near_duplicates(
            ranked_texts(rows, this),
            None,
            run.config.dedup,
            run.config.seed,
            of_near_duplicates,
            indexed=this.index,
            is_spread=True,
            max_new=this.max_offspring,
            max_indexed=this.size + run.config.samples_per_generation,
        )
    if message := format_not_compared(found.not_compared):
        run.progress.note(f"generation {this.generation}, round {this.number}: {message}")
    if not found.pairs:
        return rows
    reason = F.when(F.col("method") == EXACT, DUPLICATE).otherwise(NEAR_DUPLICATE)
    detail = F.format_string("similarity %.3f with %s", "similarity", "duplicate_of")
    return rows.join(found.dropped, "id", "left").transform(
        reject,
        F.when(F.col("duplicate_of").isNotNull(), F.struct(reason.alias("reason"), detail.alias("detail"))),
    )


def ranked_texts(rows: DataFrame, this: Round) -> DataFrame:
    """Return `id`, `rank` and `text` of the instructions that are not rejected.

    The order among candidates is drawn, so that no colony has precedence over another.
    """
    drawn = F.sha2(F.concat_ws("/", F.lit(this.run.config.seed), *SLOT_KEY, "item"), 256)
    rank = F.conv(F.substring(drawn, 1, 15), 16, 10).cast("long")
    return rows.filter(not_rejected()).select("id", rank.alias("rank"), F.col("instruction").alias("text"))


def reject_semantic_duplicates(rows: DataFrame, this: Round) -> DataFrame:
    """Reject what says the same as the population, as what this generation has accepted, or as another candidate."""
    run, settings, model = this.run, this.run.config.dedup.semantic, this.run.config.embedding_model
    if settings is None or model is None:
        return rows
    rows = checkpoint(rows, this, "near-duplicates by words")
    embedded = embed(ranked_texts(rows, this), model).join(rows.select("id", "content_hash"), "id")
    new = checkpoint(embedded.select(*EMBEDDED_CANDIDATES.fieldNames()), this, EMBEDDED_TEXTS)
    kept = embeddings(run.store, this.generation).select("id", "vector")
    accepted = this.accepted.select("id", "content_hash")
    if this.number and (of_rounds := embedded_candidates(run, this.generation, accepted)) is not None:
        kept = kept.unionByName(accepted.join(of_rounds, "content_hash").select("id", "vector"))
    found = semantic_duplicates(
        new,
        kept,
        settings.threshold,
        lambda rows, name: run.scratch.checkpoint(rows, f"{this.name}/semantic-{name}"),
        count=run.scratch.count(new),
    )
    partner = found.select("id", F.col("duplicate_of").alias("near_to"), F.col("similarity").alias("cosine"))
    reason = F.struct(
        F.lit(SEMANTIC_DUPLICATE).alias("reason"),
        F.format_string("cosine %.3f with %s", "cosine", "near_to").alias("detail"),
    )
    return (
        with_columns_of(PARTNER, rows.join(partner, "id", "left"))
        .transform(reject, F.when(F.col("near_to").isNotNull(), reason))
        .withColumns(
            {"duplicate_of": F.coalesce("duplicate_of", "near_to"), "similarity": F.coalesce("similarity", "cosine")}
        )
        .drop("near_to", "cosine")
        .transform(checkpoint, this, "semantic duplicates")
    )


def embedded_candidates(run: Run, generation: int, accepted: DataFrame) -> DataFrame | None:
    """Return `content_hash` and `vector` of instructions that this run has embedded in a generation, None without any.

    An id is that of a solution, and of several of an instruction any may be the accepted one. Instructions of one
    content, which differ in case and white space alone, have the vector of the first by id.

    Args:
        run: the run.
        generation: the generation that is being made.
        accepted: `content_hash` of those that are looked for; vectors of others are not shuffled.
    """
    found = run.scratch.read(f"generation-{generation}/round-*/{EMBEDDED_TEXTS}", EMBEDDED_CANDIDATES)
    if found is None:
        return None
    wanted = found.join(accepted.select("content_hash"), "content_hash", "left_semi")
    return wanted.groupBy("content_hash").agg(F.min_by("vector", "id").alias("vector"))
