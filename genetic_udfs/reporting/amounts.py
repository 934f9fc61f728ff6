"""Times, numbers, shares and money as a person reads them."""

from collections.abc import Iterable

from pyspark.sql import Row


def duration(seconds: float) -> str:
    """Return a time in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def counted(number: int, thing: str) -> str:
    """Return a number of things, such as `1 pair` or `2,000 pairs`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def share(part: int, whole: int) -> str:
    """Return a part of a whole in percent; a dash if there is no whole."""
    return f"{part / whole:.0%}" if whole else "-"


def format_number(value: float | None, form: str) -> str:
    """Return a number in one of Python's formats; a dash if there is none."""
    return "-" if value is None else format(value, form)


def money_of(cost: Row) -> float | None:
    """Return the money of a role's costs; None where no price was set, or an earlier version wrote the row."""
    return cost.asDict().get("money")


def format_money(amount: float | None) -> str:
    """Return an amount of whatever currency the prices are in: two digits after the point, more of small ones."""
    if amount is None:
        return "-"
    return f"{amount:,.2f}" if amount >= 1 or amount == 0 else f"{amount:.3g}"


def format_total(amounts: Iterable[float | None]) -> str | None:
    """Return the sum of amounts as a person reads it, "at least" where some are not known; None where none is."""
    given = list(amounts)
    known = [amount for amount in given if amount is not None]
    if not known:
        return None
    return f"{'' if len(known) == len(given) else 'at least '}{format_money(sum(known))}"
