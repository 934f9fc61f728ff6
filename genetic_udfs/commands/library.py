"""What a user of the library may call; `import genetic_udfs` gives these names.

Each takes a session and data frames that the caller has, reads nothing that is not named, and writes nothing but the
store that it is given.
"""

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from genetic_udfs import dedup
from genetic_udfs.commands.evolve import checked_inputs, evolve_with
from genetic_udfs.commands.input_table import column, rank_of, texts_by_id
from genetic_udfs.config import Config as Config
from genetic_udfs.config import Dedup as Dedup
from genetic_udfs.config import EmbeddingModel
from genetic_udfs.config import Sandbox as Sandbox
from genetic_udfs.config.embedding import SEMANTIC_MODEL_KEY
from genetic_udfs.config.file import load_config as load_config
from genetic_udfs.decontamination import contamination, read_items
from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.semantic import dropped_by_meaning
from genetic_udfs.embedding.model import check_embedding
from genetic_udfs.errors import ClusterError as ClusterError
from genetic_udfs.errors import ConfigurationError as ConfigurationError
from genetic_udfs.errors import EngineError as EngineError
from genetic_udfs.errors import GeneticUdfsError as GeneticUdfsError
from genetic_udfs.errors import SandboxError as SandboxError
from genetic_udfs.errors import StoreError as StoreError
from genetic_udfs.roles.sql_functions import register_functions as register_functions
from genetic_udfs.runtime.session import open_session as open_session
from genetic_udfs.sandbox.spark import outcome_of
from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, POPULATION, REJUDGE, REPLIES
from genetic_udfs.store.table_errors import translate_table_errors
from genetic_udfs.store.tables import Store

_BY_GENERATION: Final = (POPULATION, CANDIDATES, REPLIES, GENERATIONS)


def evolve(spark: SparkSession, config: Config, *, take_over: bool = False, fork_from: str | None = None) -> list[Row]:
    """Bring a store's population to the generations that a configuration asks for, as `jobs/evolve.py` does.

    Generations that are done stay as they are, and no reply in the ledger is asked for again: a run that was stopped
    goes on where it was.

    Args:
        spark: a session with Delta, such as `open_session` gives.
        config: of the run.
        take_over: take the store from another process that writes to it, which then stops.
        fork_from: `STORE@GENERATION`, another store that a new one begins with a copy of.

    Returns:
        The rows of `generations`, in order: `generation`, `accepted`, `asked`, `reasons`, `costs` and so on.

    Raises:
        ConfigurationError: if a setting, a seed or a test set is wrong, or the store was begun with other settings.
        StoreError: if the store is damaged, cannot be written to, or another process writes to it.
        EngineError: if an engine cannot serve; what was answered until then is in the ledger.

    Example:
        >>> config = load_config("conf/local.yaml", ["generations=1"])
        >>> [row.accepted for row in evolve(open_session(config), config)]
        [62, 12]
    """
    return evolve_with(spark, config, checked_inputs(config, fork_from), take_over=take_over)


def read_generation(spark: SparkSession, store: str, generation: int, table: str = POPULATION) -> DataFrame:
    """Return a table of a store as it was when a generation was committed.

    Args:
        spark: a session with Delta.
        store: a folder, or `catalog:SCHEMA`.
        generation: its number; 0 is the seeds.
        table: `population`, `candidates`, `replies` (without those that another judge gave later) or `generations`.

    Returns:
        The table's columns, as docs/sql.md lists them.

    Raises:
        ConfigurationError: if the table has no generations, or the store not that one.
        StoreError: if the store has no finished generation. A data file that is missing fails when rows are read.

    Example:
        >>> read_generation(spark, "runs/first", 1).groupBy("operator").count().show()
    """
    if table not in _BY_GENERATION:
        raise ConfigurationError(f"table: {table!r} has no generations; {', '.join(_BY_GENERATION)} have")
    there = Store(spark, store)
    with translate_table_errors():
        found = {row["generation"]: row["population_version"] for row in there.read(GENERATIONS).collect()}
        if not found:
            raise StoreError(f"{store}: no generation is finished; run jobs/evolve.py on it first")
        if generation not in found:
            raise ConfigurationError(f"generation: {generation} is not in {store}, which has 0 to {max(found)}")
        if table == POPULATION:
            return there.read(POPULATION, found[generation])
        rows = there.read(table).filter(F.col("generation") <= generation)
        return rows.filter(F.col("role") != REJUDGE) if table == REPLIES else rows


def near_duplicates(
    rows: DataFrame,
    *,
    id: str = "id",
    text: str = "text",
    against: DataFrame | None = None,
    settings: Dedup | None = None,
    seed: int = 0,
) -> DataFrame:
    """Find the texts that duplicate one before them, or one of another table.

    Candidates come from MinHash bands, the exact Jaccard similarity of word shingles decides. Texts come in the order
    of their ids, whole numbers by value and all others as texts; those of `against` before all others.

    Args:
        rows: the texts.
        id: the column that tells them apart; in both tables.
        text: the column of texts; null and blank ones duplicate nothing. In both tables.
        against: texts that are kept whatever they are.
        settings: threshold (0.7 by default), shingle length, bands and rows; with `semantic` texts that say the same in
            other words are found, too.
        seed: of the hash functions.

    Returns:
        One row for each duplicate: `id` and `duplicate_of` (string), `similarity` (1.0 for the same words) and
        `method`: `exact` where texts differ in case and white space at most, `minhash` where their words are similar or
            the same, or `semantic`. The partner is the most similar text that is kept; that of words may be dropped by
            meaning itself, as meaning is compared last.

    Raises:
        ConfigurationError: if `settings.semantic` names a model that is not there.

    Example:
        >>> found = near_duplicates(corpus, text="prompt")
        >>> unique = corpus.join(found, "id", "left_anti")
    """
    named = column(id).cast("string").alias(c.ID), column(text).alias(c.TEXT)
    new = rows.select(*named, rank_of(rows, id).alias(c.RANK))
    kept = (rows.limit(0) if against is None else against).select(*named)
    settings = settings or Dedup()
    semantic = settings.semantic
    model = None if semantic is None else EmbeddingModel.named(semantic.model, SEMANTIC_MODEL_KEY)
    if model is not None:
        check_embedding(model)
    found = dedup.near_duplicates(new, kept, settings, seed, _checkpoint).dropped
    if semantic is None or model is None:
        return found
    found = found.localCheckpoint()
    return found.unionByName(dropped_by_meaning(new, kept, found, semantic.threshold, model, _checkpoint))


def contaminated(rows: DataFrame, config: Config, *, id: str = "id", texts: Sequence[str] = ("text",)) -> DataFrame:
    """Find the rows that hold an item of a configuration's test sets, word for word or changed a little.

    Args:
        rows: the texts.
        config: its `decontamination` names the test sets; HumanEval unless it says no.
        id: the id column, unique and not null.
        texts: the columns of texts, such as an instruction and its code.

    Returns:
        One row for each contaminated one: `id` (string), `contaminated_by` (the test set), `contaminated_item` and
        `contamination_rule`. Paraphrases, which an engine is asked about, are found by jobs/decontaminate.py alone.

    Raises:
        ConfigurationError: if a test set cannot be read.

    Example:
        >>> bad = contaminated(corpus, load_config("conf/local.yaml"), texts=["prompt", "code"])
        >>> clean = corpus.join(bad, "id", "left_anti")
    """
    new, names = texts_by_id(rows, id, texts)
    return contamination(new, read_items(config.decontamination), texts=names, checkpoint=_checkpoint)


def run_tests(code: Column | str, tests: Column | str, settings: Sandbox | None = None) -> Column:
    """Run Python code against its tests in the sandbox, on the worker that has the row.

    Args:
        code: column of source code; null is not run.
        tests: column of arrays of tests, each `assert` statements or a function with some.
        settings: limits of time and memory, the weakest confinement that is accepted, and by `decided_by` whether
            tests count that only a process with the code in it can decide; without settings they do.

    Returns:
        A struct: `code_status`; `tests_status`, `tests_message` and `tests_decided_by` (arrays, in the order of the
        tests; the last has `outside`, `together`, or null where nobody can); `tests_passed`; `pass_rate`;
        `sandbox_tier`. A status is `passed`, `failed`, `error:TYPE`, `timeout` and so on.

    Raises:
        SandboxError: when the column is computed, if a machine cannot confine code as `settings.least_tier` asks.

    Example:
        >>> rows.withColumn("ran", run_tests("code", F.array("test"))).select("ran.pass_rate")
    """
    return outcome_of(code, tests, settings or Sandbox(decided_by="together"))


def _checkpoint(rows: DataFrame, name: str, *, max_bytes: int | None = None) -> DataFrame:
    return rows.localCheckpoint()
