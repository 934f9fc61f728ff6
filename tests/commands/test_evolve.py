"""How a run ends whose store went away meanwhile, and what the last line of its summary has one type."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from py4j.protocol import Py4JNetworkError

from genetic_udfs.commands import evolve as command
from genetic_udfs.errors import EngineError, StoreError
from genetic_udfs.store import scratch
from genetic_udfs.store.scratch import Scratch


def run_on(store: SimpleNamespace) -> Any:
    @contextmanager
    def held(**_: Any) -> Iterator[None]:
        yield

    return SimpleNamespace(
        id="run",
        config=SimpleNamespace(runs_code=False),
        store=store,
        lease=SimpleNamespace(held=held, was_abandoned=False),
        scratch=Scratch(SimpleNamespace(), "/gone"),  # type: ignore[arg-type]
        progress=SimpleNamespace(note=lambda _: None, watching=lambda _: held()),
        spark=None,
    )


@pytest.mark.parametrize("unreachable", [StoreError("the store cannot be reached"), Py4JNetworkError("no JVM")])
def test_the_error_that_ended_a_run_is_raised_although_its_store_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch, unreachable: Exception
) -> None:
    ended = EngineError("engine 'x' is gone")

    def fail(error: Exception) -> Any:
        def failing(*_: Any, **__: Any) -> None:
            raise error

        return failing

    for name in ("check_origin", "prepare", "begin_run"):
        monkeypatch.setattr(command, name, lambda *_: None)
    monkeypatch.setattr(command, "changed_test_sets", lambda *_: [])
    monkeypatch.setattr(command, "shutting_down", threading.Event())
    monkeypatch.setattr("genetic_udfs.store.write_access.refuse_newer", lambda _: None)
    monkeypatch.setattr(command.loop, "evolve", fail(ended))
    monkeypatch.setattr(scratch, "resolve_path", fail(Py4JNetworkError("no JVM")))
    store = SimpleNamespace(root="store", before_commit=fail(unreachable))
    with pytest.raises(EngineError) as raised:
        command.evolve_recorded(run_on(store), [], [])
    assert raised.value is ended


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("/repo/jobs/evolve.py", "./spark-submit.sh jobs/sql.py 'a b.yaml' --set seed=1"),
        ("genetic-udfs evolve", "genetic-udfs sql 'a b.yaml' --set seed=1"),
    ],
)
def test_the_command_for_sql_is_of_the_kind_that_started_the_run(
    monkeypatch: pytest.MonkeyPatch, program: str, said: str
) -> None:
    monkeypatch.setattr(sys, "argv", [program, "a b.yaml"])
    assert command._sql_command(Path("a b.yaml"), ["seed=1"]) == said
