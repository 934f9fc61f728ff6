"""Trees of ancestors and descendants, on a store whose rows are known, and on one that was edited by hand."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from genetic_udfs.errors import StoreError
from genetic_udfs.reporting.lineage import ancestors, descendants
from genetic_udfs.store.schema import CANDIDATES, POPULATION, REPLIES
from genetic_udfs.store.tables import Store
from tests.made_store import edit

MODELS = "instructor org/writer, coder org/writer, judge org/judge"
DOES = "Write a function that does"


@pytest.fixture(scope="module")
def store(spark: SparkSession, made_once: Path) -> Store:
    return Store(spark, str(made_once))


def test_the_tree_of_a_pair_goes_back_to_its_seeds(store: Store) -> None:
    assert list(ancestors(store, "e").lines()) == [
        f"e  generation 2, colony 0, mutation: constraints, {MODELS}, fitness 0.50  '{DOES} e'",
        f"└─ c  generation 2, colony 0, crossover, {MODELS}, fitness 0.70  '{DOES} c'",
        f"   ├─ a  generation 1, colony 0, mutation: complexity, {MODELS}, fitness 0.90  '{DOES} a'",
        "   │  └─ seed-0  generation 0, seed  'Write seed 0'",
        f"   ├─ b  generation 1, colony 0, crossover, {MODELS}, fitness 0.80  '{DOES} b'",
        "   │  ├─ seed-1  generation 0, seed  'Write seed 1'",
        "   │  └─ seed-2  generation 0, seed  'Write seed 2'",
        "   └─ seed-0  generation 0, seed  'Write seed 0'",
    ]


def test_the_tester_is_named_too(made: Store) -> None:
    made.table(CANDIDATES).update("id = 'a'", {"tester_request": F.lit("tester a")})
    reply = made.read(REPLIES).filter("request_id = 'coder a'")
    reply = reply.withColumns({"request_id": F.lit("tester a"), "role": F.lit("tester"), "model": F.lit("org/tester")})
    made.append(REPLIES, reply, transaction="test", version=0)
    assert f"{MODELS}, tester org/tester, fitness 0.90" in next(iter(ancestors(made, "a").lines()))


def test_descendants_that_were_shown_are_not_followed_again(store: Store) -> None:
    words = [line.partition("  generation")[0] for line in descendants(store, "seed-0").lines()]
    assert words == ["seed-0", "├─ a", "│  ├─ c", "│  │  └─ e", "│  └─ d", "└─ c  (above)"]


def test_levels_bound_the_walk(store: Store) -> None:
    assert set(ancestors(store, "e", levels=1).individuals) == {"e", "c"}
    assert set(descendants(store, "seed-0", levels=1).individuals) == {"seed-0", "a", "c"}


def test_of_more_descendants_than_the_limit_the_rest_is_counted(store: Store) -> None:
    found = descendants(store, "seed-0", limit=1)
    assert (set(found.individuals), found.left_out) == ({"seed-0", "a"}, 1)
    *_, last = found.lines()
    assert last == "1 more children at the last level, and all that follows: descendants_of() has them"
    assert descendants(store, "seed-0", limit=5).left_out == 0


def test_a_rejected_candidate_has_ancestors_and_its_reason(store: Store) -> None:
    first, *others = ancestors(store, "y").lines()
    assert "instructor org/writer, fitness 0.00, rejected: duplicate" in first
    assert [line.split()[1] for line in others if line[0] in "├└"] == ["a", "b"]


def test_an_id_that_nobody_has_is_named(store: Store) -> None:
    with pytest.raises(StoreError, match="no individual and no candidate has the id 'nobody'"):
        ancestors(store, "nobody")


def test_a_row_that_was_edited_is_named_and_the_walk_ends(made: Store) -> None:
    edited = {"a": ["d"], "b": [], "c": ["gone"], "seed-1": ["seed-1"]}
    store = edit(made, **{id_: {"parents": parents} for id_, parents in edited.items()})
    hint = f"RESTORE TABLE {store.name(POPULATION)} TO VERSION AS OF 2 with"
    for id_, message in (
        ("d", "the row with id 'a' is its own ancestor"),
        ("seed-1", "the row with id 'seed-1' is its own ancestor"),
        ("e", "the row with id 'c' names 'gone' as a parent, which is not in the population"),
        ("y", "the row with id 'b' has no parents, and is no seed"),
    ):
        with pytest.raises(StoreError, match=message) as refused:
            ancestors(store, id_)
        assert hint in str(refused.value)
        if "own ancestor" in message:
            with pytest.raises(StoreError, match=message):
                descendants(store, id_)


def test_a_store_that_is_none_is_named(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"store: {tmp_path}/none is not a store of this project"):
        ancestors(Store(spark, f"{tmp_path}/none"), "a")
    assert not (tmp_path / "none").exists()
