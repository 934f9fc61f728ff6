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
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genetic_udfs.commands.library import (
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
