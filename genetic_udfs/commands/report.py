"""`jobs/report.py`: writes the report of a store, or of two side by side, as one HTML file."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from genetic_udfs.commands.compare import comparison_rows, other_store
from genetic_udfs.commands.session import job_progress, job_session
from genetic_udfs.config.file import load_config
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.reporting.comparison import overlap, summarize_store
from genetic_udfs.reporting.report.aggregates import read_figures
from genetic_udfs.reporting.report.charts import Table
from genetic_udfs.reporting.report.page import GENERATOR, page
from genetic_udfs.store.tables import Store

# Accepted pairs, and as many rejected candidates, that a page shows; of two stores each has half of them.
SAMPLES: Final = 60


def report(config: Path, output: Path, compare: str | None = None, overrides: list[str] | None = None) -> None:
    """Write the report of a store; `compare` names another to put beside it."""
    settings = load_config(config, overrides or [])
    other = None if compare is None else other_store(config, settings.store, compare)
    check_output(output)
    with job_session(settings, "report") as spark, job_progress(spark) as progress:
        stores = [Store(spark, root) for root in (settings.store, other) if root is not None]
        figures = []
        for store in stores:
            with progress.stage(f"reading {store.root}", None):
                figures.append(read_figures(store, SAMPLES // len(stores)))
        shared = None
        if len(stores) == 2:
            with progress.stage("comparing", None):
                lasts = figures[0].generations[-1].number, figures[1].generations[-1].number
                summaries = summarize_store(stores[0], lasts[0]), summarize_store(stores[1], lasts[1])
                rows = comparison_rows(*summaries, overlap(stores[0], stores[1], lasts))
                shared = Table(("", f"A: {stores[0].root}", f"B: {stores[1].root}"), rows)
    size = write(output, page(figures, shared))
    print(f"{output}: {size / 1e6:.1f} MB")


def check_output(path: Path) -> None:
    """Check that a report can be written to a path; an earlier report there is replaced, and nothing else.

    Raises:
        ConfigurationError: if not.
    """
    try:
        if not path.parent.is_dir():
            raise ConfigurationError(f"--output {path}: there is no folder {path.parent}")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise ConfigurationError(f"--output {path}: the folder {path.parent} cannot be written to")
        if not path.exists():
            return
        is_report = path.is_file() and GENERATOR in _beginning(path)
    except OSError as error:
        raise ConfigurationError(f"--output {path}: cannot be looked at: {error.strerror}") from None
    if not is_report:
        raise ConfigurationError(f"--output {path}: is there already, and is no report; name another file")


def _beginning(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(1000)


def write(path: Path, text: str) -> int:
    """Write a page as a whole, and return its bytes.

    Raises:
        ConfigurationError: if it cannot be written.
    """
    content = text.encode()
    draft = path.with_name(f".report.{os.getpid()}")  # its own name may be as long as a name can be
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):  # whatever kept it from being written may keep it from being removed
            draft.unlink()
        raise ConfigurationError(f"--output {path}: cannot be written: {error.strerror}") from None
    return len(content)
