import json
import os
import subprocess
import time
from dataclasses import astuple
from pathlib import Path

import pytest

from genetic_udfs.engine.records import ServerRecord, end_orphans, locked_folder, write
from genetic_udfs.runtime.process import ProcessId, this_machine

pytestmark = pytest.mark.processes


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    return own, other


def sleeping() -> tuple[subprocess.Popen[bytes], ProcessId]:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    identity = ProcessId.of(child.pid)
    assert identity is not None
    return child, identity


def test_servers_of_a_supervisor_that_is_gone_are_ended(folders: tuple[Path, Path]) -> None:
    own, other = folders
    child, server = sleeping()
    write(other, [ServerRecord(server, (server,))])
    assert len(end_orphans(own.parent, own, grace=10.0)) == 1
    assert child.wait(60) != 0
    assert not (other / "record.json").exists()


def test_servers_of_a_supervisor_that_lives_are_left_alone(folders: tuple[Path, Path]) -> None:
    own, other = folders
    child, server = sleeping()
    write(other, [ServerRecord(server, (server,))])
    with locked_folder(other) as mine:
        assert mine
        assert end_orphans(own.parent, own, grace=10.0) == []
    assert child.poll() is None
    child.kill()
    child.wait()


def test_numbers_of_another_machine_or_an_earlier_process_mean_nothing(folders: tuple[Path, Path]) -> None:
    own, other = folders
    me = ProcessId.of(os.getpid())
    assert me is not None
    for machine, process in ((f"{this_machine()} else", me), (this_machine(), ProcessId(me.pid, me.started - 1))):
        record = {"machine": machine, "servers": [[astuple(process), [astuple(process)]]]}
        (other / "record.json").write_text(json.dumps(record))
        assert end_orphans(own.parent, own, grace=10.0) == []


@pytest.mark.parametrize("text", ["", "[]", "{", '{"machine": 1}'])
def test_a_broken_record_stops_nobody(folders: tuple[Path, Path], text: str) -> None:
    own, other = folders
    (other / "record.json").write_text(text)
    assert end_orphans(own.parent, own, grace=10.0) == []


def test_old_folders_go_and_young_ones_keep_their_logs(folders: tuple[Path, Path]) -> None:
    own, other = folders
    old = own.parent / "old"
    old.mkdir()
    (old / "smol.log").write_text("long ago")
    (other / "smol.log").write_text("just now")
    long_ago = time.time() - 3 * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    end_orphans(own.parent, own, grace=10.0)
    assert sorted(folder.name for folder in own.parent.iterdir()) == ["other", "own"]
    assert (other / "smol.log").read_text() == "just now"


def test_a_folder_has_one_owner(folders: tuple[Path, Path]) -> None:
    own, _ = folders
    with locked_folder(own) as first, locked_folder(own, timeout=0.2) as second:
        assert (first, second) == (True, False)
    with locked_folder(own) as again:
        assert again
