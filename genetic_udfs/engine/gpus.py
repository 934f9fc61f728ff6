"""Which GPUs an executor has, for tasks that hold none of them.

Spark tells a task the GPUs that it holds, and an engine takes all those of its executor while several tasks feed it. So
they are learned from where the executor itself has them: the file that a standalone worker gives to it, or else the
discovery script that it runs on YARN and Kubernetes.
"""

import fcntl
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyspark.sql import SparkSession

from genetic_udfs.errors import EngineError
from genetic_udfs.runtime.process import ProcessId
from genetic_udfs.runtime.session import GPUS_OF_EXECUTOR, GPUS_OF_TASK, setting

AMOUNT: Final = GPUS_OF_EXECUTOR
SCRIPT: Final = "spark.executor.resource.gpu.discoveryScript"
TASK_AMOUNT: Final = GPUS_OF_TASK

_TIMEOUT: Final = 60.0  # seconds; nvidia-smi takes some where no process keeps the driver loaded


@dataclass(frozen=True)
class ExecutorGpus:
    """How many GPUs each executor has, and the script by which it finds them."""

    amount: int
    script: str | None

    @classmethod
    def of_session(cls, spark: SparkSession) -> "ExecutorGpus | None":
        """Return what a session's executors have; None where Spark manages no GPUs, or tasks hold them."""
        amount = int(setting(spark, AMOUNT) or 0)
        if amount == 0 or setting(spark, TASK_AMOUNT) or spark.sparkContext._jsc.isLocal():
            return None
        return cls(amount, setting(spark, SCRIPT))

    def of(self, jvm: ProcessId, folder: Path) -> tuple[str, ...]:
        """Return the addresses of the GPUs of an executor, which are looked for once.

        Args:
            jvm: The executor's process.
            folder: One that is the executor's own, where they are kept.

        Raises:
            EngineError: They cannot be found; it says why, and what to look at.
        """
        with (folder / "gpus.lock").open("a") as lock:
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
            known = folder / "gpus.json"
            if known.exists():
                return tuple(json.loads(known.read_text()))
            found = self._assigned(jvm) or self._discovered()
            draft = folder / "gpus.new"
            draft.write_text(json.dumps(found))
            draft.rename(known)
            return found

    def _assigned(self, jvm: ProcessId) -> tuple[str, ...]:
        """Return the GPUs that a standalone worker has given to an executor; none where there is no such worker."""
        try:
            command = Path(f"/proc/{jvm.pid}/cmdline").read_bytes().split(b"\0")
            file = Path(os.fsdecode(command[command.index(b"--resourcesFile") + 1]))
            given = json.loads(file.read_text())
            return tuple(
                address
                for resource in given
                if resource["id"]["resourceName"] == "gpu"
                for address in resource["addresses"]
            )
        except (OSError, ValueError, LookupError, TypeError):
            return ()

    def _discovered(self) -> tuple[str, ...]:
        if self.script is None:
            raise EngineError(f"{AMOUNT} is {self.amount}, but {SCRIPT} is not set, so no GPU can be found")
        try:
            done = subprocess.run([self.script], capture_output=True, text=True, timeout=_TIMEOUT, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineError(f"{SCRIPT} cannot be run: {error}") from None
        try:
            found = json.loads(done.stdout)
            addresses = tuple(str(address) for address in found["addresses"])
        except (ValueError, LookupError, TypeError):
            printed = (done.stdout + done.stderr).strip()[:300]
            raise EngineError(
                f"{SCRIPT} ({self.script}) printed no GPUs but {printed!r}; it has to print JSON such as"
                ' {"name": "gpu", "addresses": ["0"]}'
            ) from None
        if len(addresses) < self.amount:
            raise EngineError(f"{AMOUNT} is {self.amount}, but {self.script} found {len(addresses)}")
        # An executor of YARN's takes all that it finds: more than it asked for are another's where nothing isolates it.
        return addresses[: self.amount]
