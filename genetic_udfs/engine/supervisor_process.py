"""The supervisor as a process of its own, `python -m` this module; `supervisor_launch.py` starts it."""

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from genetic_udfs.engine import models, records, vllm
from genetic_udfs.engine.protocol import EngineRequest
from genetic_udfs.engine.supervisor import USUAL_TIMING, CommandOf, Supervisor, Timing
from genetic_udfs.runtime.process import ProcessId, adopt_orphans


def run(folder: Path, command_of: CommandOf, watched: ProcessId, timing: Timing = USUAL_TIMING) -> None:
    """Be the supervisor of a folder, in this process, until there is no reason to.

    When the watched process is gone and nothing has failed, nobody will want the logs, and the folder goes too.
    """
    with records.locked_folder(folder) as mine:
        if not mine:
            return  # another one came first
        adopt_orphans()
        for done in records.end_orphans(folder.parent, folder, timing.sweep):
            print(done, file=sys.stderr, flush=True)
        supervisor = Supervisor(folder, command_of, watched, timing)
        asyncio.run(supervisor.run())
        if not watched.is_alive() and not supervisor.has_seen_failures:
            shutil.rmtree(folder, ignore_errors=True)


def detach() -> None:
    """Go on in a process that is no child of the caller's and in no group of Spark's."""
    if os.fork() > 0:
        os._exit(0)
    os.setsid()


def vllm_commands(gpus: tuple[str, ...]) -> CommandOf:
    """Return what works out the command of a vLLM server on these GPUs."""

    def command_of(request: EngineRequest, socket: Path) -> vllm.Command:
        model = models.prepared(request.engine.model)
        return vllm.command(request.engine, model, str(socket), vllm.Machine.here(gpus), os.environ)

    return command_of


def main(commands: Callable[[tuple[str, ...]], CommandOf] = vllm_commands, timing: Timing = USUAL_TIMING) -> None:
    """Be the supervisor of an executor, as the command line says.

    Args:
        commands: Makes the function that works out servers' commands, given the addresses of the GPUs.
        timing: How long the supervisor waits for what.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--watch", type=int, nargs=2, required=True, metavar=("PID", "STARTED"))
    parser.add_argument("--gpus", default="", help="addresses, separated by commas")
    options = parser.parse_args()
    gpus = tuple(gpu for gpu in options.gpus.split(",") if gpu)
    detach()
    run(options.folder, commands(gpus), ProcessId(*options.watch), timing)


if __name__ == "__main__":
    main()
