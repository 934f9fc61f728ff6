"""Another judge over a past generation: its replies go into the ledger, its verdicts into a table of their own.

The candidates and their verdicts stay as they are, and so do the costs of every generation: the replies stand in the
ledger under a role of their own.
"""

import hashlib
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.errors import ConfigurationError
from genetic_udfs.evolution.requests import prompted, with_replies
from genetic_udfs.evolution.run import Run
from genetic_udfs.reporting.agreement import Agreement
from genetic_udfs.roles import columns as role_columns
from genetic_udfs.roles.prompts import prompt_version
from genetic_udfs.roles.sampling import sampling_key
from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, REJUDGE, REPLIES, VERDICTS, VERDICTS_SCHEMA


@dataclass(frozen=True)
class Rejudged:
    """What came of it.

    Args:
        agreement: the candidates' own verdicts and the new ones.
        before: the models that gave the candidates' own.
        model: the model that gave the new ones.
        asked: how many replies were asked for now; the others were already in the ledger.
        unanswered: candidates without a new verdict, as the engine gave no reply.
        is_same_judge: whether model, sampling and prompt are those of the candidates' own verdicts.
    """

    agreement: Agreement
    before: list[str]
    model: str
    asked: int
    unanswered: int
    is_same_judge: bool


def rejudge(run: Run, generation: int) -> Rejudged:
    """Have the configuration's judge look at every candidate of a generation that was judged; keep its verdicts.

    Replies in the ledger are not asked for again, and verdicts that are kept already are not kept twice.

    Args:
        run: the run.
        generation: one that is finished.

    Raises:
        ConfigurationError: if the generation is not there, or none of its candidates was judged.
    """
    judged = judged_candidates(run, generation)
    own = run.config.roles.judge.prompt
    version = prompt_version("judge", own)
    prompts = prompted(judged, role_columns.judge_prompt("instruction", "response", own), version)
    replied = with_replies(
        run, "judge", prompts, generation, None, purpose=REJUDGE, is_scored=True, ledger_role=REJUDGE
    )
    with run.progress.stage(f"generation {generation}: reading verdicts", None):
        rows = run.scratch.checkpoint(with_verdict(run, replied, version), f"generation-{generation}/verdicts")
        keep_verdicts(run, rows.withColumn("verdict", F.col("new")), generation, version)
        return compared(run, rows, generation)


def judged_candidates(run: Run, generation: int) -> DataFrame:
    """Return the candidates of a finished generation that have a verdict: `id`, texts, `verdict`, `judge_request`.

    Raises:
        ConfigurationError: if there are none.
    """
    numbers = [row["generation"] for row in run.store.read(GENERATIONS).select("generation").collect()]
    if generation not in numbers:
        there = f"generations 0 to {max(numbers)}" if numbers else "no finished generation"
        raise ConfigurationError(f"--generation {generation}: {run.store.root} has {there}")
    judged = run.store.read(CANDIDATES).filter((F.col("generation") == generation) & F.col("verdict").isNotNull())
    if judged.isEmpty():
        why = "it is made of the seeds" if generation == 0 else "none of its candidates came as far as the judge"
        raise ConfigurationError(f"--generation {generation}: there is no verdict to compare with: {why}")
    return judged.select("id", "instruction", "response", "verdict", "judge_request")


def with_verdict(run: Run, replied: DataFrame, version: str) -> DataFrame:
    """Return rows of `verdicts` with the candidate's own `verdict` and `judge_request`, and the new one as `new`."""
    read = role_columns.verdict_of("reply")
    return replied.select(
        "id",
        "verdict",
        "judge_request",
        "request_id",
        F.lit(run.config.engine_of("judge").model).alias("model"),
        F.lit(version).alias("template"),
        read["verdict"].alias("new"),
        F.coalesce(read["reason"], F.when(F.col("reply").isNull(), "no_reply")).alias("reason"),
        role_columns.fitness_of("reply").alias("fitness"),
        F.col("reply.sent_at").alias("judged_at"),
    )


def keep_verdicts(run: Run, verdicts: DataFrame, generation: int, version: str) -> None:
    """Append the verdicts of a judge on a generation, once."""
    judge = (run.config.engine_of("judge").model, sampling_key(run.config.roles.judge), version)
    digest = hashlib.sha256("\x1e".join(judge).encode()).hexdigest()[:16]
    rows = verdicts.withColumn("generation", F.lit(generation)).withColumn("run_id", F.lit(run.id))
    run.store.append(
        VERDICTS,
        rows.select(*VERDICTS_SCHEMA.fieldNames()),
        transaction=f"{generation}/{digest}",
        version=0,
        run_id=run.id,
        generation=generation,
    )


def compared(run: Run, rows: DataFrame, generation: int) -> Rejudged:
    """Hold the new verdicts against the candidates' own.

    Args:
        run: the run.
        rows: what `with_verdict` returned.
        generation: the one that was judged.
    """
    counts = {(row["verdict"], row["new"]): row["count"] for row in rows.groupBy("verdict", "new").count().collect()}
    replies = run.store.read(REPLIES).filter(F.col("generation") == generation)
    models = (
        rows.select(F.col("judge_request").alias("request_id")).join(replies, "request_id").select(replies["model"])
    )
    return Rejudged(
        agreement=Agreement(
            yes_yes=counts.get((True, True), 0),
            yes_no=counts.get((True, False), 0),
            no_yes=counts.get((False, True), 0),
            no_no=counts.get((False, False), 0),
        ),
        before=sorted(row["model"] for row in models.distinct().collect()),
        model=run.config.engine_of("judge").model,
        asked=replies.filter((F.col("role") == REJUDGE) & (F.col("run_id") == run.id)).count(),
        unanswered=sum(count for (_, new), count in counts.items() if new is None),
        is_same_judge=rows.filter(~F.col("request_id").eqNullSafe(F.col("judge_request"))).isEmpty(),
    )
