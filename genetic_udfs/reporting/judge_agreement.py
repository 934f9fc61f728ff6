"""How far two judges agree on the same candidates; tests can be one of the two."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Agreement:
    """How many candidates two judges gave which verdicts; the first word is the first judge's."""

    yes_yes: int = 0
    yes_no: int = 0
    no_yes: int = 0
    no_no: int = 0

    @property
    def total(self) -> int:
        """How many candidates both have judged."""
        return self.yes_yes + self.yes_no + self.no_yes + self.no_no

    @property
    def share(self) -> float | None:
        """Share of the candidates on which they agree; None without candidates."""
        return (self.yes_yes + self.no_no) / self.total if self.total else None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: 1 for full agreement, 0 for as much as chance gives (J. Cohen, EPM 20(1), 1960).

        It is undefined, and None, without candidates, and where both judges gave nothing but one and the same verdict:
        chance alone would make them agree on everything.
        """
        if self.share is None:
            return None
        first, second = self.yes_yes + self.yes_no, self.yes_yes + self.no_yes
        by_chance = first * second + (self.total - first) * (self.total - second)
        if by_chance == self.total**2:
            return None
        expected = by_chance / self.total**2
        return (self.share - expected) / (1 - expected)


def print_agreement(console: Console, found: Agreement, title: str) -> None:
    """Print what the first judge said in rows and the second in columns, then the share and kappa.

    Args:
        console: where to print.
        found: the counts.
        title: says who the judges are.
    """
    console.print(Text(title), soft_wrap=True)
    table = Table()
    table.add_column("")
    for heading in ("second: Yes", "second: No"):
        table.add_column(heading, justify="right")
    table.add_row("first: Yes", str(found.yes_yes), str(found.yes_no))
    table.add_row("first: No", str(found.no_yes), str(found.no_no))
    console.print(table)
    console.print(Text(format_agreement(found)), soft_wrap=True)


def format_agreement(found: Agreement) -> str:
    """Say how far they agree."""
    if found.share is None:
        return "No candidate has a verdict of both judges."
    message = (
        f"They agree on {found.yes_yes + found.no_no} of {found.total} candidates ({found.share:.0%}); Cohen's kappa"
    )
    if found.kappa is None:
        return f"{message} is undefined, as both said the same of every candidate."
    return f"{message} is {found.kappa:.2f}."
