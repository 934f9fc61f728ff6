import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from genetic_udfs.runtime.process import ProcessId, ancestor_named, end_group, ended, members
from tests.engine.conftest import eventually

pytestmark = pytest.mark.processes

# A leader that leaves on SIGTERM and a child that will not hear of it, in a session of their own.
FAMILY = """
import signal, subprocess, sys, time
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def identity(pid: int) -> ProcessId:
    found = ProcessId.of(pid)
    assert found is not None
    return found


def test_a_process_is_known_by_its_start_too() -> None:
    me = identity(os.getpid())
    assert me.is_alive()
    assert not ProcessId(me.pid, me.started + 1).is_alive()
    assert ProcessId.of(2**22 + 1) is None


def test_a_signal_for_a_process_that_is_gone_does_not_reach_its_successor() -> None:
    me = identity(os.getpid())
    ProcessId(me.pid, me.started - 1).send(signal.SIGKILL)


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen(["true"])
    zombie = identity(child.pid)
    assert eventually(lambda: not zombie.is_alive())
    child.wait()


REAPING = """
import os, subprocess
from genetic_udfs.runtime.process import reap_orphans

def ended(code):
    child = subprocess.Popen(["sh", "-c", f"exit {code}"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    return child

def is_there(child):
    return os.path.exists(f"/proc/{child.pid}")

reap_orphans(set())
orphan = ended(1)
assert is_there(orphan)
reap_orphans(set())
assert not is_there(orphan)
own, later = ended(7), ended(1)
reap_orphans({own.pid})
assert own.wait() == 7
reap_orphans({own.pid})
assert not is_there(later)
"""


def test_orphans_that_have_ended_are_reaped_and_own_children_are_left_to_who_waits_for_them() -> None:
    done = subprocess.run([sys.executable, "-c", REAPING], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_ending_a_group_ends_those_who_ignore_sigterm() -> None:
    leader = subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, start_new_session=True)
    assert leader.stdout is not None
    child = identity(int(leader.stdout.readline()))
    group = members(identity(leader.pid))
    assert child in group
    end_group(identity(leader.pid), group, grace=5.0)
    assert leader.wait(60) == -signal.SIGTERM
    assert not child.is_alive()


def test_a_group_whose_leader_is_gone_is_ended_by_its_record() -> None:
    leader = subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, start_new_session=True)
    assert leader.stdout is not None
    child = identity(int(leader.stdout.readline()))
    known = identity(leader.pid)
    leader.kill()
    leader.wait()
    end_group(known, [], grace=1.0)
    assert not child.is_alive()


def test_a_later_process_with_the_leaders_number_has_no_part_in_its_group() -> None:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    now = identity(child.pid)
    assert members(ProcessId(now.pid, now.started - 1)) == []
    assert members(now) == [now]
    child.kill()
    child.wait()


@pytest.mark.parametrize("by_descriptor", [True, False])
def test_the_end_of_a_stranger_is_noticed(by_descriptor: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise OSError("no pidfd here")

    if not by_descriptor:
        monkeypatch.setattr(os, "pidfd_open", refuse)
    child = subprocess.Popen(["sleep", "600"])

    async def scenario() -> None:
        stranger = identity(child.pid)
        async with asyncio.timeout(300):
            waiting = asyncio.create_task(ended(stranger))
            await asyncio.wait([waiting], timeout=0.7)
            assert not waiting.done()
            child.kill()
            await waiting
        assert not stranger.is_alive()

    asyncio.run(scenario())
    child.wait()


def test_a_process_that_is_gone_has_ended() -> None:
    me = identity(os.getpid())

    async def scenario() -> None:
        async with asyncio.timeout(300):
            await ended(ProcessId(me.pid, me.started - 1))

    asyncio.run(scenario())


def test_the_nearest_ancestor_is_found_by_its_name() -> None:
    name = Path(f"/proc/{os.getppid()}/comm").read_text().strip()
    found = ancestor_named(name)
    assert found is not None
    assert found.pid == os.getppid()
    assert ancestor_named("no such command") is None
