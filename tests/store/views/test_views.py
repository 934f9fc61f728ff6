"""What the views and table functions over a store hold, on a store whose rows are known."""

import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from genetic_udfs.errors import StoreError
from genetic_udfs.store import views
from genetic_udfs.store.schema import GENERATIONS, VERDICTS, VERDICTS_SCHEMA
from genetic_udfs.store.tables import SCHEMAS, Store
from genetic_udfs.store.views.definitions import TABLES_READ, statements
from tests.made_store import edit

pytestmark = pytest.mark.slow

WALK = {
    "a": {"a": 0, "seed-0": 1},
    "b": {"b": 0, "seed-1": 1, "seed-2": 1},
    "c": {"c": 0, "a": 1, "b": 1, "seed-0": 1, "seed-1": 2, "seed-2": 2},
    "d": {"d": 0, "a": 1, "seed-0": 2},
    "e": {"e": 0, "c": 1, "a": 2, "b": 2, "seed-0": 2, "seed-1": 3, "seed-2": 3},
    **{seed: {seed: 0} for seed in ("seed-0", "seed-1", "seed-2")},
}
PAIRS_OF_WALK = [(child, parent, steps) for child, ancestors in WALK.items() for parent, steps in ancestors.items()]


def forget(spark: SparkSession) -> None:
    """Take a store out of the session's catalog again."""
    spark.sql("USE default")
    for table in spark.sql("SHOW TABLES").collect():
        if table.isTemporary:
            spark.catalog.dropTempView(table.tableName)
        else:
            spark.sql(f"DROP TABLE {table.tableName}")
    for name in TABLES_READ:
        if name.endswith("_of"):
            spark.sql(f"DROP TEMPORARY FUNCTION IF EXISTS {name}")


@pytest.fixture(scope="module")
def registered(spark: SparkSession, made_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("views") / "store"
    store = Store(spark, str(shutil.copytree(made_once, folder)))
    store.register()
    yield store
    forget(spark)


@pytest.fixture
def own(made: Store) -> Iterator[Store]:
    """A copy of the store, in a session and a schema of its own."""
    session = made.spark.newSession()
    session.sql("CREATE SCHEMA own")
    session.sql("USE own")
    yield Store(session, made.root)
    session.sql("DROP SCHEMA own CASCADE")


def assert_says_what_it_holds(store: Store, view: str) -> None:
    described = rows(store, f"DESCRIBE {view}")
    assert described and all(comment for _, _, comment in described), view


def rows(store: Store, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in store.spark.sql(query).collect()]


def test_ancestry_goes_back_to_the_seeds_by_the_shortest_way_and_tells_how_an_ancestor_came_about(
    registered: Store,
) -> None:
    query = "SELECT descendant, ancestor, distance, generation, colony, operator, task FROM ancestry ORDER BY distance"
    found = rows(registered, query)
    assert sorted(row[:3] for row in found) == sorted(PAIRS_OF_WALK)
    assert [(row[1], *row[3:]) for row in found if row[0] == "d"] == [
        ("d", 2, 0, "mutation", "reasoning"),
        ("a", 1, 0, "mutation", "complexity"),
        ("seed-0", 0, None, "seed", None),
    ]


def test_descendants_are_the_same_pairs_with_the_other_end_named(registered: Store) -> None:
    query = "SELECT descendant, ancestor, distance, generation, operator, task FROM descendants ORDER BY distance"
    found = rows(registered, query)
    assert sorted(row[:3] for row in found) == sorted(PAIRS_OF_WALK)
    assert [(row[0], *row[3:]) for row in found if row[1] == "c"] == [
        ("c", 2, "crossover", None),
        ("e", 2, "mutation", "constraints"),
    ]


def test_the_functions_give_the_rows_of_one_pair(registered: Store) -> None:
    found = rows(registered, "SELECT * FROM ancestors_of('e')")
    assert {row[0]: row[1] for row in found} == WALK["e"]
    assert len(found) == len(WALK["e"])
    assert ("a", 2, 1, 0, "mutation", "complexity") in found
    found = rows(registered, "SELECT * FROM descendants_of('seed-0')")
    assert {row[0]: row[1] for row in found} == {"seed-0": 0, "a": 1, "c": 1, "d": 2, "e": 2}
    assert len(found) == 5
    assert rows(registered, "SELECT * FROM ancestors_of('nobody')") == []


def test_rejections_count_and_share_by_generation(registered: Store) -> None:
    assert sorted(map(str, rows(registered, "SELECT * FROM rejections"))) == sorted(
        map(
            str,
            [
                (1, "judged_no", "mutation", "complexity", 1, 1 / 3),
                (2, "duplicate", "crossover", None, 1, 1 / 4),
            ],
        )
    )


def test_costs_are_by_model_and_tell_tokens_for_each_accepted_pair(registered: Store) -> None:
    query = "SELECT * FROM costs ORDER BY generation, role"
    assert rows(registered, query) == [
        (1, "coder", "org/writer", 3, 0, 300, 30, 1.5, 2, 165.0, None, None),
        (1, "instructor", "org/writer", 3, 0, 300, 30, 1.5, 2, 165.0, None, None),
        (1, "judge", "org/judge", 3, 0, 300, 30, 1.5, 2, 165.0, None, None),
        (2, "coder", "org/writer", 3, 0, 300, 30, 1.5, 3, 110.0, None, None),
        (2, "instructor", "org/writer", 4, 0, 400, 40, 2.0, 3, pytest.approx(440 / 3), None, None),
        (2, "judge", "org/judge", 3, 0, 300, 30, 1.5, 3, 110.0, None, None),
    ]


def test_by_operator_tells_acceptance_and_fitness(registered: Store) -> None:
    query = "SELECT * FROM by_operator ORDER BY generation, operator, task"
    assert rows(registered, query) == [
        (1, "crossover", None, 1, 1, 1.0, 0.8),
        (1, "mutation", "complexity", 2, 1, 0.5, 0.9),
        (2, "crossover", None, 2, 1, 0.5, 0.7),
        (2, "mutation", "constraints", 1, 1, 1.0, 0.5),
        (2, "mutation", "reasoning", 1, 1, 1.0, 0.6),
    ]


def test_diversity_has_a_row_for_each_generation_that_was_measured(registered: Store) -> None:
    assert rows(registered, "SELECT * FROM diversity") == [
        (2, 3, 3, "org/embedder", 0.9, 0.85, 0.95, 0.3, 0.2, 0.4, 0.1, None, None, None, None, 1.0, 0.25, 1.5)
    ]


def test_diversity_of_a_store_from_before_distinct_3_had_an_interval(spark: SparkSession, made_once: Path) -> None:
    session = spark.newSession()  # its views are its own
    generations = session.read.format("delta").load(f"{made_once}/{GENERATIONS}")
    older = generations.withColumn("diversity", F.col("diversity").dropFields("distinct_3_low", "distinct_3_high"))
    older.createOrReplaceTempView(GENERATIONS)
    session.sql(*statements([GENERATIONS], ["diversity"], temporary=True))
    found = session.sql("SELECT distinct_3, distinct_3_low, distinct_3_high, gini FROM diversity").collect()
    assert [tuple(row) for row in found] == [(0.9, None, None, 0.25)]


def test_judge_calibration_holds_the_judge_against_tests(registered: Store) -> None:
    query = "SELECT * FROM judge_calibration ORDER BY generation, decile"
    # Of generation 1 both agree; 0.1 and 0.1 are what P(Yes) is off by. Of generation 2 the Judge said Yes to both.
    near = pytest.approx
    assert rows(registered, query) == [
        (1, 1, 1, 0, 0, 0, 1, 0.1, 0.0, 1.0, 1.0, near(0.1)),
        (1, 9, 1, 1, 0, 0, 0, 0.9, 1.0, 1.0, 1.0, near(0.1)),
        (2, 6, 1, 0, 1, 0, 0, 0.6, 0.0, 0.5, None, near(0.45)),
        (2, 7, 1, 1, 0, 0, 0, 0.7, 1.0, 0.5, None, near(0.45)),
    ]


def test_every_column_of_a_view_says_what_it_holds(registered: Store) -> None:
    views = {name for name in TABLES_READ if not name.endswith("_of")}
    for name in views - {"rejudge_calibration"}:  # nobody has judged anew
        assert_says_what_it_holds(registered, name)


def test_what_each_reads_is_what_its_sql_names() -> None:
    for name, read in TABLES_READ.items():
        text = files(views).joinpath(f"{name}.sql").read_text(encoding="utf-8")
        assert set(re.findall(r"(?:FROM|JOIN) (\w+)", text)) & {*SCHEMAS, *TABLES_READ} == set(read), name


def test_only_what_is_named_is_registered_with_what_it_reads(own: Store) -> None:
    assert own.register({"by_operator", "ancestors_of"}) == ["population", "candidates"]
    tables = {row.tableName: row.isTemporary for row in own.spark.sql("SHOW TABLES").collect()}
    assert tables == {"population": False, "candidates": False, "by_operator": True}
    assert own.spark.sql("SELECT * FROM ancestors_of('a')").count() == 2
    assert rows(own, "SELECT count(*) FROM by_operator") == [(5,)]
    assert own.register({"descendants"}) == ["population"]
    assert own.spark.sql("SELECT * FROM descendants WHERE ancestor = 'c'").count() == 2
    assert own.register({"verdicts"}) == []  # nobody has judged anew


def test_a_table_of_another_store_under_that_name_is_refused(registered: Store, made: Store) -> None:
    with pytest.raises(StoreError, match="the catalog has another table named 'population'"):
        Store(registered.spark, made.root).register({"population"})


def test_rows_edited_into_a_circle_or_with_a_parent_that_is_not_there_end_the_walk(own: Store) -> None:
    edit(own, a={"parents": ["e"]}, b={"parents": ["b", "gone", "seed-2"]})
    own.register({"ancestry", "ancestors_of", "descendants_of"})
    assert len(rows(own, "SELECT * FROM ancestry WHERE descendant = 'a'")) == 1
    found = dict(rows(own, "SELECT ancestor, distance FROM ancestors_of('e')"))
    assert found == {"e": 0, "c": 1, "a": 2, "b": 2, "seed-0": 2, "seed-2": 3}
    assert dict(rows(own, "SELECT descendant, distance FROM descendants_of('b')")) == {"b": 0, "c": 1, "e": 2}


def test_rejudge_calibration_holds_another_judge_against_tests(own: Store) -> None:
    said = [("c", 2, False, 0.2), ("d", 2, False, None), ("a", 1, True, 1.0), ("b", 1, True, 1.0)]
    of_judge = own.spark.createDataFrame(said, "id string, generation int, verdict boolean, fitness double")
    columns = {name: F.lit(None).cast(VERDICTS_SCHEMA[name].dataType) for name in VERDICTS_SCHEMA.names}
    others = {**columns, **{name: F.col(name) for name in of_judge.columns}, "model": F.lit("org/other")}
    own.append(VERDICTS, of_judge.withColumns(others), transaction="made", version=1)
    assert own.register({"rejudge_calibration"}) == ["candidates", "verdicts"]
    assert_says_what_it_holds(own, "rejudge_calibration")
    # The other judge's No's are of generation 2: one passed its tests. `b` was never tested.
    assert rows(own, "SELECT * EXCEPT (template) FROM rejudge_calibration ORDER BY generation, decile") == [
        (1, "org/other", 9, 1, 1, 0, 0, 0, 1.0, 1.0, 1.0, None, 0.0),
        (2, "org/other", None, 1, 0, 0, 0, 1, None, 0.0, 0.5, 0.0, pytest.approx(0.8)),
        (2, "org/other", 2, 1, 0, 0, 1, 0, 0.2, 1.0, 0.5, 0.0, pytest.approx(0.8)),
    ]
