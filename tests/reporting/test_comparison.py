"""Two stores side by side, one of them changed in known places."""

import io
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.commands.compare import compare, print_comparison
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.reporting.comparison import Overlap, overlap, summarize_store
from genetic_udfs.store.schema import GENERATIONS
from genetic_udfs.store.tables import Store
from tests.made_store import edit

LOCAL = Path(__file__).parents[2] / "conf" / "local.yaml"


def test_two_stores_side_by_side(spark: SparkSession, made_once: Path, made: Store, tmp_path: Path) -> None:
    one = Store(spark, str(made_once))
    changed = {"d": {"content_hash": "another", "id": "d2"}, "seed-2": {"content_hash": "another"}}
    other = edit(made, **changed)
    here, there = summarize_store(one), summarize_store(other)
    assert (here.generations, here.seeds, here.pairs, here.candidates, here.accepted) == (2, 3, 5, 7, 5)
    assert here.reasons == {"judged_no": 1, "duplicate": 1}
    assert here.operators == {
        "crossover": (3, 2),
        "mutation: complexity": (2, 1),
        "mutation: constraints": (1, 1),
        "mutation: reasoning": (1, 1),
    }
    assert (here.tokens, here.request_seconds) == (19 * 110, 9.5)
    assert here.fitness == pytest.approx(0.7)
    common = overlap(one, other, (2, 2))
    assert common == Overlap(seeds=2, pairs=4, same_ids=4)
    out = io.StringIO()
    print_comparison(here, there, common, out)
    cells = {
        row[0].strip(): [cell.strip() for cell in row[1:]]
        for row in (line.split("│")[1:-1] for line in out.getvalue().splitlines() if line.startswith("│"))
    }
    assert cells["acceptance"] == ["71%", "71%"]
    assert cells["rejected: judged_no"] == ["1 (14%)", "1 (14%)"]
    assert cells["acceptance of crossover"] == ["67% of 3", "67% of 3"]
    assert cells["tokens for each accepted pair"] == ["418.0", "418.0"]
    assert out.getvalue().endswith("2 seeds, 4 pairs (80% of A's, 80% of B's); 4 pairs have the same id\n")
    with pytest.raises(StoreError, match="is not a store of this project"):
        summarize_store(Store(spark, str(tmp_path)))

    other.table(GENERATIONS).delete("generation = 2")  # as while generation 2 is under way
    under_way = summarize_store(other)
    assert (under_way.generations, under_way.pairs, under_way.candidates, under_way.accepted) == (1, 2, 3, 2)
    assert (under_way.reasons, under_way.tokens) == ({"judged_no": 1}, 9 * 110)
    assert under_way.fitness == pytest.approx(0.85)
    assert overlap(one, other, (2, 1)) == Overlap(seeds=2, pairs=2, same_ids=2)
    assert summarize_store(one, 1).candidates == 3


def test_a_store_is_not_compared_with_itself() -> None:
    with pytest.raises(ConfigurationError, match=r"both name the store .*/runs/local; give another"):
        compare(LOCAL, str(LOCAL))
