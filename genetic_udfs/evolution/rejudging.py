"""Another judge over a past generation: its replies go into the ledger, its verdicts into a table of their own.

The candidates and their verdicts stay as they are, and so do the costs of every generation: the replies stand in the
ledger under a role of their own.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.errors import ConfigurationError
from genetic_udfs.evolution.requests import prompted, with_replies
from genetic_udfs.evolution.run import Run
from genetic_udfs.reporting.judge_agreement import Agreement
from genetic_udfs.roles import columns as role_columns
from genetic_udfs.roles.prompts import prompt_version
from genetic_udfs.roles.sampling import sampling_key
from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, REJUDGE, REPLIES, VERDICTS, VERDICTS_SCHEMA


@dataclass(frozen=True)
class Rejudged:
    """What came of it.

    Args:
        agreement: the candidates' own verdicts and the new ones.
        with_tests: the new verdicts and tests, whose Yes is that all pass, of the candidates that they have decided.
        before: the models that gave the candidates' own.
        model: the model that gave the new ones.
        judged: how many candidates were to be judged.
        asked: how many replies were asked for now; the others were already in the ledger.
        unanswered: candidates without a new verdict, as the engine gave no reply.
        is_same_judge: whether model, sampling and prompt are those of the candidates' own verdicts.
    """

    agreement: Agreement
    with_tests: Agreement
    before: list[str]
    model: str
    judged: int
    asked: int
    unanswered: int
    is_same_judge: bool


def rejudge(run: Run, generation: int) -> Rejudged:
    """Have the configuration's judge look at every candidate of a generation that was judged or tested.

    Its verdicts are kept. Replies in the ledger are not asked for again, and verdicts that are there are kept once.

    Args:
        run: the run.
        generation: one that is finished.

    Raises:
        ConfigurationError: if the generation is not there, or none of its candidates was judged or tested.
    """
    judged = judged_candidates(run, generation)
    own = run.config.roles.judge.prompt
    version = prompt_version("judge", own)
    prompts = prompted(judged, role_columns.judge_prompt("instruction", "response", own, run.config.language), version)
    replied = with_replies(
        run, "judge", prompts, generation, None, purpose=REJUDGE, is_scored=True, ledger_role=REJUDGE
    )
    with run.progress.stage(f"generation {generation}: reading verdicts", None):
        rows = run.scratch.checkpoint(with_verdict(run, replied, version), f"generation-{generation}/verdicts")
        keep_verdicts(run, rows.withColumn("verdict", F.col("new")), generation, version)
        return compared(run, rows, generation)


def judged_candidates(run: Run, generation: int) -> DataFrame:
    """Return the candidates of a finished generation that have a verdict, or that tests have decided.

    Columns are `id`, texts, `verdict`, `judge_request` and `passed`.

    Raises:
        ConfigurationError: if there are none.
    """
    numbers = [row["generation"] for row in run.store.read(GENERATIONS).select("generation").collect()]
    if generation not in numbers:
        there = f"generations 0 to {max(numbers)}" if numbers else "no finished generation"
        raise ConfigurationError(f"--generation {generation}: {run.store.root} has {there}")
    is_decided = F.col("verdict").isNotNull() | F.col("pass_rate").isNotNull()
    judged = run.store.read_complete(CANDIDATES).filter((F.col("generation") == generation) & is_decided)
    if judged.isEmpty():
        why = "it is made of the seeds" if generation == 0 else "none of its candidates came as far as judge or tests"
        raise ConfigurationError(f"--generation {generation}: there is no verdict to compare with: {why}")
    passed = (F.col("pass_rate") >= 1.0).alias("passed")
    return judged.select("id", "instruction", "response", "verdict", "judge_request", passed)


def with_verdict(run: Run, replied: DataFrame, version: str) -> DataFrame:
    """Return rows of `verdicts` with the candidate's own `verdict`, `passed`, `judge_request`, and the new as `new`."""
    read = role_columns.verdict_of("reply")
    return replied.select(
        "id",
        "verdict",
        "passed",
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
    counts = rows.groupBy("verdict", "passed", "new").count().collect()

    def agreement(first: str, second: str) -> Agreement:
        number = Counter[tuple[bool | None, bool | None]]()
        for row in counts:
            number[row[first], row[second]] += row["count"]
        return Agreement(number[True, True], number[True, False], number[False, True], number[False, False])

    replies = run.store.read(REPLIES).filter(F.col("generation") == generation)
    models = (
        rows.select(F.col("judge_request").alias("request_id")).join(replies, "request_id").select(replies["model"])
    )
    of_own = F.col("judge_request").isNotNull()
    is_same = F.col("request_id").eqNullSafe(F.col("judge_request"))
    return Rejudged(
        agreement=agreement("verdict", "new"),
        with_tests=agreement("new", "passed"),
        before=sorted(row["model"] for row in models.distinct().collect()),
        model=run.config.engine_of("judge").model,
        judged=sum(row["count"] for row in counts),
        asked=replies.filter((F.col("role") == REJUDGE) & (F.col("run_id") == run.id)).count(),
        unanswered=sum(row["count"] for row in counts if row["new"] is None),
        is_same_judge=not rows.filter(of_own).isEmpty() and rows.filter(of_own & ~is_same).isEmpty(),
    )
