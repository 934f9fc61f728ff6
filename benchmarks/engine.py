"""How much of vLLM's raw throughput reaches a table, and what the way there costs.

`python -m benchmarks.engine [FIGURE...]`; without a name every figure is measured, which takes about half an hour on
two cores without a GPU. Both sides of a ratio work on the same requests in one run, in alternating pairs; each side
is a process that keeps its engine between its turns.
"""

import argparse
import contextlib
import heapq
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyspark

from benchmarks.engine_sides import PAIR_ENV, REQUESTS, SMALL
from benchmarks.processes import Side, side
from benchmarks.results import Results, at_least, at_most, run_figures

ROWS_AT_ONCE = 20_000
LATENCIES = (0.05, 1.0)
WINDOW = 128


@contextlib.contextmanager
def spark_home() -> Iterator[str]:
    """A Spark whose executors' working folders go away with it; those of the installed one would stay."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("bin", "jars"):
            (Path(folder) / name).symlink_to(Path(pyspark.__file__).parent / name)
        yield folder


def pairs(count: int, first: Callable[[], float], second: Callable[[], float]) -> list[float]:
    """Measure both sides in turn, the order changing from pair to pair; return second over first."""
    ratios = []
    for number in range(count):
        if number % 2:
            b, a = second(), first()
        else:
            a, b = first(), second()
        print(f"        pair {number + 1}: {a:.1f} and {b:.1f}", flush=True)
        ratios.append(b / a)
    return ratios


def throughput(results: Results, options: argparse.Namespace) -> None:
    """Output tokens/s through the UDF over those of `LLM.chat` on one list."""
    with side("engine_sides", "raw") as raw, side("engine_sides", "udf", "local[2]") as udf:
        for one in (raw, udf):
            one.run(rows=SMALL)  # starts the engine

        def speed(one: Side) -> Callable[[], float]:
            def measure() -> float:
                done = one.run(rows=REQUESTS)
                return float(done["tokens"] / done["seconds"])

            return measure

        ratios = pairs(options.repeats, speed(raw), speed(udf))
        starts = udf.run(starts=True)["starts"]
    results.add("output tokens/s, UDF over raw LLM.chat", ratios, at_least(0.97))
    results.add("engine starts over all stages of one model in an application", [float(starts)], at_most(1))


def executors(results: Results, options: argparse.Namespace) -> None:
    """The same through two executors with an engine on a core each, over two raw engines side by side."""
    with (
        spark_home() as home,
        side("engine_sides", "raw", **PAIR_ENV) as left,
        side("engine_sides", "raw", **PAIR_ENV) as right,
        side("engine_sides", "udf", "local-cluster[2,2,1024]", SPARK_HOME=home, **PAIR_ENV) as udf,
    ):
        for one in (left, right, udf):
            one.run(rows=SMALL)

        def both() -> float:
            started = time.monotonic()
            left.begin(rows=REQUESTS, part=0, parts=2)
            right.begin(rows=REQUESTS, part=1, parts=2)
            tokens = left.end()["tokens"] + right.end()["tokens"]
            return float(tokens / (time.monotonic() - started))

        def through() -> float:
            done = udf.run(rows=REQUESTS)
            return float(done["tokens"] / done["seconds"])

        ratios = pairs(options.repeats, both, through)
        starts = udf.run(starts=True)["starts"]
    results.add("output tokens/s, two executors over two raw engines", ratios, at_least(0.93), engine_starts=starts)


def stages(results: Results, options: argparse.Namespace) -> None:
    """Two stages one after another, with more than the minute between them after which Spark ends idle workers."""
    with side("engine_sides", "udf", "local[2]") as udf:
        first = udf.run(rows=SMALL)
        time.sleep(70)
        second = udf.run(rows=SMALL)
        starts = udf.run(starts=True)["starts"]
    workers = len(set(first["workers"]) & set(second["workers"]))
    results.add("engine starts over two stages", [float(starts)], at_most(1), workers_that_lived_on=workers)


def latency(results: Results, options: argparse.Namespace) -> None:
    """2,000 rows that take 0.05 to 1 s each, 128 at once: wall over the best possible schedule."""
    rows = 2_000
    latencies = [random.Random(f"row {number}").uniform(*LATENCIES) for number in range(rows)]
    free = [0.0] * WINDOW
    for taken in latencies:
        heapq.heappush(free, heapq.heappop(free) + taken)
    ideal = max(free)
    with side("engine_sides", "server", *map(str, LATENCIES)) as server, side("engine_sides", "udf", "local[2]") as udf:
        url = server.end()["url"]
        udf.run(endpoint=url, count=100, window=WINDOW)
        walls = [udf.run(endpoint=url, count=rows, window=WINDOW)["seconds"] / ideal for _ in range(options.repeats)]
    results.add("2,000 uneven rows, wall over ideal", walls, at_most(1.10), ideal_seconds=ideal)


def rows_per_second(results: Results, options: argparse.Namespace) -> None:
    """What driver and workers cost a row: a server in another process that answers at once."""
    with side("engine_sides", "server", "0", "0") as server, side("engine_sides", "udf", "local[2]") as udf:
        url = server.end()["url"]
        udf.run(endpoint=url, count=2_000, window=256)
        speeds = []
        for _ in range(options.repeats):
            speeds.append(ROWS_AT_ONCE / udf.run(endpoint=url, count=ROWS_AT_ONCE, window=256)["seconds"])
    results.add("rows/s, server that answers at once", speeds, at_least(1_500))


def kill(results: Results, options: argparse.Namespace) -> None:
    """EngineCore ended by SIGKILL while a stage runs: rows without a reply, and rows asked again without need."""
    with side("engine_sides", "udf", "local[2]") as udf:
        udf.run(rows=SMALL)
        done = udf.run(rows=REQUESTS, kill_after=20.0)
        starts = udf.run(starts=True)["starts"]
    lost = REQUESTS - done["answered"]
    [in_flight] = done["in_flight"]
    beyond = max(0, done["asked_again"] - in_flight)
    assert starts == 2, "the engine was not killed while the stage ran"
    results.add("rows lost when EngineCore is killed", [float(lost)], at_most(0), asked_again=done["asked_again"])
    results.add("rows asked twice beyond those in flight", [float(beyond)], at_most(0), in_flight=in_flight)


FIGURES = {
    "rows": rows_per_second,
    "latency": latency,
    "stages": stages,
    "kill": kill,
    "throughput": throughput,
    "executors": executors,
}


if __name__ == "__main__":
    run_figures("engine", __doc__, FIGURES)
