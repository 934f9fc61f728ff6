"""Which texts hold an item of a test set: the whole way, from texts to tags."""

from collections.abc import Callable, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from genetic_udfs.config import EmbeddingModel, Paraphrases
from genetic_udfs.decontamination import columns as c
from genetic_udfs.decontamination.hard_filter import found_by_words
from genetic_udfs.decontamination.items import BenchmarkItem
from genetic_udfs.decontamination.nearest import nearest_items
from genetic_udfs.decontamination.same_problem import rule_of, same_problem_version
from genetic_udfs.runtime.checkpoint import Checkpoint
from genetic_udfs.runtime.row_udf import row_udf

Ask = Callable[[DataFrame], DataFrame]
"""Asks an engine about rows that have `prompt` (string), `template` (string, the prompt's version) and `sample` (long):
returns them with `reply`, a struct that has `text` and `error`, null where there is no reply."""


def contamination(
    new: DataFrame,
    items: Sequence[BenchmarkItem],
    *,
    texts: Sequence[str] = (c.TEXT,),
    paraphrases: Paraphrases | None = None,
    model: EmbeddingModel | None = None,
    ask: Ask | None = None,
    checkpoint: Checkpoint = lambda rows, name: rows,
) -> DataFrame:
    """Return the rows that hold an item of a test set, each with the item and the rule that found it.

    Every text is compared with every item by the hard filter. With `paraphrases`, `model` and `ask`, an engine is then
    asked about the first text of the rows that passed and the items nearest to it; what it does not answer counts as
    contaminated. Null and blank texts hold nothing.

    Lazy, but for the items' embeddings, and for what `ask` and `checkpoint` do at once. If paraphrases are looked
    for, `new` is read twice, and what the hard filter found, too.

    Args:
        new: `id` (string, unique) and the columns of texts.
        items: The test sets, as `read_items` gives them.
        texts: The columns of texts, such as an instruction and its code.
        paraphrases: How paraphrases are looked for; they are not, without it.
        model: What embeds texts and items, to find the items to ask about.
        ask: Asks the engine.
        checkpoint: Given an intermediate result and a name for it, may store it, and returns what to read. Without
            it the hard filter runs twice if paraphrases are looked for.

    Returns:
        Columns as `columns.FOUND`: `id`, `contaminated_by` (the test set), `contaminated_item` (its item's id) and
        `contamination_rule`, one of `columns.RULES`. Clean rows are not in it.
    """
    found = found_by_words(new, items, texts)
    if paraphrases is None:
        return found
    if model is None or ask is None:
        raise ValueError("paraphrases are found by a model and by asking")
    found = checkpoint(found, "shared words")
    rest = new.select(c.ID, F.col(texts[0]).alias(c.TEXT)).join(found.select(c.ID), c.ID, "left_anti")
    return found.unionByName(_paraphrases(rest, items, paraphrases, model, ask))


def _paraphrases(
    new: DataFrame, items: Sequence[BenchmarkItem], settings: Paraphrases, model: EmbeddingModel, ask: Ask
) -> DataFrame:
    questions = (
        nearest_items(new, items, settings, model)
        .withColumn(c.TEMPLATE, F.lit(same_problem_version()))
        .withColumn(c.SAMPLE, F.lit(0).cast("long"))
    )
    rule = row_udf(rule_of, StringType())(f"{c.REPLY}.text", f"{c.REPLY}.error", f"{c.REPLY}.finish_reason")
    # Of several items a Yes comes before what is unanswered, then the nearest, then the first of the list.
    order = F.struct(F.col("_rule") == c.PARAPHRASE, F.col(c.SIMILARITY), -F.col(c.NUMBER))
    best = (
        ask(questions)
        .withColumn("_rule", rule)
        .where(F.col("_rule").isNotNull())
        .groupBy(c.ID)
        .agg(F.max_by(F.struct(c.NUMBER, "_rule"), order).alias("_best"))
    )
    names = new.sparkSession.createDataFrame(
        [(number, item.benchmark, item.id) for number, item in enumerate(items)],
        f"{c.NUMBER} int, {c.CONTAMINATED_BY} string, {c.CONTAMINATED_ITEM} string",
    )
    return (
        best.select(c.ID, "_best.*")
        .join(F.broadcast(names), c.NUMBER)
        .select(c.ID, c.CONTAMINATED_BY, c.CONTAMINATED_ITEM, F.col("_rule").alias(c.CONTAMINATION_RULE))
    )
