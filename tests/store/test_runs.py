"""What `runs` keeps of a configuration, what of it may not change, and what a start tells of the runs before it."""

from pathlib import Path

import yaml
from pyspark.sql import Row

from genetic_udfs.config import Config
from genetic_udfs.config.file import load_config
from genetic_udfs.data.seeds import Seed
from genetic_udfs.store.runs import (
    changed_models,
    changed_reasoning,
    changed_test_sets,
    configuration_text,
    fixed_settings,
    library_versions,
)

LOCAL = Path(__file__).parents[2] / "conf" / "local.yaml"


def test_the_configuration_is_kept_without_secrets() -> None:
    secrets = ["engines.smollm.env.HF_TOKEN=abc123", "spark.conf={spark.hadoop.fs.s3a.secret.key: abc123}"]
    text = configuration_text(load_config(LOCAL, secrets))
    assert "abc123" not in text
    kept = yaml.safe_load(text)
    assert kept["engines"]["smollm"]["env"] == {**load_config(LOCAL).engines["smollm"].env, "HF_TOKEN": "(not kept)"}
    assert kept["roles"]["coder"]["max_tokens"] == load_config(LOCAL).roles.coder.max_tokens


def test_seeds_are_fixed_by_their_ids_and_texts() -> None:
    config = load_config(LOCAL)
    first = fixed_settings(config, [Seed("a", "one"), Seed("b", "two")])
    assert first == fixed_settings(config, [Seed("a", "one"), Seed("b", "two")])
    assert first != fixed_settings(config, [Seed("a", "one"), Seed("b", "three")])
    assert set(first) == {"seed", "seeds", "colonies", "dedup.threshold", "dedup.shingle_words"}


def test_versions_name_what_makes_the_results() -> None:
    versions = library_versions()
    assert versions["pyspark"].startswith("4.2.")
    assert versions["delta-spark"].startswith("4.4.")
    assert {"python", "pandas", "pyarrow", "aiohttp"} <= set(versions)


def config(**engine: object) -> Config:
    return Config.model_validate(
        {
            "store": "unused",
            "seeds": "unused",
            "generations": 1,
            "samples_per_generation": 1,
            "engines": {"any": {"model": "any/model", **engine}, "unused": {"model": "other/model"}},
            "roles": {role: {"engine": "any"} for role in ("instructor", "coder", "judge")},
        }
    )


def run(of: Config | None = None, **versions: str) -> Row:
    return Row(versions=versions, configuration=configuration_text(of or config()))


def test_a_first_run_tells_of_no_change() -> None:
    assert changed_models([], config(dtype="float16")) == changed_test_sets([], {"HumanEval": "abc"}) == []


def now_and_before(now: str, before: str) -> list[str]:
    return [
        f"roles.{role}: the model is {now}, and was {before} in the last run"
        for role in ("instructor", "coder", "judge")
    ]


def test_the_last_run_counts() -> None:
    before = [run(**{"model of engine any": "any/model"}), run(**{"model of engine any": "old/model"})]
    assert changed_models(before, config()) == now_and_before("any/model", "old/model")
    assert changed_models(before[::-1], config()) == []


def test_a_model_is_a_roles_whatever_its_engine_is_called() -> None:
    before, now = [run(**{"model of engine any": "any/model"})], config().model_dump()
    now["engines"]["other"] = {"model": "other/model"}
    now["roles"]["coder"]["engine"] = "other"
    now["roles"]["tester"] = now["roles"]["judge"]  # there was none
    told = changed_models(before, Config.model_validate(now))
    assert told == ["roles.coder: the model is other/model, and was any/model in the last run"]
    now["engines"]["other"] = {"model": "any/model"}
    assert changed_models(before, Config.model_validate(now)) == []


def test_a_length_that_ends_replies_a_judge_of_paraphrases_and_what_embeds_are_named() -> None:
    before, now = config(max_model_len=8192).model_dump(), config(max_model_len=9000).model_dump()
    for each in (before, now):
        each["engines"] |= {"near": {"model": "some/embedder", "task": "embed"}, "other": {"model": "other/model"}}
        each["decontamination"] = {"paraphrases": {"model": "engine:near"}}
        each["roles"]["judge"]["max_tokens"] = 8
        each["roles"]["instructor"]["max_tokens"] = None
    now["decontamination"]["paraphrases"]["judge"] = {"engine": "other"}
    now["engines"]["near"]["model"] = "another/embedder"
    last = run(Config.model_validate(before), **{"model of engine near": "some/embedder"})
    assert changed_models([last], Config.model_validate(before)) == []
    assert changed_models([last], Config.model_validate(now)) == [
        "roles.instructor: the model is any/model, max_model_len 9000, and was any/model, max_model_len 8192 in the"
        " last run",
        "decontamination.paraphrases.judge: the model is other/model, and was any/model in the last run",
        "engine near: the model is another/embedder, and was some/embedder in the last run",
    ]


def test_runs_that_did_not_write_models_down_had_them_by_name() -> None:
    assert changed_models([run()], config()) == []
    assert changed_models([Row(**{**run().asDict(), "versions": None})], config()) == []
    assert changed_models([run(config(model="old/model"))], config()) == now_and_before("any/model", "old/model")
    quantized = config(args={"quantization": "fp8"})
    assert changed_models([run()], quantized) == now_and_before('any/model {"quantization": "fp8"}', "any/model")


def test_thoughts_that_are_told_from_answers_otherwise_are_named() -> None:
    before = [run(**{"reasoning of engine any": 'reasoning: true, reasoning-parser: "qwen3"'})]
    same = config(args={"reasoning_parser": "qwen3", "seed": 3})
    assert changed_reasoning([], config()) == changed_reasoning(before, same) == []
    assert changed_reasoning([run()], same) == changed_reasoning([Row(versions=None)], same) == []
    assert changed_reasoning(before, config(reasoning={"end": "</t>"})) == [
        'engine any: reasoning: {"begin": null, "end": "</t>"}, and was reasoning: true, reasoning-parser: "qwen3" in'
        " the last run"
    ]


def test_a_test_set_that_is_new_or_has_other_items_is_named() -> None:
    before = [run(**{"test set mbpp": "abc"})]
    assert changed_test_sets(before, {"mbpp": "abc"}) == []
    assert changed_test_sets(before, {"mbpp": "xyz", "HumanEval": "abc"}) == [
        "test set mbpp: xyz now, abc in the last run",
        "test set HumanEval: abc now, not there in the last run",
    ]
