"""Near-duplicates in any table: what comes in, what goes out, and what is refused."""

import io
import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from pyspark.sql import Row, SparkSession
from rich.console import Console
from typer.testing import CliRunner

from genetic_udfs.commands import dedup as command
from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.cli.dedup import OPTIONAL_VALUES
from genetic_udfs.commands.cli.dedup import dedup as command_line
from genetic_udfs.commands.dedup import DedupOptions, Findings, likeness_of, print_summary, run, with_threshold
from genetic_udfs.commands.job_exit import with_values
from genetic_udfs.config import Dedup, EmbeddingModel, Semantic
from genetic_udfs.config.embedding import SEMANTIC_MODEL_KEY
from genetic_udfs.dedup.audit import Audit
from genetic_udfs.dedup.near_duplicates import NotCompared
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.reporting.dedup_summary import format_not_compared
from genetic_udfs.reporting.progress import Progress
from tests.decontamination.tiny_model import make_tiny_model
from tests.dedup.corpora import planted
from tests.delta_rows import delta_rows
from tests.small_disk import small_disk

FIRST = "write a function that returns the longest common prefix of a list of words given as strings in any order"
NEAR = f"{FIRST} now"
OTHER = "sort the numbers of a file by their digits, and say which of them are primes"

Dedupe = Callable[..., tuple[list[Row], Findings]]


@pytest.fixture
def dedupe(spark: SparkSession, tmp_path: Path) -> Dedupe:
    def made(rows: list[dict[str, Any]], *, audit: int = 0, **changes: Any) -> tuple[list[Row], Findings]:
        source = tmp_path / "in.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
        task = DedupOptions(
            **{
                "input": str(source),
                "column": "text",
                "id": "id",
                "output": str(tmp_path / "out"),
                "against": None,
                "format": TableFormat.DELTA,
                **changes,
            }
        )
        with Progress() as progress:
            findings = run(spark, task, Dedup(audit=audit), 0, progress, None)
        return spark.read.format(task.format).load(task.output).orderBy("id").collect(), findings

    return made


def texts(*given: str | None) -> list[dict[str, Any]]:
    return [{"id": number, "text": text, "extra": [number]} for number, text in enumerate(given)]


def test_every_row_comes_back_with_what_it_duplicates(dedupe: Dedupe, tmp_path: Path) -> None:
    rows, findings = dedupe(texts(FIRST, OTHER, NEAR, OTHER.upper()), audit=2000)
    assert [(row.id, row.duplicate_of, row.extra) for row in rows] == [
        (0, None, [0]),
        (1, None, [1]),
        (2, 0, [2]),
        (3, 1, [3]),
    ]
    others = delta_rows(tmp_path / "out")  # as another reader sees it
    assert {row["id"]: row["duplicate_of"] for row in others} == {0: None, 1: None, 2: 0, 3: 1}
    assert rows[2].similarity == pytest.approx(18 / 19)
    assert rows[3].similarity == 1.0
    assert findings == Findings(NotCompared(0, 0), Audit(texts=4, pairs=2, caught=2))
    assert [path.name for path in tmp_path.iterdir() if "scratch" in path.name] == []


def test_what_says_the_same_in_other_words_is_told_from_near_duplicates(spark: SparkSession, tmp_path: Path) -> None:
    # To the small model all words with Cyrillic letters are the same word.
    given = [FIRST, NEAR, "ж ц ш щ ю", "я й д л ф", "ф л д ж ю я", "  ", "\n", f" {FIRST.upper()}", f"{FIRST}."]
    known = tmp_path / "known.jsonl"
    known.write_text(json.dumps({"id": 77, "text": "ц ш щ ю я й"}) + "\n")
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in texts(*given)))
    task = DedupOptions(str(source), "text", "id", str(tmp_path / "out"), str(known), semantic=True, cosine=0.9999)
    model = str(make_tiny_model(tmp_path / "model"))
    settings = likeness_of(Dedup(semantic=Semantic(model=model), audit=0), task)
    with Progress() as progress:
        findings = run(spark, task, settings, 0, progress, EmbeddingModel(model, SEMANTIC_MODEL_KEY))
    written = spark.read.format("delta").load(task.output).orderBy("id")
    found = written.collect()
    rows = {row.id: (row.duplicate_of, row.method) for row in found}
    assert [row.similarity for row in found[-2:]] == [1.0, 1.0]
    assert rows == {
        0: (None, None),
        1: (0, "minhash"),
        2: (None, None),
        3: (2, "semantic"),
        4: (77, "semantic"),
        5: (None, None),
        6: (None, None),
        7: (0, "exact"),
        8: (0, "minhash"),
    }
    out = io.StringIO()
    print_summary(Console(file=out, width=100), written, findings, task)
    lines = [re.sub("[^a-z0-9-]+", " ", line).strip() for line in out.getvalue().splitlines()]
    assert {"all 9", "same words 2", "near-duplicates 1", "semantic duplicates 2", "kept 4"} <= set(lines)


def test_by_meaning_is_compared_where_it_is_asked_for() -> None:
    configured = Dedup(semantic=Semantic(threshold=0.8, model="mine"))
    task = DedupOptions("in", "text", "id", "out")
    assert likeness_of(configured, task).semantic is None
    near = replace(task, semantic=True, cosine=0.9)
    assert likeness_of(configured, near).semantic == Semantic(threshold=0.9, model="mine")
    assert likeness_of(Dedup(), replace(near, threshold=0.8)).semantic == Semantic(threshold=0.9)
    assert likeness_of(configured, replace(task, semantic=True)).semantic == configured.semantic
    assert likeness_of(Dedup(), replace(task, semantic=True)).semantic == Semantic()


def test_the_cosine_may_be_left_out_and_nothing_that_is_typed_stands_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[DedupOptions] = []
    monkeypatch.setattr(command, "dedup", lambda _, options, overrides: asked.append(options))
    app = typer.Typer(rich_markup_mode=None)
    app.command()(command_line)
    needed = ["c.yaml", "--input", "x", "--column", "text", "--id", "id", "--output", "y"]
    for given in (["--semantic"], ["--semantic", "0.9"], []):
        assert CliRunner().invoke(app, with_values([*needed, *given], OPTIONAL_VALUES)).exit_code == 0
    assert [(each.semantic, each.cosine) for each in asked] == [(True, None), (True, 0.9), (False, None)]
    for wrong in ("nan", "-nan", "inf", "1e400", "0", "-0.5", "1.01", "near", ""):
        done = CliRunner().invoke(app, with_values([*needed, f"--semantic={wrong}"], OPTIONAL_VALUES))
        said = f"--semantic {wrong}: must be a number above 0 and not above 1"
        assert done.exit_code == 2 and said in " ".join(done.output.split()), done.output
    assert len(asked) == 3
    assert with_values(["d", "--semantic", "nan"], OPTIONAL_VALUES) == ["d", "--semantic", "nan"]
    assert with_values(["d", "--semantic", ".9", "--id", "x"], OPTIONAL_VALUES)[1:4] == ["--semantic", ".9", "--id"]
    assert with_values(["d", "--semantic", "1e-1"], OPTIONAL_VALUES) == ["d", "--semantic", "1e-1"]
    assert with_values(["d", "--semantic", "-1"], OPTIONAL_VALUES) == ["d", "--semantic", "-1"]


def test_numbers_are_ordered_as_numbers_and_texts_as_texts(dedupe: Dedupe) -> None:
    rows, _ = dedupe([{"id": number, "text": FIRST} for number in (10, 9, 100)])
    assert {row.id: row.duplicate_of for row in rows} == {9: None, 10: 9, 100: 9}


def test_rows_of_another_table_come_first(dedupe: Dedupe, tmp_path: Path) -> None:
    known = tmp_path / "known.jsonl"
    known.write_text(json.dumps({"id": 77, "text": FIRST}) + "\n")
    rows, _ = dedupe(texts(NEAR, OTHER), against=str(known), format=TableFormat.PARQUET)
    assert [row.duplicate_of for row in rows] == [77, None]


def test_a_threshold_brings_its_own_bands() -> None:
    assert with_threshold(Dedup(), 0.8) == Dedup(threshold=0.8, bands=18, rows=7)
    assert (Dedup().bands, Dedup().rows) == (25, 5)
    low = with_threshold(Dedup(), 0.3)
    assert 1 - (1 - 0.3**low.rows) ** low.bands > 0.98
    for wrong in (0.0, -1.0, 1.1, float("nan"), float("inf")):
        with pytest.raises(ConfigurationError, match="must be above 0 and not above 1"):
            with_threshold(Dedup(), wrong)


def test_odd_texts_are_no_trouble(dedupe: Dedupe) -> None:
    long = " ".join(random.Random(1).choices("abcdefgh", k=100_000))
    odd = [
        None,
        "",
        "   ",
        "word",
        "word",
        "\0 a",
        "コードを書く",
        "コードを書く。",
        long,
        long + " x",
        "Напиши функцию",
    ]
    rows, _ = dedupe(texts(*odd), audit=2000)
    assert [row.duplicate_of for row in rows] == [None, None, None, None, 3, None, None, 6, None, 8, None]


def test_thousands_of_equal_rows_and_as_many_with_one_preamble_go_through(dedupe: Dedupe) -> None:
    """Pairs are bounded in each bucket (tests/dedup/test_bands.py counts them), and those left out are counted."""
    draw = random.Random(2)
    preamble = " ".join(f"boilerplate{n}" for n in range(50))
    equal = [{"id": n, "text": FIRST} for n in range(2000)]
    alike = [
        {"id": 2000 + n, "text": f"{preamble} " + " ".join(f"t{draw.randrange(10**6)}" for _ in range(25))}
        for n in range(2000)
    ]
    rows, findings = dedupe([*equal, *alike])
    assert sum(row.duplicate_of == 0 for row in rows) == 1999
    assert all(row.duplicate_of is None for row in rows[2000:])
    assert findings.not_compared.buckets > 0
    told = format_not_compared(findings.not_compared)
    assert told is not None and f"{findings.not_compared.pairs:,} of their pairs were not compared" in told


def test_planted_pairs_are_found_and_the_audit_agrees(dedupe: Dedupe) -> None:
    rows, (_, audit) = dedupe(texts(*planted(600, seed=12)), audit=2000)
    assert sum(row.duplicate_of is not None for row in rows) > 100
    assert audit is not None and audit.pairs > 100
    assert audit.recall is not None and audit.recall > 0.98
    kept = {row.id for row in rows if row.duplicate_of is None}
    assert {row.duplicate_of for row in rows} - {None} <= kept


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"column": "body"}, "there is no column 'body'; it has extra, id, text"),
        ({"id": "name"}, "there is no column 'name'"),
        ({"input": "/nowhere.jsonl"}, "/nowhere.jsonl: there is no such file"),
        ({"column": "id"}, "the column 'id' must hold text"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_compared(
    dedupe: Dedupe, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        dedupe(texts(FIRST, OTHER), **changes)
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_column_that_the_output_cannot_hold_is_named_before_ids_are_read(spark: SparkSession, tmp_path: Path) -> None:
    source = str(tmp_path / "in.parquet")
    spark.sql("SELECT CAST(NULL AS INT) AS id, 'a text' AS text, INTERVAL '1' DAY AS span").write.parquet(source)
    task = DedupOptions(source, "text", "id", str(tmp_path / "new" / "out"))
    with Progress() as progress, pytest.raises(ConfigurationError, match=r"cannot be written as delta: .*`span`"):
        run(spark, task, Dedup(), 0, progress, None)
    assert [file.name for file in tmp_path.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize("kilobytes", [24, 128])
def test_a_disk_that_is_full_leaves_nothing_that_looks_whole(dedupe: Dedupe, tmp_path: Path, kilobytes: int) -> None:
    draw = random.Random(3)
    rows = texts(*(" ".join(f"{draw.getrandbits(64):x}" for _ in range(60)) for _ in range(80)))
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        with pytest.raises(ConfigurationError, match="new/out: cannot be written: the disk is full; make room, and"):
            dedupe(rows, output=str(disk / "new" / "out"))
        assert not list(disk.iterdir())


@pytest.mark.parametrize(
    ("id_", "message"),
    [
        ("CAST(id AS DOUBLE)", "a whole number of up to 64 bits as id, not double"),
        ("CAST(id AS DECIMAL(20, 0))", "a whole number of up to 64 bits as id, not decimal(20,0)"),
        ("CAST('x' AS BINARY)", "a whole number of up to 64 bits as id, not binary"),
        ("CAST(unhex('FFFE01') AS STRING)", "is no UTF-8 text in 1 rows"),
    ],
)
def test_ids_that_cannot_be_told_apart_are_refused(spark: SparkSession, tmp_path: Path, id_: str, message: str) -> None:
    source = str(tmp_path / "in.parquet")
    spark.range(1).selectExpr(f"{id_} AS id", "'a text' AS text").write.parquet(source)
    task = DedupOptions(source, "text", "id", str(tmp_path / "out"), None, TableFormat.DELTA)
    with Progress() as progress, pytest.raises(ConfigurationError) as caught:
        run(spark, task, Dedup(), 0, progress, None)
    assert message in str(caught.value)


def test_an_id_of_both_tables_is_refused(dedupe: Dedupe, tmp_path: Path) -> None:
    known = tmp_path / "known.jsonl"
    known.write_text(json.dumps({"id": 1, "text": FIRST}) + "\n")
    with pytest.raises(ConfigurationError, match="the id '1' is in --input too"):
        dedupe(texts(NEAR, OTHER), against=str(known))


def test_nothing_is_overwritten_and_ids_are_unique(dedupe: Dedupe, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has '1' 2 times"):
        dedupe([{"id": 1, "text": FIRST}, {"id": 1, "text": OTHER}])
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigurationError, match="is there already"):
        dedupe(texts(FIRST))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rebuild-index", "--threshold", "0.5"], "--threshold is not for --rebuild-index"),
        (["--rebuild-index", "--semantic", "0.9"], "--semantic is not for --rebuild-index"),
        (["--take-over"], "--take-over is for --rebuild-index"),
        (["--input", "x", "--column", "text", "--id", "id"], "--input, --column, --id and --output must be given"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: list[str], said: str) -> None:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(command_line)
    done = CliRunner().invoke(app, ["unread.yaml", *options])
    assert done.exit_code == 2 and said in " ".join(done.output.split())
