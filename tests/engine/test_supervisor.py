import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from genetic_udfs.config import Engine
from genetic_udfs.engine import connection
from genetic_udfs.engine.chat_completion import Reply, Sampling
from genetic_udfs.engine.client import Client, Route
from genetic_udfs.engine.connection import EngineConnection
from genetic_udfs.engine.managed import Feeder as RequestingFeeder
from genetic_udfs.engine.managed import ManagedEngine
from genetic_udfs.engine.metrics import ServerMetrics
from genetic_udfs.engine.protocol import EngineRequest, line
from genetic_udfs.engine.retry import RetryPolicy
from genetic_udfs.engine.server import http
from genetic_udfs.engine.supervisor import Supervisor
from genetic_udfs.engine.window import Window
from genetic_udfs.errors import EngineError
from genetic_udfs.runtime.process import ProcessId
from tests.engine.conftest import FakeExecutor, eventually

HANGS_AFTER = 600.0  # seconds, of what takes a few
SAMPLING = Sampling(temperature=0.5, top_p=1.0, max_tokens=8)
QUICK = RetryPolicy(attempts=8, first_wait=0.05, longest_wait=0.5)


class Feeder:
    """A feeder without Spark: a lease, and what it was told."""

    def __init__(self, executor: FakeExecutor, engine: Engine, name: str = "smol", window: int = 10) -> None:
        self.shares: list[int] = []
        self.notes: list[str] = []
        self.metrics: list[tuple[str, int, ServerMetrics]] = []
        request = EngineRequest(name, engine, window)
        self.window = Window(window)
        self.lease = EngineConnection(
            request,
            executor.find_supervisor,
            self.shares.append,
            self.notes.append,
            lambda *heard: self.metrics.append(heard),
            is_idle=lambda: self.window.in_flight == 0,
            idle_after=0.5,
        )
        self.client = Client(self.lease, SAMPLING, policy=QUICK)

    async def route(self) -> Route:
        async with self.lease.route() as route:
            return route

    async def ask(self, prompt: str) -> Reply:
        await self.window.enter()
        try:
            return await self.client.ask(prompt)
        finally:
            self.window.leave()


def fake(**flags: str | int | float) -> Engine:
    return Engine(model="any", args={name.replace("_", "-"): value for name, value in flags.items()})


def run(scenario: Callable[[], Awaitable[None]], seconds: float = HANGS_AFTER) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scenario(), seconds)

    asyncio.run(bounded())


async def until(condition: Callable[[], bool], seconds: float = HANGS_AFTER / 2) -> bool:
    return await asyncio.to_thread(eventually, condition, seconds)


def test_the_first_feeder_starts_the_engine_and_hears_how_it_goes(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        feeder = Feeder(executor, fake(start_after=1.5))
        async with feeder.lease:
            reply = await feeder.ask("hello")
        assert (reply.text, reply.attempt) == ("echo: hello", 1)
        assert "engine 'smol': starting, 1 s" in feeder.notes
        assert feeder.notes[-1] == ""

    run(scenario)


def test_feeders_of_one_engine_share_one_server_and_its_window(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        first, second = Feeder(executor, fake()), Feeder(executor, fake(), name="same under another name")
        async with first.lease:
            routes = [await first.route()]
            assert first.shares == [10]
            async with second.lease:
                routes.append(await second.route())
                assert await until(lambda: first.shares == [10, 5])
                assert second.shares == [5]
                assert len(executor.servers()) == 1
            assert await until(lambda: first.shares == [10, 5, 10])
        assert routes[0].epoch == routes[1].epoch

    run(scenario)


def test_many_feeders_at_once_start_one_supervisor_and_one_server(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        feeders = [Feeder(executor, fake()) for _ in range(12)]

        async def one(feeder: Feeder) -> Reply:
            async with feeder.lease:
                return await feeder.ask("x")

        replies = await asyncio.gather(*map(one, feeders))
        assert [reply.text for reply in replies] == ["echo: x"] * 12
        assert (len(executor.supervisors()), len(executor.servers())) == (1, 1)

    run(scenario)


def test_an_engine_outlives_its_feeders_and_is_found_again(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        epochs = []
        for _ in range(2):
            feeder = Feeder(executor, fake())
            async with feeder.lease:
                epochs.append((await feeder.route()).epoch)
            await asyncio.sleep(0.3)
        assert epochs[0] == epochs[1]

    run(scenario)


def test_another_engine_waits_until_the_first_is_not_in_use_and_then_takes_its_place(
    executor: FakeExecutor,
) -> None:
    async def scenario() -> None:
        first, second = Feeder(executor, fake(latency=0.05), "first"), Feeder(executor, fake(), "second")
        async with second.lease:
            async with first.lease:
                await first.route()
                await first.window.enter()  # there is something to ask, all the time
                blocked = asyncio.create_task(second.ask("now"))
                waits = "engine 'second': waiting for first (1 tasks) to finish"
                assert await until(lambda: waits in second.notes)
                for turn in range(25):
                    assert (await first.ask(f"turn {turn}")).text == f"echo: turn {turn}"
                assert not blocked.done()
                assert len(executor.servers()) == 1
            assert (await blocked).text == "echo: now"
            assert len(executor.servers()) == 1

    run(scenario)


def test_two_engines_that_one_task_needs_in_turn_give_way_to_each_other(executor: FakeExecutor) -> None:
    """Both leases are held all the while, as when Spark chains two of these UDFs in one stage."""

    async def scenario() -> None:
        first, second = Feeder(executor, fake(), "first"), Feeder(executor, fake(latency=0.01), "second")
        async with first.lease, second.lease:
            for turn in range(2):
                for feeder in (first, second):
                    reply = await feeder.ask(f"turn {turn}")
                    assert (reply.text, reply.error) == (f"echo: turn {turn}", None)
                    assert len(executor.servers()) == 1

    run(scenario)


def test_engines_that_fit_into_the_memory_stay_side_by_side(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        sizes = {"first": 0.5, "second": 0.4, "third": 0.3}
        first, second, third = (Feeder(executor, fake(gpu_memory_utilization=s), n) for n, s in sizes.items())
        async with first.lease:
            await first.window.enter()  # there is something to ask, all the time
            await first.ask("a")
            async with second.lease:
                await asyncio.gather(first.ask("b"), second.ask("b"))
                assert len(executor.servers()) == 2
            epoch = (await first.route()).epoch
            async with third.lease:  # takes the place of the second, which nobody wants; the first stays
                assert (await third.ask("c")).text == "echo: c"
                assert len(executor.servers()) == 2
                assert (await first.route()).epoch == epoch

    run(scenario)


def test_an_engine_sleeps_while_another_has_its_place(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        engines = {
            "first": fake().model_copy(update={"sleep": True}),
            "second": fake(latency=0.01).model_copy(update={"sleep": True}),
        }
        epochs: dict[str, set[int]] = {"first": set(), "second": set()}
        for turn in range(3):
            for name, engine in engines.items():
                feeder = Feeder(executor, engine, name)
                async with feeder.lease:
                    assert (await feeder.ask(f"turn {turn}")).text == f"echo: turn {turn}"
                    epochs[name].add((await feeder.route()).epoch)
        assert [len(seen) for seen in epochs.values()] == [1, 1]
        assert len(executor.servers()) == 2
        states = [await _is_awake(socket) for socket in sorted(executor.folder.glob("e*.sock"))]
        assert states == [False, True]

    run(scenario)


def test_an_engine_that_dies_in_its_sleep_is_started_again_when_it_is_wanted(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        first = Feeder(executor, fake().model_copy(update={"sleep": True}), "first")
        second = Feeder(executor, fake(latency=0.01), "second")
        async with first.lease:
            await first.ask("a")
            epoch = (await first.route()).epoch
            [sleeper] = executor.servers()
        async with second.lease:
            await second.ask("b")
            sleeper.send(signal.SIGKILL)
        third = Feeder(executor, fake().model_copy(update={"sleep": True}), "first")
        async with third.lease:
            assert (await third.ask("c")).text == "echo: c"
            assert (await third.route()).epoch > epoch

    run(scenario)


def test_a_dead_engine_is_noticed_while_another_starts(executor: FakeExecutor, short_tmp: Path) -> None:
    async def scenario() -> None:
        may_start = short_tmp / "may start"
        first = Feeder(executor, fake(gpu_memory_utilization=0.4), "first")
        second = Feeder(executor, fake(gpu_memory_utilization=0.4, start_when=str(may_start)), "second")
        async with first.lease:
            await first.ask("a")  # the second starts after that: engines start one after another
            async with second.lease:
                slow = asyncio.create_task(second.ask("b"))
                assert await until(lambda: any("starting" in note for note in second.notes))
                [server] = [one for one in executor.servers() if b"start-when" not in _command_line(one.pid)]
                server.send(signal.SIGKILL)
                assert await until(lambda: any("it died, starting again" in note for note in first.notes))
                assert not slow.done()
                may_start.touch()
                assert (await first.ask("c")).text == "echo: c"
                assert (await slow).text == "echo: b"

    run(scenario)


def test_one_feeder_hears_what_the_server_says_of_itself(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        feeders = [Feeder(executor, fake(latency=0.5)) for _ in range(2)]
        async with feeders[0].lease, feeders[1].lease:
            await asyncio.gather(*(feeder.ask(f"p{k}") for feeder in feeders for k in range(20)))

            def has_worked() -> bool:
                reported = [metrics for feeder in feeders for *_, metrics in feeder.metrics]
                return any(each.running for each in reported) and any(each.generation_tokens for each in reported)

            assert await until(has_worked)
        heard = [one for feeder in feeders for one in feeder.metrics]
        assert {(server, capacity) for server, capacity, _ in heard} == {(heard[0][0], 256)}
        assert heard[0][0].startswith(f"{executor.folder.name}-")

    run(scenario)


async def until_it_works_on(executor: FakeExecutor, requests: int) -> None:
    """Wait until the only server works on that many requests."""
    [socket] = executor.folder.glob("e*.sock")
    while f'requests_running{{engine="0"}} {float(requests)}' not in (await http(socket, "GET", "/metrics", 60.0))[1]:
        await asyncio.sleep(0.02)


async def _is_awake(socket: Path) -> bool:
    _, page = await http(socket, "GET", "/metrics", 60.0)
    return 'sleep_state="awake"} 1.0' in page


def _command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_server_that_hangs_is_replaced_and_in_the_end_given_up(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        engine = fake(latency=60).model_copy(update={"request_timeout": 2})
        feeder = Feeder(executor, engine)
        with pytest.raises(EngineError, match="the server hangs: 1 requests run, and no token came for 1 s"):
            async with feeder.lease:
                await feeder.ask("p")

    run(scenario)


def test_a_server_that_hangs_in_its_first_step_is_noticed_too(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        engine = fake(latency=60, blind=1).model_copy(update={"request_timeout": 2})
        feeder = Feeder(executor, engine)
        with pytest.raises(EngineError, match="the server hangs"):
            async with feeder.lease:
                await feeder.ask("x")

    run(scenario)


def test_of_two_engines_that_died_only_one_holds_its_place() -> None:
    """Else both would wait for each other, for ever."""
    first, second = (
        ManagedEngine(EngineRequest(name, fake(), 10), failures=1, wanted_since=since)
        for name, since in (("first", 1.0), ("second", 2.0))
    )
    for engine in (first, second):
        engine.feeders.add(RequestingFeeder(engine.request, MagicMock()))
    assert first.blocks(second)
    assert not second.blocks(first)
    first.feeders.clear()
    assert not first.blocks(second)


def test_an_order_that_cannot_be_understood_is_answered(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        control = await asyncio.to_thread(executor.find_supervisor)
        reader, writer = await asyncio.open_unix_connection(str(control))
        writer.write(b'{"name": "x", "engine": {"model": "m", "no_such_key": 1}, "window": 3}\n')
        assert b"does not understand the request" in await reader.readline()
        writer.close()

    run(scenario)


def test_a_message_that_breaks_the_supervisor_stands_in_its_log_with_the_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    me = ProcessId.of(os.getpid())
    assert me is not None

    async def scenario() -> None:
        reader, writer = asyncio.StreamReader(), MagicMock()
        reader.feed_data(EngineRequest("x", fake(), 1).to_line() + b"5\n")
        reader.feed_eof()
        await Supervisor(tmp_path, MagicMock(), me)._serve(reader, writer)
        writer.close.assert_called_once()

    run(scenario)
    log = capsys.readouterr().err
    assert "Traceback" in log and log.rstrip().splitlines()[-1].startswith("TypeError: ")


@pytest.mark.parametrize("is_steady", [False, True])
def test_losses_of_a_supervisor_count_if_they_come_in_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_steady: bool
) -> None:
    monkeypatch.setattr(connection, "_STEADY", 0.0 if is_steady else 3600.0)
    control = tmp_path / "c.sock"
    served = 0

    async def vanishing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readline()
        served += 1
        writer.write(line({"ready": {"socket": "s", "epoch": served, "share": 1}}))
        if served <= 5:
            writer.close()

    async def scenario() -> None:
        server = await asyncio.start_unix_server(vanishing, str(control))
        async with EngineConnection(EngineRequest("x", fake(), 1), lambda: control) as lease:
            while served < (6 if is_steady else 4):
                await asyncio.sleep(0.01)
            if is_steady:
                async with lease.route() as route:
                    assert route.epoch == 6
            else:
                with pytest.raises(EngineError, match="died 4 times in a row"):
                    while True:
                        async with lease.route():
                            await asyncio.sleep(0.01)
        server.close()

    run(scenario)


def test_the_shortest_timeout_of_its_feeders_says_when_a_server_hangs(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        engine = fake(latency=60)
        patient = Feeder(executor, engine)
        impatient = Feeder(executor, engine.model_copy(update={"request_timeout": 2}))
        async with patient.lease:
            await patient.route()
            with pytest.raises(EngineError, match="the server hangs"):
                async with impatient.lease:
                    await impatient.ask("x")

    run(scenario)


def test_rows_in_flight_are_replayed_when_the_server_is_killed(executor: FakeExecutor, short_tmp: Path) -> None:
    async def scenario() -> None:
        may_answer = short_tmp / "may answer"
        feeder = Feeder(executor, fake(answer_when=str(may_answer)), window=64)
        async with feeder.lease:
            before = await feeder.route()
            asking = [asyncio.create_task(feeder.ask(f"p{number}")) for number in range(40)]
            await until_it_works_on(executor, 40)
            [server] = executor.servers()
            os.kill(server.pid, signal.SIGKILL)
            may_answer.touch()
            replies = await asyncio.gather(*asking)
            after = await feeder.route()
        assert [(reply.text, reply.error) for reply in replies] == [(f"echo: p{n}", None) for n in range(40)]
        assert {reply.attempt for reply in replies} == {2}
        assert after.epoch != before.epoch

    run(scenario)


def test_a_server_that_leaves_with_code_0_has_failed(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        feeder = Feeder(executor, fake(exit_after=0.5, say="RuntimeError: it left"))
        with pytest.raises(EngineError) as raised:
            async with feeder.lease:
                while True:
                    await feeder.ask("p")
                    await asyncio.sleep(0.05)
        assert "failed 3 times in a row; the last time: the server exited with code 0" in str(raised.value)
        assert "RuntimeError: it left" in str(raised.value)

    run(scenario)


def test_an_engine_that_does_not_start_opens_the_circuit(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        engine = fake(exit=1, say="ValueError: not enough memory")
        first = Feeder(executor, engine)
        with pytest.raises(EngineError) as raised:
            async with first.lease:
                await first.route()
        assert str(raised.value).splitlines()[:2] == [
            "engine 'smol' failed 3 times in a row; the last time: the server exited with code 1 while it started",
            "ValueError: not enough memory",
        ]
        assert "(the whole log: " in str(raised.value)
        starts = list(executor.folder.glob("smol-*.log"))
        second = Feeder(executor, engine)
        with pytest.raises(EngineError, match="not enough memory"):
            async with second.lease:
                await second.route()
        assert list(executor.folder.glob("smol-*.log")) == starts, "an open circuit must answer at once"
        assert len(starts) == 3

    run(scenario)


def test_a_start_that_takes_too_long_is_a_failure(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        engine = fake(start_after=60).model_copy(update={"start_timeout": 1})
        feeder = Feeder(executor, engine)
        with pytest.raises(EngineError, match="the server was not up after 1 s"):
            async with feeder.lease:
                await feeder.route()
        assert executor.servers() == []

    run(scenario)


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        (fake(exit=2, say="error: unrecognized arguments"), "failed: the server exited with code 2"),
        (Engine(model="missing"), "failed: model: there is no such model"),
    ],
    ids=["unknown argument", "no model"],
)
def test_what_cannot_get_better_is_tried_once(executor: FakeExecutor, engine: Engine, message: str) -> None:
    async def scenario() -> None:
        feeder = Feeder(executor, engine)
        with pytest.raises(EngineError, match=message):
            async with feeder.lease:
                await feeder.route()

    run(scenario)


def test_a_doubt_about_a_healthy_server_costs_nothing(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        feeder = Feeder(executor, fake())
        async with feeder.lease:
            before = await feeder.route()
            await feeder.lease.failed(before)
            after = await feeder.route()
        assert after.epoch == before.epoch

    run(scenario)


def test_nothing_outlives_an_executor_that_is_killed(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        feeder = Feeder(executor, fake(latency=30))
        async with feeder.lease:
            asking = asyncio.create_task(feeder.ask("p"))
            await feeder.route()
            executor.kill()
            asking.cancel()
        # A feeder ends with its executor, too; until then it looks for a supervisor again and again.
        assert await until(lambda: executor.processes() == [] and not executor.folder.exists())

    run(scenario)


def test_sigterm_ends_a_supervisor_with_its_servers(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        feeder = Feeder(executor, fake())
        async with feeder.lease:
            await feeder.route()
        [supervisor] = executor.supervisors()
        os.kill(supervisor.pid, signal.SIGTERM)
        assert await until(lambda: executor.processes() == [])

    run(scenario)


def test_a_supervisor_that_is_killed_takes_its_server_along_and_is_replaced(
    executor: FakeExecutor, short_tmp: Path
) -> None:
    async def scenario() -> None:
        may_answer = short_tmp / "may answer"
        feeder = Feeder(executor, fake(answer_when=str(may_answer)))
        async with feeder.lease:
            before = await feeder.route()
            asking = asyncio.create_task(feeder.ask("p"))
            await until_it_works_on(executor, 1)
            [supervisor], [server] = executor.supervisors(), executor.servers()
            os.kill(supervisor.pid, signal.SIGKILL)
            assert await until(lambda: not server.is_alive())
            may_answer.touch()
            reply = await asking
            after: Route = await feeder.route()
            assert len(executor.supervisors()) == len(executor.servers()) == 1
        assert (reply.text, reply.error) == ("echo: p", None)
        assert after.epoch != before.epoch

    run(scenario)


@pytest.mark.slow
def test_servers_of_a_killed_supervisor_are_swept_by_the_next_one(executor: FakeExecutor, short_tmp: Path) -> None:
    """A stopped server cannot hear the SIGTERM that it gets when its supervisor dies."""

    async def scenario() -> None:
        feeder = Feeder(executor, fake())
        async with feeder.lease:
            await feeder.route()
        [supervisor], [server] = executor.supervisors(), executor.servers()
        os.kill(server.pid, signal.SIGSTOP)
        # Of two signals that are both pending a process takes the lower number first, which would be SIGTERM.
        stat = Path(f"/proc/{server.pid}/stat")
        assert await until(lambda: stat.read_text().rpartition(") ")[2].startswith("T"))
        os.kill(supervisor.pid, signal.SIGKILL)
        await asyncio.sleep(0.3)
        assert server.is_alive()
        other = FakeExecutor()
        try:
            feeder = Feeder(other, fake())
            async with feeder.lease:
                await feeder.route()
            assert not server.is_alive()
        finally:
            other.kill()
        assert await until(lambda: other.processes() == [])

    run(scenario)


def test_executors_on_one_host_do_not_share(executor: FakeExecutor) -> None:
    async def scenario() -> None:
        other = FakeExecutor()
        try:
            first, second = Feeder(executor, fake()), Feeder(other, fake())
            async with first.lease, second.lease:
                routes = [await first.route(), await second.route()]
            assert routes[0].session is not routes[1].session
            assert len(executor.servers()) == len(other.servers()) == 1
        finally:
            other.kill()
        assert await until(lambda: other.processes() == [])
        assert len(executor.servers()) == 1

    run(scenario)


def test_gpu_sets_of_one_executor_have_supervisors_of_their_own(short_tmp: Path) -> None:
    executors = [FakeExecutor(("0",)), FakeExecutor(("0", "1"))]

    async def scenario() -> None:
        for executor in executors:
            feeder = Feeder(executor, fake())
            async with feeder.lease:
                await feeder.route()

    try:
        run(scenario)
        for executor in executors:
            [server] = executor.servers()
            environment = Path(f"/proc/{server.pid}/environ").read_bytes().split(b"\0")
            assert f"CUDA_VISIBLE_DEVICES={','.join(executor.identity.gpus)}".encode() in environment
    finally:
        for executor in executors:
            executor.kill()
    assert eventually(lambda: not any(executor.processes() for executor in executors))
