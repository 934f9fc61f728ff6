"""`jobs/maintain.py`: writes small files together, and removes files that nothing needs."""

from pathlib import Path

from genetic_udfs.commands.session import job_session
from genetic_udfs.config.file import load_config
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.store.maintenance import MIN_HOURS, optimize, set_properties, vacuum
from genetic_udfs.store.presence import require
from genetic_udfs.store.schema import POPULATION
from genetic_udfs.store.schema_version import refuse_newer
from genetic_udfs.store.tables import Store
from genetic_udfs.store.write_errors import translate_write_errors


def maintain(
    config: Path,
    overrides: list[str] | None = None,
    *,
    remove: bool = False,
    hours: int | None = None,
    forget: bool = False,
) -> None:
    """Write small files together, and remove unreferenced files; runs and readers go on meanwhile."""
    hours = MIN_HOURS if hours is None else hours
    if hours < MIN_HOURS:
        raise ConfigurationError(
            f"--hours {hours}: must be {MIN_HOURS} or more; a reader or a run that began earlier may need the files"
        )
    settings = load_config(config, overrides or [])
    with job_session(settings, "maintain") as spark:
        store = Store(spark, settings.store)
        with translate_write_errors(store.root):
            require(store, POPULATION)
            refuse_newer(store)
            for table in set_properties(store):
                print(f"{table}: retention and statistics set as for new stores")
            for done in optimize(store):
                size = f"{done.bytes_after / 2**20:,.1f} MiB"
                print(f"{done.table}: {done.files_before:,} files, now {done.files_after:,} of {size} in all")
            word = "removed" if remove else "could be removed (--vacuum)"
            for table, files in vacuum(store, hours, forget=forget, dry_run=not remove).items():
                size = f"{sum(file.size for file in files) / 2**20:,.1f} MiB"
                print(f"{table}: {len(files):,} unreferenced files of {size}, older than {hours} hours, {word}")
