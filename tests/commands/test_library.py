"""What `import genetic_udfs` gives, on tables that are not ours, and on a store."""

import re
import subprocess
import sys
from typing import get_args, get_type_hints

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import genetic_udfs
from genetic_udfs.data.human_eval import human_eval_problems
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.store.schema import REJUDGE, REPLIES
from genetic_udfs.store.tables import Store
from tests.conftest import PROJECT

PROMPT = "Write a function that returns the longest common prefix of a list of words given as strings in any order"
OTHER = "Sort the numbers of a file by their digits, and say which of them are primes"


def test_every_public_name_is_there_and_says_what_it_does() -> None:
    for name in genetic_udfs.__all__:
        assert getattr(genetic_udfs, name).__doc__
        assert f"- `{name}`: " in (genetic_udfs.__doc__ or "")
    with pytest.raises(AttributeError, match="has no attribute 'evolv'"):
        genetic_udfs.evolv  # noqa: B018
    assert set(dir(genetic_udfs)) == {*genetic_udfs.__all__, "__version__"}


def test_settings_and_errors_are_public() -> None:
    for function in ("near_duplicates", "run_tests"):
        hints = get_type_hints(getattr(genetic_udfs, function))
        [settings] = [kind for kind in get_args(hints["settings"]) if kind is not type(None)]
        assert getattr(genetic_udfs, settings.__name__) is settings
    for name in ("evolve", "read_generation", "contaminated", "run_tests"):
        raised = set(re.findall(r"\w+Error\b(?=:)", getattr(genetic_udfs, name).__doc__))
        assert raised and raised <= set(genetic_udfs.__all__)
    assert issubclass(genetic_udfs.StoreError, genetic_udfs.GeneticUdfsError)


@pytest.mark.processes
def test_the_import_alone_needs_no_spark() -> None:
    program = "import sys, genetic_udfs; print(sorted({'pyspark', 'pandas', 'vllm'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_near_duplicates_of_a_table_and_of_another(spark: SparkSession) -> None:
    # As texts, "10" is before "9".
    named = "`the key` int, `prompt.en` string"
    rows = spark.createDataFrame([(9, PROMPT), (2, OTHER), (10, f"{PROMPT} now"), (4, None)], named)
    columns = {"id": "the key", "text": "prompt.en"}
    found = genetic_udfs.near_duplicates(rows, **columns).collect()
    assert [(row.id, row.duplicate_of, row.method) for row in found] == [("10", "9", "minhash")]
    assert found[0].similarity == pytest.approx(18 / 19)
    known = spark.createDataFrame([(11, OTHER)], named)
    found = genetic_udfs.near_duplicates(rows, **columns, against=known).collect()
    assert {(row.id, row.duplicate_of) for row in found} == {("2", "11"), ("10", "9")}
    elsewhere = genetic_udfs.Dedup.model_validate({"semantic": {"model": "nowhere"}})
    with pytest.raises(genetic_udfs.ConfigurationError, match=r"dedup\.semantic\.model: 'nowhere' is no folder"):
        genetic_udfs.near_duplicates(rows, **columns, settings=elsewhere)


def test_rows_that_hold_a_published_problem(spark: SparkSession) -> None:
    config = genetic_udfs.load_config(PROJECT / "conf" / "local.yaml")
    problem = next(iter(human_eval_problems()))
    named = "`an.id` string, `id` string, `code.py` string"
    rows = spark.createDataFrame([("a", "", problem.program("")), ("b", None, OTHER)], named)
    (found,) = genetic_udfs.contaminated(rows, config, id="an.id", texts=["id", "code.py"]).collect()
    assert (found.id, found.contaminated_by, found.contaminated_item) == ("a", "humaneval", problem.id)


def test_code_runs_against_its_tests(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("def f(x):\n    return x + 1", ["assert f(1) == 2", "assert f(1) == 3"])], "c string, t array<string>"
    )
    (row,) = rows.select(genetic_udfs.run_tests("c", "t").alias("ran")).collect()
    assert (row.ran.tests_status, row.ran.pass_rate) == (["passed", "failed"], 0.5)


def test_a_store_as_a_generation_left_it(spark: SparkSession, made: Store) -> None:
    counts = [genetic_udfs.read_generation(spark, made.root, number).count() for number in range(3)]
    assert counts == [3, 5, 8]
    candidates = genetic_udfs.read_generation(spark, made.root, 1, "candidates")
    assert {row.generation for row in candidates.select(F.col("generation")).collect()} == {1}
    replies = genetic_udfs.read_generation(spark, made.root, 1, "replies")
    asked = {row.request_id for row in replies.collect()}
    later = replies.limit(1).withColumns({"request_id": F.lit("later"), "role": F.lit(REJUDGE)})
    made.append(REPLIES, later, transaction="test", version=0)
    replies = genetic_udfs.read_generation(spark, made.root, 1, "replies")
    assert {row.request_id for row in replies.collect()} == asked and "coder a" in asked
    with pytest.raises(ConfigurationError, match=r"generation: 7 is not in .*, which has 0 to 2"):
        genetic_udfs.read_generation(spark, made.root, 7)
    with pytest.raises(ConfigurationError, match="'runs' has no generations; population, candidates"):
        genetic_udfs.read_generation(spark, made.root, 1, "runs")
    with pytest.raises(StoreError, match="no generation is finished"):
        genetic_udfs.read_generation(spark, f"{made.root}/nothing", 0)
