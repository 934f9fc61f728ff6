"""Bounds: of an instruction, of code that is run, of what may be lost."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from genetic_udfs.config.section import Positive, Section


class Filters(Section):
    """Bounds that an instruction must keep, in words."""

    min_words: Positive = 6
    max_words: Positive = 400

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min_words > self.max_words:
            raise ValueError(f"min_words ({self.min_words}) is above max_words ({self.max_words})")
        return self


class Sandbox(Section):
    """How strongly code is confined where it is run, and what a process of it may use.

    On a machine that does not reach `least_tier` no code is run. With `check_runs` a run refuses code that fails as
    soon as it is imported. `decided_by: outside` counts only what the code cannot forge, and has other tests
    `unsupported`; with `together` these are decided in the process that has the code.
    """

    least_tier: Literal["no_files", "landlock", "landlock_folder"] = "landlock"
    cpu_seconds: Positive = 2
    wall_seconds: Annotated[float, Field(gt=0.0)] = 3.0
    memory_mb: Annotated[int, Field(ge=16)] = 512
    check_runs: bool = False
    decided_by: Literal["outside", "together"] = "outside"

    @model_validator(mode="after")
    def _time_to_use_its_cpu(self) -> Self:
        if self.wall_seconds < self.cpu_seconds:
            raise ValueError(
                f"wall_seconds ({self.wall_seconds:g}) is below cpu_seconds ({self.cpu_seconds}), which needs that long"
            )
        return self


class Budget(Section):
    """What a store's replies may take in all: tokens, read and written, and money as the engines' prices say.

    A run that reaches it finishes and keeps what is under way, and ends; one with a larger budget goes on.
    """

    tokens: Positive | None = None
    money: Annotated[float, Field(gt=0.0)] | None = None

    @model_validator(mode="after")
    def _something_is_limited(self) -> Self:
        if self.tokens is None and self.money is None:
            raise ValueError("needs tokens or money, or both; leave it out for no limit")
        return self


class Ledger(Section):
    """How replies reach the `replies` table: two waves at most are lost when the driver is killed.

    When the job is asked to stop, the waves under way may take `stop_within` seconds to end.
    """

    wave_size: Positive = 4096
    stop_within: Annotated[float, Field(ge=0.0)] = 600.0
