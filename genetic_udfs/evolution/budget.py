"""What a store's replies have taken in all, and the end of a run that has reached its budget."""

from dataclasses import dataclass

from pyspark.sql import functions as F

from genetic_udfs.errors import BudgetReached
from genetic_udfs.evolution.accounting import by_stage
from genetic_udfs.evolution.run import Run
from genetic_udfs.store.schema import REPLIES


@dataclass(frozen=True)
class Spent:
    """Tokens, read and written, and money; 0 where no price is set."""

    tokens: int
    money: float


def spent(run: Run) -> Spent:
    """Return what all replies of the store have taken."""
    tokens = F.coalesce("prompt_tokens", F.lit(0)) + F.coalesce("completion_tokens", F.lit(0))
    sums = by_stage(run.store.read(REPLIES)).agg(F.sum(tokens).alias("tokens"), F.sum("money").alias("money"))
    (row,) = sums.collect()
    return Spent(row["tokens"] or 0, row["money"] or 0.0)


def check_budget(run: Run, stage: str, missing: int) -> None:
    """End the run, before requests of a stage are sent, if its budget is reached.

    Args:
        run: the run.
        stage: what is asked next.
        missing: how many requests of it had no reply when it began.

    Raises:
        BudgetReached: with what is left to do.
    """
    budget = run.config.budget
    if budget is None:
        return
    so_far = spent(run)
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
            f"the budget is reached: {', '.join(reached)}. What was answered is kept. Left to do: {stage} (of whose"
            f" {missing:,} requests some or all were not sent), and what follows in {run.config.generations}"
            " generations; start again with a larger `budget` to go on"
        )
