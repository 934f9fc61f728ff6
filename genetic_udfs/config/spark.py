"""Settings for spark-submit."""

from typing import Any

from pydantic import field_validator

from genetic_udfs.config.section import Scalar, Section


class Spark(Section):
    """Settings for spark-submit. `master` may be left to SPARK_SUBMIT_ARGS or spark-defaults.conf."""

    master: str | None = None
    conf: dict[str, Scalar] = {}

    @field_validator("conf")
    @classmethod
    def _names_are_sparks(cls, conf: dict[str, Any]) -> dict[str, Any]:
        for name in conf:
            if not name.startswith("spark."):
                raise ValueError(f"{name!r} is no Spark property; their names begin with 'spark.'")
        return conf

    def properties(self) -> dict[str, str]:
        """Return `conf` as Spark writes values: `true`, not `True`."""
        return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in self.conf.items()}
