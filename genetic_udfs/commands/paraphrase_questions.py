"""Asks an engine whether problems are the same, for tables outside of a run: no ledger, each start asks again."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.config import Config, Paraphrases
from genetic_udfs.decontamination import columns as c
from genetic_udfs.decontamination.contamination import Ask
from genetic_udfs.engine.columns import REPLY
from genetic_udfs.engine.stage import feeder_slots, with_answers
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.roles.sampling import sampling_of
from genetic_udfs.runtime.session import small_batches
from genetic_udfs.store.scratch import Scratch


def asking_directly(
    spark: SparkSession, config: Config, settings: Paraphrases, progress: Progress, scratch: Scratch
) -> Ask:
    """Return what asks the engine about all questions at once, and keeps the replies in the scratch space.

    Raises:
        EngineError: when it is called and the engine cannot serve.
    """
    judge = config.judge_of(settings)
    engine = config.engines[judge.engine]
    if engine.sleep is None:
        nearby = config.paraphrases_model
        takes_turns = nearby is not None and nearby.engine is not None and not nearby.engine.urls
        engine = engine.model_copy(update={"sleep": takes_turns})  # with the one that embeds

    def answered(questions: DataFrame) -> DataFrame:
        with progress.stage("nearest items", None):
            kept = scratch.checkpoint(questions, "questions")
            total = kept.count()
        if total == 0:
            return kept.withColumn(c.REPLY, F.lit(None).cast(REPLY))
        with progress.stage("paraphrases", total) as stage:
            answers = with_answers(
                kept.repartition(feeder_slots(spark, engine)),
                c.PROMPT,
                c.REPLY,
                judge.engine,
                engine,
                sampling_of(judge),
                stage=stage,
                progress=progress.address,
            )
            with small_batches(spark):
                return scratch.checkpoint(answers, "replies")

    return answered
