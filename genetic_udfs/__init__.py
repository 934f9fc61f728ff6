"""Genetic-Instruct as a Spark job: pandas UDFs over vLLM engines, populations as versioned Delta tables.

What a user of the library may call; `docs/library.md` shows each on a table. All else may change.

- `load_config`: read a YAML file with overrides into a `Config`.
- `open_session`: a SparkSession with Delta.
- `evolve`: bring a population to the configuration's generations.
- `read_generation`: a table of a store as a generation left it.
- `register_functions`: `instruct`, `solve` and `judge` as SQL functions.
- `near_duplicates`: which texts duplicate others.
- `contaminated`: which rows hold an item of a test set.
- `run_tests`: a column of how code does in its tests.
- `Config`: a run's settings, as `load_config` gives them.
- `Dedup`: settings of `near_duplicates`.
- `Sandbox`: settings of `run_tests`.
- `GeneticUdfsError`: base of the errors that a user can act on, with the exit code of a job.
- `ConfigurationError`: settings, options, or what is read are at fault.
- `StoreError`: the tables of a store are.
- `EngineError`: an engine cannot serve.
- `SandboxError`: code cannot be run as safely as is asked for.
- `ClusterError`: the cluster cannot run a job; jobs alone raise it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genetic_udfs.commands.library import (
        ClusterError,
        Config,
        ConfigurationError,
        Dedup,
        EngineError,
        GeneticUdfsError,
        Sandbox,
        SandboxError,
        StoreError,
        contaminated,
        evolve,
        load_config,
        near_duplicates,
        open_session,
        read_generation,
        register_functions,
        run_tests,
    )

__all__ = [
    "ClusterError",
    "Config",
    "ConfigurationError",
    "Dedup",
    "EngineError",
    "GeneticUdfsError",
    "Sandbox",
    "SandboxError",
    "StoreError",
    "contaminated",
    "evolve",
    "load_config",
    "near_duplicates",
    "open_session",
    "read_generation",
    "register_functions",
    "run_tests",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a public function when it is first named: executors and `--help` need none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from genetic_udfs.commands import library

    return getattr(library, name)


def __dir__() -> list[str]:
    """List the public names, which are not imported before they are named."""
    return sorted([*__all__, "__version__"])
