"""The real supervisor, impatient, over scripted servers in place of vLLM; an engine's `args` are theirs."""

import os
import sys
from pathlib import Path

from genetic_udfs.config import MEMORY_SHARE
from genetic_udfs.engine.protocol import EngineRequest
from genetic_udfs.engine.supervisor import CommandOf, Timing
from genetic_udfs.engine.supervisor_process import main
from genetic_udfs.engine.vllm import SERVED_MODEL, Command
from genetic_udfs.errors import ConfigurationError

SCRIPT = Path(__file__).parent.parent / "scripted_server.py"
TIMING = Timing(tick=0.05, backoff=0.1, failures=3, rest=60.0, look=0.2, steady=60.0, grace=3.0, sweep=1.0)


def scripted_commands(gpus: tuple[str, ...]) -> CommandOf:
    def command_of(request: EngineRequest, socket: Path) -> Command:
        if request.engine.model == "missing":
            raise ConfigurationError("model: there is no such model")
        arguments = [sys.executable, str(SCRIPT), "--uds", str(socket), "--model", SERVED_MODEL]
        for name, value in request.engine.args.items():
            if name != MEMORY_SHARE:
                arguments += [f"--{name}", str(value)]
        sleeps = bool(request.engine.sleep)
        return Command(arguments, {**os.environ, "CUDA_VISIBLE_DEVICES": ",".join(gpus)}, sleeps)

    return command_of


if __name__ == "__main__":
    main(scripted_commands, TIMING)
