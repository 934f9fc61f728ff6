"""The points of a run at which it can be killed: before and after each commit, each result of a stage, each asking.

A point is a text such as "after append population generation-1". `watch` wraps the functions that all of a run's
effects go through, so nothing in the program knows of this.
"""

import functools
from collections.abc import Callable
from typing import Any

from genetic_udfs.store.ledger import Ledger
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store


def watch(reached: Callable[[str], None], patch: Callable[[type, str, Callable[..., Any]], None] = setattr) -> None:
    """Have `reached` called with each point that is come by.

    Args:
        reached: may raise, or end the process.
        patch: sets an attribute of a class.
    """

    def named(kind: type, method: str, name: Callable[..., str]) -> None:
        original = getattr(kind, method)

        @functools.wraps(original)
        def between(self: Any, *args: Any, **kwargs: Any) -> Any:
            point = name(*args, **kwargs)
            reached(f"before {point}")
            result = original(self, *args, **kwargs)
            reached(f"after {point}")
            return result

        patch(kind, method, between)

    named(Store, "append", _commit)
    named(Scratch, "checkpoint", lambda rows, name, *_, **__: f"checkpoint {name}")
    named(Ledger, "record", lambda plan, *_: f"record {plan.stage.name}")


def _commit(table: str, rows: object, *, version: int = 0, **metadata: object) -> str:
    if "wave" in metadata:
        return f"append {table} {metadata['stage']} wave-{metadata['wave']}"
    return f"append {table} generation-{metadata['generation']}" if "generation" in metadata else f"append {table}"
