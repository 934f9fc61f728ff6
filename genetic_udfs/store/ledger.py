"""The ledger: every reply of a model, kept before anything is made of it, so that none is ever paid for twice."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyspark import inheritable_thread_target
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.engine.columns import REPLY_FIELDS
from genetic_udfs.runtime.stopping import graceful_section
from genetic_udfs.store.schema import REPLIES
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store

# The tail of a wave, where few of its requests still run, is filled by the next wave. Spark's FIFO scheduling gives
# that one only what the first leaves free.
_WAVES_AT_ONCE = 2


@dataclass(frozen=True)
class Ledger:
    """The `replies` table, as the stages of one run use it."""

    store: Store
    scratch: Scratch
    run_id: str
    wave_size: int

    def replies(self, generation: int) -> DataFrame:
        """Return what the models have answered in a generation: `request_id` and the reply's fields."""
        table = self.store.read(REPLIES).filter(F.col("generation") == generation)
        # Each request has one reply, were it not for a second driver on the same store: the first one sent counts.
        first = F.min_by(F.struct(*REPLY_FIELDS), F.struct("sent_at", "run_id", "attempt"))
        return table.groupBy("request_id").agg(first.alias("reply"))

    def missing(self, requests: DataFrame, generation: int, name: str) -> DataFrame:
        """Return the requests that have no reply yet, each once, kept under a name in the scratch space."""
        answered = self.store.read(REPLIES).filter(F.col("generation") == generation).select("request_id")
        return self.scratch.checkpoint(
            requests.dropDuplicates(["request_id"]).join(answered, "request_id", "left_anti"),
            f"{name}/requests",
        )

    def record(self, requests: DataFrame, total: int, ask: Callable[[DataFrame], DataFrame], stage: str) -> None:
        """Have requests answered in waves, and append each wave in one commit; one that was begun is finished.

        Args:
            requests: what `missing` returned.
            total: its number of rows.
            ask: turns requests into rows of the `replies` table, calling the engine.
            stage: names the stage in the commits.

        Raises:
            Stopped: if the process was asked to stop; the waves that were under way then are committed.
        """
        waves = max(1, -(-total // self.wave_size))
        wave_of = F.pmod(F.xxhash64("request_id"), F.lit(waves))

        failed = threading.Event()

        @inheritable_thread_target(self.store.spark)
        def answer(wave: int) -> None:
            if failed.is_set():
                return  # nothing more is asked for
            try:
                with graceful_section():
                    append(wave)
            except BaseException:
                failed.set()
                raise

        def append(wave: int) -> None:
            self.store.append(
                REPLIES,
                ask(requests.filter(wave_of == wave)),
                transaction=f"{self.run_id}/{stage}/{wave}",
                version=0,
                run_id=self.run_id,
                stage=stage,
                wave=wave,
            )

        self.store.create(REPLIES)
        if waves == 1:
            answer(0)
            return
        with ThreadPoolExecutor(_WAVES_AT_ONCE) as pool:
            list(pool.map(answer, range(waves)))
