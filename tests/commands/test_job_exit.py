"""How a job ends: exit codes, and one message instead of a trace."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

JOB = """
import os, signal, time
from genetic_udfs.commands.job_exit import run_job
from genetic_udfs.runtime.stopping import stop_requested
from genetic_udfs.errors import ConfigurationError, EngineError, StoreError

def job(name: str) -> None:
    if name == "configuration":
        raise ConfigurationError("seed: is wrong")
    if name == "engine":
        raise EngineError("engine 'x' is gone")
    if name == "lost file":
        raise RuntimeError("[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error while reading file /s/runs/a.parquet.")
    if name == "defect":
        raise ZeroDivisionError("a defect")
    if name == "done, then SIGTERM":
        os.kill(os.getpid(), signal.SIGTERM)
        stop_requested.wait(5)
    if name in ("SIGTERM", "SIGINT"):
        os.kill(os.getpid(), getattr(signal, name))
        stop_requested.wait(5)
        raise RuntimeError("Job 3 cancelled as part of cancellation of all jobs")
    if name.startswith("stopped, then"):
        os.kill(os.getpid(), signal.SIGTERM)
        stop_requested.wait(5)
        raise StoreError("the disk is full") if name.endswith("full") else ZeroDivisionError("a defect")

run_job(job, resumable=True)
"""


@pytest.mark.parametrize(
    ("argument", "code", "message"),
    [
        ("fine", 0, ""),
        ("configuration", 2, "error: seed: is wrong\n"),
        ("engine", 1, "error: engine 'x' is gone\n"),
        (
            "lost file",
            1,
            "error: /s/runs: a file of this table is missing: a.parquet; put it back from a backup. Versions that do"
            " not need it can be read; jobs/history.py CONFIG lists those that cannot\n",
        ),
        ("stopped, then the disk is full", 1, "error: the disk is full\n"),
        ("done, then SIGTERM", 0, ""),
        ("SIGTERM", 143, "stopped; run the same command to resume\n"),
        ("SIGINT", 143, "stopped; run the same command to resume\n"),
    ],
)
def test_an_end_has_its_code_and_one_line(argument: str, code: int, message: str) -> None:
    done = run(argument)
    assert (done.returncode, done.stderr) == (code, message)


@pytest.mark.parametrize("argument", ["defect", "stopped, then a defect"])
def test_a_defect_keeps_its_trace(argument: str) -> None:
    done = run(argument)
    assert done.returncode == 1
    assert "ZeroDivisionError: a defect" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("fine", "more"), ("fine", "--bogus")])
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_help_shows_flags_without_a_value() -> None:
    (line,) = [line for line in run("--help").stdout.splitlines() if "--help" in line]
    assert line.split() == ["--help", "Show", "this", "message", "and", "exit."]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", JOB, *arguments]
    return subprocess.run(command, cwd=Path(__file__).parents[2], text=True, capture_output=True, timeout=60)
