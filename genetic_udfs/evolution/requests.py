"""A role's turn: prompts become requests, those without a reply in the ledger are sent, and replies join their rows."""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from genetic_udfs.config import Engine, Role, RoleSettings
from genetic_udfs.engine.client import all_refused
from genetic_udfs.engine.model_identity import model_identity
from genetic_udfs.engine.retry import ErrorCount, refusal_of_all
from genetic_udfs.engine.stage import feeder_slots, gpus_in_all, with_answers
from genetic_udfs.errors import EngineError
from genetic_udfs.evolution.budget import budget_check
from genetic_udfs.evolution.run import Run, StageUtilization
from genetic_udfs.roles.judge import yes_probability
from genetic_udfs.roles.sampling import sampling_key, sampling_of
from genetic_udfs.runtime.session import small_batches
from genetic_udfs.store.ledger import Stage
from genetic_udfs.store.schema import REPLIES

_MAX_KINDS: Final = 10_000  # different errors that are looked at


def prompted(rows: DataFrame, prompt: Column, template: str, sample: str | None = None) -> DataFrame:
    """Add the columns of a request to a role.

    Args:
        rows: any columns.
        prompt: null where nothing is asked.
        template: version of the prompt's template.
        sample: an integer column that tells equal prompts apart; without it each text is asked about once.
    """
    number = F.lit(0) if sample is None else F.col(sample)
    return rows.withColumns({"prompt": prompt, "template": F.lit(template), "sample": number.cast("long")})


def refuse_configuration(run: Run, engine: str, stage: Stage, model: str, sampling: str) -> None:
    """End a run whose stage was refused for one reason whatever was asked, which is no fault of rows.

    Raises:
        EngineError: with what the engine says.
    """
    same = (F.col("role") == stage.role) & (F.col("model") == model) & (F.col("sampling") == sampling)
    # What was refused in another run may have been asked of another endpoint; an answer counts whenever it came.
    counts = F.col("error").isNull() | (F.col("run_id") == run.id)
    found = (
        run.store.read(REPLIES)
        .filter(same & counts)
        .groupBy("error")
        .agg(F.count(F.lit(1)).alias("in_all"), F.count_if(stage.has()).alias("in_stage"))
        .orderBy(F.col("error").asc_nulls_first())  # answers are among those that are looked at
        .limit(_MAX_KINDS)
        .collect()
    )
    if (refusal := refusal_of_all([ErrorCount(*row) for row in found])) is not None:
        raise EngineError(all_refused(f"engine {engine!r}, asked as {stage.role},", refusal))


def request_id(run: Run, role: Role, generation: int, engine: Engine, settings: RoleSettings) -> Column:
    """Return the id of a request, null where nothing is asked: a hash of its identity, `sample` and `prompt` in it."""
    model = model_identity(engine, is_unlimited=settings.max_tokens is None)
    identity = F.sha2(
        F.concat_ws(
            "\x1e",
            *(F.lit(str(part)) for part in (run.config.seed, generation, role, model, sampling_key(settings))),
            F.col("sample").cast("string"),
            F.col("prompt"),
        ),
        256,
    )
    return F.when(F.col("prompt").isNotNull(), F.substring(identity, 1, 32))


def ledger_rows(
    answered: DataFrame, run: Run, stage: Stage, settings: RoleSettings, engine: Engine, hourly: float | None
) -> DataFrame:
    """Return answered requests as rows of `replies`.

    Args:
        answered: `request_id`, `template` and `reply`.
        run: the run.
        stage: in which they were asked.
        settings: which engine was asked and how it samples.
        engine: that engine.
        hourly: what it costs an hour; None where no price is set.
    """
    by_tokens = (
        F.lit(None)
        if engine.price is None
        else engine.price.of(
            F.coalesce("reply.prompt_tokens", F.lit(0)), F.coalesce("reply.completion_tokens", F.lit(0))
        )
    )
    return answered.select(
        "request_id",
        F.lit(stage.role).alias("role"),
        F.lit(stage.generation).alias("generation"),
        F.lit(stage.round).cast("int").alias("round"),
        F.lit(stage.label).alias("stage"),
        F.lit(settings.engine).alias("engine"),
        F.lit(engine.model).alias("model"),
        F.lit(sampling_key(settings)).alias("sampling"),
        "template",
        "reply.*",
        by_tokens.cast("double").alias("money"),
        F.lit(hourly).cast("double").alias("hourly"),
        F.lit(run.id).alias("run_id"),
    )


def with_replies(
    run: Run,
    role: Role,
    rows: DataFrame,
    generation: int,
    round_: int | None,
    *,
    purpose: str | None = None,
    settings: RoleSettings | None = None,
    is_scored: bool | None = None,
    ledger_role: str | None = None,
    max_bytes: int | None = None,
) -> DataFrame:
    """Ask a role about every row that has a `prompt`, and return the rows with `request_id` and `reply`.

    Args:
        run: the run.
        role: which role is asked.
        rows: any columns, with `prompt` (null where nothing is asked), `template` (the prompt's version) and
            `sample` (long: tells equal prompts apart that shall have different replies).
        generation: part of a request's identity.
        round_: written to the ledger; None if a whole generation is asked about.
        purpose: tells a stage from the role's usual one in the same round.
        settings: which engine is asked and how it samples; those of the role unless given.
        is_scored: whether `yes_probability` is read; of the Judge in its usual stage unless given.
        ledger_role: what the ledger has as `role`, by which costs are summed up; the role's name unless given.
        max_bytes: an upper estimate of the rows' size with their replies; None where it is unknown.

    Returns:
        `rows` without `prompt`, `template` and `sample`; `reply` has the fields of `engine.columns.REPLY_FIELDS`.
    """
    settings = settings or run.config.roles.of(role)
    engine = run.config.used_engines()[settings.engine]
    if is_scored is None:
        is_scored = role == "judge" and purpose is None
    sampling = sampling_key(settings)
    turn = Stage(purpose or role, ledger_role or role, generation, round_, role)
    place, label = ", ".join(turn.place), turn.label
    with run.progress.watching(f"{place}: {label}: requests"):
        requests = rows.withColumn("request_id", request_id(run, role, generation, engine, settings))
        plan = run.ledger.plan(requests, turn, max_bytes)
    price, hourly = engine.price, engine.hourly(gpus_in_all(run.spark))
    recorded = None
    with run.progress.stage(f"{place}: {label}", plan.missing, price=price, hourly=hourly) as stage:
        if plan.missing:
            slots = feeder_slots(run.spark, engine)

            def answered(wave: DataFrame) -> DataFrame:
                replied = with_answers(
                    wave.repartition(slots),
                    "prompt",
                    "reply",
                    settings.engine,
                    engine,
                    sampling_of(settings, is_scored=is_scored),
                    stage=stage,
                    progress=run.progress.address,
                    read_logprobs=yes_probability if is_scored else None,
                )
                return ledger_rows(replied, run, plan.stage, settings, engine, hourly)

            named = f"{place}, {label}"
            with small_batches(run.spark):
                recorded = run.ledger.record(plan, answered, budget_check(run, plan.stage, named, plan.missing))
            if run.progress.all_failed(stage):
                refuse_configuration(run, settings.engine, plan.stage, engine.model, sampling)
            if use := run.progress.engine_utilization(stage):
                run.stage_utilization.append(StageUtilization(generation, round_, role, use))
    return run.ledger.with_replies(plan, recorded).drop("prompt", "template", "sample")
