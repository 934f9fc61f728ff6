"""Which releases of Spark and Delta belong together."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

from genetic_udfs.errors import ConfigurationError

# Delta's release line for each Spark line it was built against (io.delta:delta-spark_<spark>_2.13).
_DELTA_FOR_SPARK: Final = {"4.2": "4.4"}


def check_versions() -> None:
    """Refuse a pair of pyspark and delta-spark that were not built for each other.

    Raises:
        ConfigurationError: naming both versions and the pair that works.
    """
    try:
        spark, delta = version("pyspark"), version("delta-spark")
    except PackageNotFoundError as error:
        raise ConfigurationError(f"the package {error.name} is not installed in this Python environment") from None
    spark_line, delta_line = _line(spark), _line(delta)
    if _DELTA_FOR_SPARK.get(spark_line) != delta_line:
        pairs = ", ".join(f"pyspark {s}.x with delta-spark {d}.x" for s, d in _DELTA_FOR_SPARK.items())
        raise ConfigurationError(
            f"pyspark {spark} and delta-spark {delta} do not belong together; this version works with {pairs}"
        )


def _line(release: str) -> str:
    return ".".join(release.split(".")[:2])
