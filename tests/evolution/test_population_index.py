"""The index of a population: made as it grows, refused when it does not fit, and made anew."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.commands.dedup import rebuild_with_lease
from genetic_udfs.config import Config
from genetic_udfs.dedup.columns import INDEXED
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.evolution.population_index import add_to_index, check_manifest, rebuild_index, update_index
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.lease import LEASE_FOLDER, Lease, LeaseError
from genetic_udfs.store.numbered_log import NumberedLog
from genetic_udfs.store.schema import DEDUP_INDEX, DEDUP_INDEX_SCHEMA, DEDUP_MANIFEST, POPULATION, POPULATION_SCHEMA
from genetic_udfs.store.tables import Store
from tests.dedup.corpora import planted


def settings(store: Path, **changes: Any) -> Config:
    return Config.model_validate(
        {
            "store": str(store),
            "seeds": "unused",
            "generations": 1,
            "samples_per_generation": 1,
            "engines": {"any": {"model": "m", "url": "http://127.0.0.1:9/v1"}},
            "roles": {role: {"engine": "any"} for role in ("instructor", "coder", "judge")},
            **changes,
        }
    )


def add_generation(store: Store, generation: int, texts: list[str]) -> None:
    rows = [
        {"id": f"{generation}-{number}", "generation": generation, "instruction": text, "depth": 0, "ordinal": number}
        for number, text in enumerate(texts)
    ]
    frame = store.spark.createDataFrame(rows, POPULATION_SCHEMA)
    store.append(POPULATION, frame, transaction="generation", version=generation)


def rows_of(store: Store) -> list[tuple[Any, ...]]:
    rows = store.read(DEDUP_INDEX).select(*DEDUP_INDEX_SCHEMA.names).collect()
    return sorted((row.generation, row.id, row.content_hash, tuple(row["keys"]), *row[4:]) for row in rows)


def test_each_generation_is_added_once_and_a_rebuilt_index_is_the_same(spark: SparkSession, tmp_path: Path) -> None:
    store, config = Store(spark, str(tmp_path)), settings(tmp_path)
    texts = planted(30, seed=1)
    add_generation(store, 0, texts[:10])
    for start in ("first", "again"):
        update_index(store, config, start, is_new=True)
        assert len(rows_of(store)) == 10
    update_index(store, config, "later")
    assert len(rows_of(store)) == 10
    add_generation(store, 1, [*texts[10:20], "  "])
    add_generation(store, 2, texts[20:])
    update_index(store, config, "second")
    grown = rows_of(store)
    assert [generation for generation, *_ in grown] == [0] * 10 + [1] * 10 + [2] * 10
    assert {len(keys) for _, _, _, keys, *_ in grown} == {config.dedup.bands + 1}

    assert rebuild_index(store, config, "third") == 30
    assert rows_of(store) == grown
    update_index(store, config, "fourth")
    assert rows_of(store) == grown


def test_a_generation_that_a_rebuilt_index_has_is_not_added_by_the_run_that_goes_on(
    spark: SparkSession, tmp_path: Path
) -> None:
    store, config = Store(spark, str(tmp_path)), settings(tmp_path)
    texts = planted(12, seed=2)
    add_generation(store, 0, texts[:4])
    update_index(store, config, "killed")
    add_generation(store, 1, texts[4:8])  # and killed
    assert rebuild_index(store, config, "rebuilt") == 8
    update_index(store, config, "goes on")
    add_to_index(store, config, "goes on", 1)
    assert len(rows_of(store)) == 8
    add_generation(store, 2, texts[8:])
    add_to_index(store, config, "goes on", 2)
    assert [generation for generation, *_ in rows_of(store)] == [0] * 4 + [1] * 4 + [2] * 4


def test_what_is_known_of_a_generation_is_not_signed_again(spark: SparkSession, tmp_path: Path) -> None:
    store, config = Store(spark, str(tmp_path)), settings(tmp_path)
    add_generation(store, 0, planted(3, seed=1))
    known = [("0-1", "content", [1, 2], 7, bytearray(b"packed")), ("not accepted", "content", [1], 8, bytearray())]
    add_to_index(store, config, "run", 0, spark.createDataFrame(known, INDEXED))
    rows = rows_of(store)
    assert [row[1] for row in rows] == ["0-0", "0-1", "0-2"]
    assert rows[1][2:5] == ("content", (1, 2), 7)
    assert len(rows[0][3]) == len(rows[2][3]) == config.dedup.bands + 1


def test_an_index_of_other_settings_is_refused_by_their_names(spark: SparkSession, tmp_path: Path) -> None:
    store, config = Store(spark, str(tmp_path)), settings(tmp_path)
    add_generation(store, 0, planted(3, seed=1))
    update_index(store, config, "first")
    other = settings(tmp_path, seed=9, dedup={"threshold": 0.8})
    with pytest.raises(ConfigurationError) as caught:
        update_index(store, other, "second")
    message = str(caught.value)
    assert "seed: 0 in the index, 9 here" in message
    assert "rows: 5 in the index, 7 here" in message
    assert "family: " in message and "text: " not in message
    assert "--rebuild-index" in message
    rebuild_index(store, other, "third")
    check_manifest(store, other)


def test_an_index_that_was_not_rebuilt_to_its_end_is_refused(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, config = Store(spark, str(tmp_path)), settings(tmp_path)
    add_generation(store, 0, planted(3, seed=1))
    update_index(store, config, "first")
    with monkeypatch.context() as patched:
        patched.setattr("genetic_udfs.evolution.population_index.index_of", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rebuild_index(store, config, "second")
    with pytest.raises(ConfigurationError, match="is incomplete; rebuild it"):
        update_index(store, config, "third")
    rebuild_index(store, config, "fourth")
    update_index(store, config, "fifth")


def test_an_index_of_another_layout_is_refused_and_rebuilt(spark: SparkSession, tmp_path: Path) -> None:
    store, config = Store(spark, str(tmp_path)), settings(tmp_path)
    add_generation(store, 0, planted(3, seed=1))
    older = spark.createDataFrame([("0-0", [1, 2])], "id string, bands array<long>")
    older.write.format("delta").save(store.path(DEDUP_INDEX))
    with pytest.raises(ConfigurationError, match="is incomplete"):
        update_index(store, config, "first")
    spark.createDataFrame([(0, 25)], "seed long, bands int").write.format("delta").save(store.path(DEDUP_MANIFEST))
    with pytest.raises(ConfigurationError, match="layout: None in the index, 1 here"):
        update_index(store, config, "second")
    rebuild_index(store, config, "third")
    update_index(store, config, "fourth")
    assert [row[1] for row in rows_of(store)] == ["0-0", "0-1", "0-2"]


def test_it_is_rebuilt_with_the_lease_of_the_store_alone(spark: SparkSession, tmp_path: Path) -> None:
    store, config = Store(spark, str(tmp_path)), settings(tmp_path)
    with Progress() as progress:
        with pytest.raises(ConfigurationError, match="has no population yet"):
            rebuild_with_lease(spark, config, progress)
        add_generation(store, 0, planted(3, seed=1))
        # One that looks for itself would find that it is lost, and cancel this process's jobs.
        with Lease(NumberedLog(spark, f"{tmp_path}/{LEASE_FOLDER}"), "a run", lifetime=36_000.0).held():
            with pytest.raises(LeaseError, match="is being written to by run a run"):
                rebuild_with_lease(spark, config, progress)
            assert not store.exists(DEDUP_INDEX)
            assert rebuild_with_lease(spark, config, progress, take_over=True) == 3
    assert [row[1] for row in rows_of(store)] == ["0-0", "0-1", "0-2"]
