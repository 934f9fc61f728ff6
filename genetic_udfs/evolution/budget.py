"""What a store's replies have taken in all, and the end of a run that has reached its budget."""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.errors import BudgetReached
from genetic_udfs.evolution.run import Run
from genetic_udfs.store.costs import by_stage
from genetic_udfs.store.ledger import Stage
from genetic_udfs.store.schema import REPLIES


@dataclass(frozen=True)
class Spent:
    """Tokens, read and written, and money; 0 where no price is set."""

    tokens: int
    money: float

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.tokens + other.tokens, self.money + other.money)


def spent(replies: DataFrame) -> Spent:
    """Return what replies have taken; those of a stage go together, as an engine costs by the hour."""
    tokens = F.coalesce("prompt_tokens", F.lit(0)) + F.coalesce("completion_tokens", F.lit(0))
    (row,) = by_stage(replies).agg(F.sum(tokens).alias("tokens"), F.sum("money").alias("money")).collect()
    return Spent(row["tokens"] or 0, row["money"] or 0.0)


def budget_check(run: Run, stage: Stage, name: str, missing: int) -> Callable[[], None]:
    """Return what ends the run, before requests of a stage are sent, if its budget is reached.

    What other stages took is read once: it stays as it is while this one is asked.

    Args:
        run: the run.
        stage: what is asked next.
        name: how the user is told of it.
        missing: how many requests of it had no reply when it began.

    Returns:
        A function that raises `BudgetReached`, with what is left to do.
    """
    budget = run.config.budget
    if budget is None:
        return lambda: None
    elsewhere = spent(run.store.read(REPLIES).filter(~stage.has()))

    def check() -> None:
        so_far = elsewhere + spent(run.store.read(REPLIES).filter(stage.has()))
        reached = [
            f"{key} {taken:,} of {limit:,}"
            for key, taken, limit in (
                ("tokens", so_far.tokens, budget.tokens),
                ("money", round(so_far.money, 4), budget.money),
            )
            if limit is not None and taken >= limit
        ]
        if reached:
            raise BudgetReached(
                f"the budget is reached: {', '.join(reached)}. What was answered is kept. Left to do: {name} (of whose"
                f" {missing:,} requests some or all were not sent), and what follows in {run.config.generations}"
                " generations; start again with a larger `budget` to go on"
            )

    return check
