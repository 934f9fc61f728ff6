"""What is found wrong before Spark starts."""

import pytest

from genetic_udfs.commands.checks.preflight import check_embeddings, check_engine, check_gpus, check_seeds
from genetic_udfs.config import EMBEDDING_MODEL, Engine
from genetic_udfs.config.file import load_config
from genetic_udfs.errors import ConfigurationError
from tests.conftest import PROJECT

LOCAL = PROJECT / "conf" / "local.yaml"


@pytest.mark.parametrize(
    ("key", "holder"),
    [("task", "a task that feeds it"), ("executor", "an executor")],
)
@pytest.mark.parametrize(
    ("args", "amount", "fits"),
    [
        ("{tensor-parallel-size: 4}", 4, True),
        ("{tensor_parallel_size: 2, pipeline-parallel-size: 2}", 4, True),
        ("{tensor-parallel-size: 1}", 1, True),
        ("{}", 4, True),
        ("{tensor-parallel-size: 8}", 1, False),
        ("{data-parallel-size: 2}", 4, False),
    ],
)
def test_an_engine_has_as_many_gpus_as_it_spreads_over(
    key: str, holder: str, args: str, amount: int, fits: bool
) -> None:
    overrides = [f"engines.smollm.args={args}", f"spark.conf.spark.{key}.resource.gpu.amount={amount}"]
    config = load_config(LOCAL, overrides)
    if fits:
        check_gpus(config)
    else:
        with pytest.raises(ConfigurationError, match=rf"engines\.smollm\.args: spreads over \d GPUs, but {holder} has"):
            check_gpus(config)


def test_tasks_may_share_a_gpu() -> None:
    amount = "spark.conf.spark.task.resource.gpu.amount=0.125"
    check_gpus(load_config(LOCAL, ["engines.smollm.args={tensor-parallel-size: 1}", amount]))
    with pytest.raises(ConfigurationError, match=r"spreads over 2 GPUs, but a task that feeds it has 0\.125"):
        check_gpus(load_config(LOCAL, ["engines.smollm.args={tensor-parallel-size: 2}", amount]))


def test_an_engine_that_is_asked_about_paraphrases_alone_needs_its_gpus_too() -> None:
    overrides = [
        "engines.comparer={model: m, args: {tensor-parallel-size: 2}}",
        "decontamination.paraphrases={judge: {engine: comparer}}",
        "spark.conf.spark.task.resource.gpu.amount=1",
    ]
    with pytest.raises(ConfigurationError, match=r"engines\.comparer\.args: spreads over 2 GPUs"):
        check_gpus(load_config(LOCAL, overrides))


def test_where_spark_manages_no_gpus_an_engine_may_spread_as_it_likes() -> None:
    check_gpus(load_config(LOCAL, ["engines.smollm.args={tensor-parallel-size: 8}"]))


def test_a_model_and_a_key_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(LOCAL, ["engines.smollm.model=/nowhere"])
    with pytest.raises(ConfigurationError, match=r"engines\.smollm\.model: /nowhere is no folder"):
        check_engine("smollm", config.engines["smollm"])
    monkeypatch.delenv("NO_KEY", raising=False)
    config = load_config(LOCAL, ["engines.remote={model: m, url: http://a/v1, api_key_env: NO_KEY}"])
    with pytest.raises(ConfigurationError, match=r"engines\.remote\.api_key_env: .*NO_KEY is not set"):
        check_engine("remote", config.engines["remote"])


def test_what_embeds_is_looked_for_as_an_engine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"engines\.smollm\.model: bundled:all-minilm-l6-v2 writes no texts"):
        check_engine("smollm", Engine(model=EMBEDDING_MODEL))
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    vectors = "engines.vectors={model: m, url: 'http://a/v1', api_key_env: NO_SUCH_KEY, task: embed}"
    config = load_config(LOCAL, [vectors, "dedup.semantic={model: 'engine:vectors'}"])
    with pytest.raises(ConfigurationError, match=r"engines\.vectors\.api_key_env: .* NO_SUCH_KEY is not set"):
        check_embeddings(config)


def test_more_parents_than_seeds_are_refused() -> None:
    easy = load_config(LOCAL, ["operators.crossover_parents=32"])
    assert len(check_seeds(easy)) >= 60
    few = load_config(LOCAL, ["operators.crossover_parents=32", "seeds_where={topic: geometry}"])
    with pytest.raises(ConfigurationError, match=r"has \d+ seeds that seeds_where matches; give more seeds"):
        check_seeds(few)
    with pytest.raises(ConfigurationError, match="seeds"):
        check_seeds(load_config(LOCAL, ["seeds=/nowhere.jsonl"]))
