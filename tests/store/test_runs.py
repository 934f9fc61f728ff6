"""What `runs` keeps of a configuration, and what of it may not change."""

from pathlib import Path

import yaml

from genetic_udfs.config.file import load_config
from genetic_udfs.data.seeds import Seed
from genetic_udfs.store.runs import configuration_text, fixed_settings, library_versions

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
