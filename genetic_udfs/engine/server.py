"""One server process of an engine: start it, wait until it is healthy, stop it with everything it started."""

import asyncio
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import aiohttp

from genetic_udfs.engine.vllm import Command
from genetic_udfs.errors import EngineError
from genetic_udfs.runtime.process import ProcessId, die_with_parent, end_group, members

_LINES_SHOWN: Final = 30
_PREFIX: Final = re.compile(r"^(\(\S+ pid=\d+\) )?(?P<level>INFO|WARNING|ERROR|DEBUG)(:| [\d-]+ [\d:]+ \[[^\]]*\]) ?")
_CAUSE: Final = re.compile(r"^(\w+\.)*\w*(Error|Exception|Killed|Interrupt)\b|^\S+: error: ")
# Python's own, with the line of code below it.
_WARNING: Final = re.compile(r"^.*Warning: .*\n(?:  .*\n)?", re.MULTILINE)
_NOISE: Final = re.compile(r"^[\s^~]*$|Loading safetensors|Dumping |warnings\.warn|resource_tracker|^Triton is ")


class Server:
    """A server on a Unix socket, in a session of its own, so that its whole process group can be ended.

    Args:
        command: What to start.
        socket: Where it will listen.
        log: The file for its output.
    """

    def __init__(self, command: Command, socket: Path, log: Path) -> None:
        self.socket = socket
        self.sleeps = command.sleeps
        self._log = log
        socket.unlink(missing_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command.arguments,
                env=command.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        identity = ProcessId.of(self._process.pid)
        assert identity is not None
        self.id = identity
        self.group = [identity]

    @property
    def exit_code(self) -> int | None:
        """The code with which the server exited; None while it runs."""
        return self._process.poll()

    @property
    def end(self) -> str:
        """How the server ended, as part of a sentence."""
        code = self.exit_code
        if code is None or code >= 0:
            return f"exited with code {code}"
        hint = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
        return f"was ended by {signal.Signals(-code).name}{hint}"

    async def wait_healthy(self, seconds: float, send: Callable[[str], None]) -> None:
        """Wait until the server answers /health.

        Args:
            seconds: The longest that it may take.
            send: Called each second with how long it has taken.

        Raises:
            EngineError: It exited or took too long; with its last log lines.
        """
        started = time.monotonic()
        reported = 0.0
        while not await self.is_healthy():
            taken = time.monotonic() - started
            if self.exit_code is not None:
                raise EngineError(f"the server {self.end} while it started\n{self.log_excerpt()}")
            if taken > seconds:
                raise EngineError(f"the server was not up after {seconds:.0f} s\n{self.log_excerpt()}")
            if taken - reported >= 1.0:
                reported = taken
                send(f"starting, {taken:.0f} s")
            await asyncio.sleep(0.2)
        self.group = members(self.id)

    async def is_healthy(self, timeout: float = 5.0) -> bool:
        """Whether the server answers /health with 200."""
        if self.exit_code is not None or not self.socket.exists():
            return False
        try:
            return (await http(self.socket, "GET", "/health", timeout))[0] == 200
        except (OSError, aiohttp.ClientError):
            return False

    async def sleep(self, seconds: float) -> None:
        """Have the server finish what it works on and move its weights out of the GPUs' memory.

        Raises:
            EngineError: It does not, or takes longer than `seconds`.
        """
        await self._post("/sleep?level=1&mode=wait", seconds)

    async def wake_up(self, seconds: float) -> None:
        """Have the server take its place on the GPUs again.

        Raises:
            EngineError: It does not, or takes longer than `seconds`.
        """
        await self._post("/wake_up", seconds)

    async def _post(self, path: str, seconds: float) -> None:
        try:
            status, text = await http(self.socket, "POST", path, seconds)
        except (OSError, aiohttp.ClientError) as error:
            raise EngineError(f"the server does not answer {path}: {error!r}\n{self.log_excerpt()}") from None
        if status != 200:
            raise EngineError(f"the server answers {path} with HTTP {status}: {text[:300]}\n{self.log_excerpt()}")

    async def stop(self, grace: float) -> None:
        """End the server with all of its processes: SIGTERM, `grace` seconds, then the rest of the group."""
        await asyncio.to_thread(end_group, self.id, self.group, grace)
        await asyncio.to_thread(self._process.wait)
        self.socket.unlink(missing_ok=True)

    def log_excerpt(self) -> str:
        """Return the lines of the log that tell most, and where the rest is."""
        try:
            text = self._log.read_text(errors="replace")
        except OSError:
            text = ""
        return f"{meaningful_lines(text)}\n(the whole log: {self._log})"


def meaningful_lines(log: str, count: int = _LINES_SHOWN) -> str:
    """Return the lines of a server's log that tell why it ended.

    vLLM prints the root cause first, in a worker's traceback, and ends with long ones of the processes above,
    which only say that the engine is dead. So the first line that names an error is kept, with what leads to
    it, and the end.
    """
    lines = [text for line in _WARNING.sub("", log).splitlines() if (text := _essence(line))]
    if len(lines) <= count:
        return "\n".join(lines)
    tail = count // 3
    first = next((number for number, line in enumerate(lines) if _CAUSE.match(line)), len(lines))
    if first >= len(lines) - tail:
        return "\n".join(lines[-count:])
    cause = lines[max(0, first + 1 - (count - tail)) : first + 1]
    return "\n".join([*cause, "    ...", *lines[-tail:]])


def _essence(line: str) -> str | None:
    """Return a line without vLLM's prefix; None if it is no error, or nothing but the decoration of one."""
    prefix = _PREFIX.match(line)
    if prefix is not None and prefix["level"] in {"INFO", "WARNING", "DEBUG"}:
        return None
    text = line[prefix.end() :].rstrip() if prefix is not None else line.rstrip()
    return None if not text or _NOISE.search(text) else text[:300]


async def http(socket: Path, method: str, path: str, timeout: float) -> tuple[int, str]:
    """Send a request without a body to a server on a Unix socket; return the status and the body.

    Raises:
        OSError: if there is no server, or it takes longer than `timeout` seconds.
        aiohttp.ClientError: if what it answers is no HTTP.
    """
    async with (
        asyncio.timeout(timeout),
        aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(socket)), timeout=aiohttp.ClientTimeout(total=None)
        ) as session,
        session.request(method, f"http://engine{path}") as response,
    ):
        return response.status, await response.text(errors="replace")
