"""Makes Spark's Python workers run as in a container whose seccomp profile does not permit Landlock."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

# A filter that all processes below inherit: landlock_create_ruleset gives EPERM, everything else is allowed.
_FILTER = """
import ctypes, struct
code = b"".join(struct.pack("HBBI", *each) for each in [
    (0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)])
kept = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxP", 4, ctypes.addressof(kept))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()
"""


def take_landlock_away(spark: SparkSession, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workers that are started from now on load the filter; those of other environments are not used again."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_FILTER)
    monkeypatch.setitem(spark.sparkContext.environment, "PYTHONPATH", str(folder))
