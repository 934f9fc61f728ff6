"""One round of a generation, and what its stages share: rows that failed go on with the reason, and ask nothing."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from genetic_udfs.config import Role
from genetic_udfs.decontamination import BenchmarkItem
from genetic_udfs.evolution.requests import prompted, with_replies
from genetic_udfs.evolution.run import Run
from genetic_udfs.runtime.session import small_batches

# A text is in a row twice, as a reply and as what was read of it, and has some four bytes a token.
_BYTES_A_TOKEN: Final = 8
# Ids, reasons, and what the template of a prompt says.
_BYTES_BESIDES: Final = 8 << 10


@dataclass(frozen=True)
class Round:
    """One round of a generation.

    `population` is that of the generation's start, of `size` individuals; `accepted` are the candidates accepted in
    earlier rounds; `index` is the near-duplicate index of both, columns as `dedup.columns.INDEXED`; `needed` is what
    each colony lacks; `slots` how many offspring each gets; `items` are those of the test sets. `attempt` is 2 where
    solutions that failed their tests go through the stages once more.
    """

    run: Run
    generation: int
    number: int
    population: DataFrame
    size: int
    accepted: DataFrame
    index: DataFrame
    needed: dict[int, int]
    slots: dict[int, int]
    items: Sequence[BenchmarkItem]
    attempt: int = 1

    @property
    def name(self) -> str:
        """Name of the round, as a folder of the scratch space."""
        attempt = "" if self.attempt == 1 else f"/attempt-{self.attempt}"
        return f"generation-{self.generation}/round-{self.number}{attempt}"

    @property
    def max_offspring(self) -> int:
        """How many instructions it makes at most."""
        return sum(self.slots.values()) * self.run.config.operators.crossover_instructions

    @property
    def max_bytes(self) -> int | None:
        """An upper estimate of what the rows of a stage take; None where a role's replies have no bound.

        They are all solutions of all instructions, and one of each repaired, and hold what was asked and replied.
        """
        roles, solutions = self.run.config.roles, self.run.config.roles.coder.samples
        # A row has all tests that were written for solutions of its instruction.
        asked = [roles.instructor, roles.coder, roles.judge, *([roles.tester] * solutions if roles.tester else [])]
        bounds = [role.max_tokens for role in asked if role.max_tokens is not None]
        if len(bounds) < len(asked):
            return None
        parents = self.run.config.operators.crossover_parents * (roles.instructor.max_tokens or 0)
        of_row = _BYTES_BESIDES + (sum(bounds) + parents) * _BYTES_A_TOKEN
        return self.max_offspring * (solutions + roles.coder.repair) * of_row


def checkpoint(
    rows: DataFrame,
    this: Round,
    name: str,
    observed: Mapping[str, Column] | None = None,
    *,
    takes_seconds: bool = False,
) -> DataFrame:
    """Compute what a stage, named for progress, made of the rows; go on from its result in the scratch space.

    `observed` are aggregates over the rows, for `Scratch.observed`. Of a stage that takes seconds for a row Python gets
    a few rows at a time. Rows that are the result of a stage are returned as they are.
    """
    if this.run.scratch.has(rows):
        return rows
    batches = small_batches(this.run.spark) if takes_seconds else nullcontext()
    with batches, this.run.progress.stage(f"generation {this.generation}, round {this.number}: {name}", None):
        place = f"{this.name}/{name.replace(' ', '-')}"
        return this.run.scratch.checkpoint(rows, place, observed, max_bytes=this.max_bytes)


def not_rejected() -> Column:
    """Tell whether a row has passed every stage so far."""
    return F.col("reason").isNull()


def reject(rows: DataFrame, found: Column) -> DataFrame:
    """Set `reason` and `detail` from a struct with those fields, where it has a reason and the row has none yet."""
    detail = F.when(not_rejected() & found["reason"].isNotNull(), found["detail"])
    return rows.withColumns({"reason": F.coalesce("reason", found["reason"]), "detail": F.coalesce("detail", detail)})


def with_prompt(rows: DataFrame, prompt: Column, template: str, sample: str | None = None) -> DataFrame:
    """Add what `with_replies` needs; rows that were rejected ask nothing.

    Args:
        rows: any columns.
        prompt: the text to ask.
        template: version of the prompt's template.
        sample: a column that tells equal prompts apart.
    """
    return prompted(rows, F.when(not_rejected(), prompt), template, sample)


def asked(prompts: DataFrame, this: Round, role: Role) -> DataFrame:
    """Ask a role in this round, and return the rows with `request_id` and `reply`.

    Args:
        prompts: As of `with_prompt`.
        this: The round.
        role: Whom.
    """
    purpose = None if this.attempt == 1 else f"{role} of repaired solutions"
    return with_replies(
        this.run,
        role,
        prompts,
        this.generation,
        this.number,
        purpose=purpose,
        is_scored=role == "judge",
        max_bytes=this.max_bytes,
    )


def with_columns_of(schema: StructType, rows: DataFrame) -> DataFrame:
    """Return rows with the columns that they lack of a schema, as nulls: of stages that the settings leave out."""
    there = set(rows.columns)
    return rows.withColumns(
        {field.name: F.lit(None).cast(field.dataType) for field in schema.fields if field.name not in there}
    )
