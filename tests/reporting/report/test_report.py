"""`jobs/report.py` on a store whose rows are known: what Spark counts, and what cannot be reported."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from genetic_udfs.commands.report import check_output, write
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.reporting.report.aggregates import read_figures
from genetic_udfs.reporting.report.figures import Cost, Distance, Length, Outcome, Seed
from genetic_udfs.reporting.report.page import GENERATOR, page
from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, POPULATION, REPLIES
from genetic_udfs.store.tables import Store
from tests.small_disk import small_disk


def test_a_stores_figures_are_counted(made: Store) -> None:
    made.table(CANDIDATES).update(
        "id = 'x'", {"reason": F.lit("contaminated"), "detail": F.lit("ngram of humaneval HumanEval/1")}
    )
    made.table(CANDIDATES).update("id = 'y'", {"similarity": F.lit(1.0)})
    found = read_figures(made, samples=2)
    assert [(one.number, one.asked, one.accepted, one.population) for one in found.generations] == [
        (0, 0, 0, 3),
        (1, 3, 2, 5),
        (2, 4, 3, 8),
    ]
    assert (found.candidates, found.accepted) == (7, 5)
    assert Outcome(1, "mutation", "complexity", "contaminated", 1, 0.1, 1, judged=1) in found.outcomes
    assert {at: n for at, n in enumerate(found.fitness[True]) if n} == {10: 1, 12: 1, 14: 1, 16: 1, 18: 1}
    assert {at: n for at, n in enumerate(found.fitness[False]) if n} == {0: 1, 2: 1}
    assert [n for n in found.similarities if n] == [1] and found.similarities[-1] == 1
    assert found.contaminated == [("ngram of humaneval HumanEval/1", 1)]
    assert found.stages == [
        (0, stage, Cost(generation, stage.split()[0], number, 0, 100 * number, 10 * number, 0.5, None))
        for generation, asked in (
            (1, {"instructor": 3, "coder": 3, "judge": 3}),
            (2, {"instructor": 4, "coder": 3, "judge": 2, "judge of repaired solutions": 1}),
        )
        for stage, number in asked.items()
    ]
    assert found.costs == [Cost(n, "coder", 5, 0, 500, 50, 2.0, None) for n in (1, 2)]
    assert [(one.generation, one.nearest_other, one.gini) for one in found.diversity] == [
        (2, Distance(0.3, 0.2, 0.4, 0.1), 0.25)
    ]
    assert found.models == [("coder", "org/writer", 6), ("instructor", "org/writer", 7), ("judge", "org/judge", 6)]
    assert found.lengths == [Length(n, (6, 6), (5, 5)) for n in (1, 2)]
    assert found.depths == {(1, 1): 1, (1, 0): 1, (2, 1): 2, (2, 0): 1}
    assert found.seeds[0] == Seed("seed-0", "Write seed 0", 3, 2)
    assert [seed.id for seed in found.seeds] == ["seed-0", "seed-1", "seed-2"]
    assert "judge: {engine: one, temperature: 0.0}" in found.configuration and found.versions == {"vllm": "0.32"}
    assert [sample.reason is None for sample in found.samples] == [True, True, False, False]
    assert page([found]).count("<article") == 4

    many = F.concat(*(F.array(F.lit(id_)) for id_ in "abcdabcdab"))
    made.table(POPULATION).update("id = 'c'", {"parents": many})
    made.table(CANDIDATES).update("id = 'e'", {"parents": F.concat(many, F.array(F.lit("gone")))})
    more = read_figures(made, samples=9)
    of = {sample.id: sample for sample in more.samples}
    assert set(of) == set("abcdexy")
    (parent,) = of["d"].parents
    assert (parent.id, parent.made_by, parent.not_shown) == ("a", "mutation: complexity", 0)
    assert [(one.id, one.not_shown) for one in parent.parents] == [("seed-0", 0)]
    assert ("".join(one.id for one in of["e"].parents), of["e"].not_shown) == ("abcdabcd", 3)
    of_c = of["e"].parents[2]
    assert ([(one.id, one.not_shown) for one in of_c.parents], of_c.not_shown) == ([("a", 1), ("b", 2), ("c", 10)], 7)

    made.table(GENERATIONS).delete("generation = 2")  # as while generation 2 is under way
    made.table(CANDIDATES).update("id IN ('a', 'b')", {"parents": F.array(F.lit("seed-1"))})
    under_way = read_figures(made, samples=9)
    assert under_way.candidates == 3
    assert under_way.seeds == [Seed("seed-1", "Write seed 1", 2, 2)]  # the child of seed-0 was rejected
    made.table(GENERATIONS).delete("generation = 1")
    with pytest.raises(StoreError, match="has no pairs yet: no generation but the seeds is finished"):
        read_figures(made, samples=1)


def test_a_store_that_is_none_or_has_seeds_alone_is_named(made: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not a store of this project"):
        read_figures(Store(made.spark, str(tmp_path)), samples=1)
    for table in (POPULATION, GENERATIONS):
        made.table(table).delete("generation > 0")
    for table in (CANDIDATES, REPLIES):  # a run makes them with its first generation
        shutil.rmtree(made.path(table))
    with pytest.raises(StoreError, match="has no pairs yet: no generation but the seeds is finished"):
        read_figures(made, samples=1)


def test_files_of_candidates_that_are_gone_are_named(made: Store) -> None:
    for file in Path(made.path(CANDIDATES)).glob("*.parquet"):
        file.unlink()
    with pytest.raises(StoreError, match="candidates: a file of this table is missing"):
        read_figures(made, samples=1)


def test_a_disk_that_is_full_keeps_the_earlier_report(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 64) as disk:
        write(disk / "report.html", "earlier")
        with pytest.raises(ConfigurationError, match=r"--output .*cannot be written: No space left"):
            write(disk / "report.html", "new" * 50_000)
        assert [file.read_text() for file in disk.iterdir()] == ["earlier"]


def test_a_report_replaces_a_report_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    check_output(path)
    assert write(path, f"<!doctype html>{GENERATOR}") == 15 + len(GENERATOR)
    check_output(path)
    write(path, "new")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["new"]
    long = tmp_path / ("x" * 300)
    for wrong, said in (
        (path, "is no report"),
        (tmp_path, "is no report"),
        (tmp_path / "no" / "r.html", "there is no folder"),
        (path / "r.html", "there is no folder"),
        (long, "cannot be looked at: File name too long"),
        (long / "r.html", "cannot be looked at: File name too long"),
    ):
        with pytest.raises(ConfigurationError, match=f"--output .*{said}"):
            check_output(wrong)
    with pytest.raises(ConfigurationError, match="cannot be written: File name too long"):
        write(long, "new")
    assert write(tmp_path / ("x" * 255), "new") == 3


def test_folders_that_may_not_be_searched_or_written_to_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patched:  # root may search all
        patched.setattr(Path, "stat", refuse)
        with pytest.raises(ConfigurationError, match=r"--output .*/r\.html: cannot be looked at: Permission denied"):
            check_output(tmp_path / "r.html")
    monkeypatch.setattr(os, "access", lambda folder, mode: False)
    with pytest.raises(ConfigurationError, match=r"--output .*/r\.html: the folder .* cannot be written to"):
        check_output(tmp_path / "r.html")
