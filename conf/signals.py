"""Runs spark-submit as a child, and hands signals to the Python driver below it: `signals.py SCRIPT COMMAND...`.

SCRIPT is the job that the driver runs, COMMAND becomes the JVM. A job finishes cleanly only while its JVM is still up,
so the JVM is left alone. The exit code is the command's. spark-submit.sh becomes this process, with none between:
of several, a signal to their group would end one that is just finding out where to send another.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Every JVM of Spark writes it: its launcher asks for a module that Java calls an incubator, and Java has no option
# against the warning.
WARNING = b"WARNING: Using incubator modules: jdk.incubator.vector\n"
ONCE = 0.5  # seconds: `timeout` and others signal a process and then its group, which is one signal
GRACE = 5.0  # seconds in which a driver may notice that its JVM is gone, and again after SIGTERM


class Driver:
    """The driver of a job, looked for among the processes that the JVM has started."""

    def __init__(self, script: str, jvm: int) -> None:
        """Remember what tells the driver from the launcher and from Python workers, which are children of the JVM too.

        Its command is PYTHON SCRIPT OPTION..., or that of an interpreter which is a script itself.
        """
        self._script = os.fsencode(Path(script).name)
        self._jvm = jvm

    def processes(self) -> Iterator[int]:
        """Yield the driver's process number, if it runs; its group tells it when the JVM is gone."""
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                state, parent, group = (folder / "stat").read_bytes().rpartition(b")")[2].split()[:3]
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            ours = self._jvm in (int(parent), int(group)) and int(folder.name) != self._jvm
            if ours and state != b"Z" and self._script in [word.rpartition(b"/")[2] for word in words[1:3]]:
                yield int(folder.name)

    def send(self, number: int) -> bool:
        """Send a signal; return whether there is a driver."""
        found = list(self.processes())
        for process in found:
            with suppress(ProcessLookupError):
                os.kill(process, number)
        return bool(found)

    def is_gone_within(self, seconds: float) -> bool:
        """Wait for its end."""
        deadline = time.monotonic() + seconds
        while any(self.processes()):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def main(script: str, *command: str) -> int:
    """Run the command; return its exit code as a shell would have it."""
    # One that was to be ignored, as by nohup, stays so.
    caught = {
        number
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    # Blocked, they wait until this process asks for the next, so that none comes at a bad time.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*caught, signal.SIGCHLD})
    jvm = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        process_group=0,  # else a terminal's Ctrl-C would end the JVM under the job
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before),
    )
    words = threading.Thread(target=copy_errors, args=[jvm], daemon=True)
    words.start()
    driver = Driver(script, jvm.pid)
    signals, last = 0, 0.0
    while jvm.poll() is None:
        number = signal.sigwait({*caught, signal.SIGCHLD})
        if number == signal.SIGCHLD or time.monotonic() - last < ONCE:
            continue
        last = time.monotonic()
        signals += 1
        # A job has no other end for a terminal that closes than for SIGTERM.
        number = signal.SIGTERM if number == signal.SIGHUP else number
        # The first signal has it finish something, the second nothing; any later one is the JVM's too.
        if not driver.send(number) or signals > 2:
            jvm.send_signal(number)
    if not driver.is_gone_within(GRACE) and driver.send(signal.SIGTERM) and not driver.is_gone_within(GRACE):
        driver.send(signal.SIGKILL)
    words.join(2.0)  # not for ever: a process that outlives the JVM may hold its stderr
    return jvm.returncode if jvm.returncode >= 0 else 128 - jvm.returncode


def copy_errors(jvm: subprocess.Popen[bytes]) -> None:
    """Copy what the JVM writes to stderr, but for the first warning of that text."""
    assert jvm.stderr is not None
    for line in iter(jvm.stderr.readline, b""):
        if line == WARNING:
            break
        write(line)
    while some := jvm.stderr.read1(65536):
        write(some)


def write(some: bytes) -> None:
    """Write to stderr, unless it is a terminal that is closed: the JVM shall not wait for it."""
    with suppress(OSError):
        while some:
            some = some[os.write(2, some) :]


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
