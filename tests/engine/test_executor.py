import os
import tempfile
from pathlib import Path

import pytest

from genetic_udfs.engine.executor import Executor, base_folder
from genetic_udfs.errors import EngineError
from genetic_udfs.runtime.process import ProcessId

JVM = ProcessId(4711, 100)


def test_each_jvm_and_each_set_of_gpus_has_a_folder_of_its_own(short_tmp: Path) -> None:
    executors = [
        Executor(JVM),
        Executor(ProcessId(4711, 101)),
        Executor(ProcessId(4712, 100)),
        Executor(JVM, ("0",)),
        Executor(JVM, ("0", "1")),
    ]
    folders = [executor.folder() for executor in executors]
    assert len(set(folders)) == len(folders)
    assert folders == [executor.folder() for executor in executors]


def test_nobody_else_can_enter_the_folder(short_tmp: Path) -> None:
    folder = Executor(JVM).folder()
    folder.chmod(0o755)
    assert Executor(JVM).folder().stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_somebody_else_has_made_is_not_used(short_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    with pytest.raises(EngineError, match="belongs to somebody else"):
        base_folder()


def test_a_link_in_its_place_is_not_followed(short_tmp: Path) -> None:
    (short_tmp / "elsewhere").mkdir()
    (short_tmp / f"genetic-udfs-{os.getuid()}").symlink_to(short_tmp / "elsewhere")
    with pytest.raises(EngineError, match="belongs to somebody else"):
        base_folder()


def test_sockets_fit_their_paths_even_if_the_temporary_folder_is_deep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    socket = Executor(JVM).folder() / "e1795380891.sock"
    assert len(os.fsencode(socket)) <= 107


def test_outside_spark_this_process_is_the_executor() -> None:
    assert Executor.of_this_task() == Executor(ProcessId.of(os.getpid()) or JVM)
