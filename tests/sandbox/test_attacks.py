"""What code that means harm can do: nothing. In each tier every attack is stopped, and the zygote serves the next."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from genetic_udfs.sandbox.outcomes import answers, examine
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.preload import Kind
from genetic_udfs.sandbox.tiers import Tier
from tests.sandbox.attacks import ATTACKS, FOLDER_ATTACKS, REFUSED, got_through
from tests.sandbox.conftest import LOOPING, SLEEPING, limited, sandbox_of

SECRET = "a secret of the job"


def zygote_of(sandbox: Sandbox) -> int:
    return sandbox._zygote(Kind.BASIC).pid


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_stopped(sandbox: Sandbox, name: str, tmp_path: Path) -> None:
    assert_stopped(sandbox, name, *ATTACKS[name], tmp_path)


@pytest.mark.parametrize("name", FOLDER_ATTACKS)
def test_a_folder_is_no_way_out(with_folder: Sandbox, name: str, tmp_path: Path) -> None:
    assert_stopped(with_folder, name, *FOLDER_ATTACKS[name], tmp_path)
    assert answers(with_folder, "import os\ndef ls(): return os.listdir()", ["ls()"]) == ["list()"]


@pytest.fixture(scope="module")
def with_folder() -> Iterator[Sandbox]:
    made = sandbox_of(Tier.LANDLOCK_FOLDER)
    yield made
    made.close()


def assert_stopped(sandbox: Sandbox, name: str, body: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text(SECRET)
    victim.chmod(0o666)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o755)
    before, zygote = victim.stat(), zygote_of(sandbox)
    with limited(sandbox, SLEEPING if "sleep" in name else LOOPING):
        assert got_through(sandbox, body, expected, victim) is None

    assert (victim.read_text(), victim.stat().st_mode, victim.stat().st_mtime) == (
        SECRET,
        before.st_mode,
        before.st_mtime,
    )
    assert not list(Path("/tmp").glob("genetic-udfs-attack*"))
    assert not Path("/dev/shm/genetic-udfs-attack").exists()
    assert zygote_of(sandbox) == zygote
    wait_for_no_children(zygote)
    assert examine(sandbox, "def f(x): return x + 1", ["assert f(1) == 2"]).tests[0].passed


def test_an_attack_that_is_only_noticed_has_got_through(sandbox: Sandbox, tmp_path: Path) -> None:
    noticed = "import errno\ntry: open('/etc/passwd')\nexcept OSError: pass"
    assert str(got_through(sandbox, noticed, REFUSED, tmp_path).name) == "unsupported"


def wait_for_no_children(zygote: int) -> None:
    deadline = time.monotonic() + 60
    while (left := psutil.Process(zygote).children(recursive=True)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, left


def test_the_owner_s_environment_is_not_there(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_OF_THE_JOB", SECRET)
    fresh = Sandbox(sandbox.tier, sandbox.limits)  # its zygote is started with the variable set
    code = "import os, sys\ndef seen(): return repr(os.environ) + repr(sys.argv) + repr(sys.orig_argv)"
    try:
        outcome = examine(fresh, code, ["assert 'TOKEN' not in seen()", "assert 'PYTHONHASHSEED' in seen()"])
    finally:
        fresh.close()
    assert [each.name for each in outcome.tests] == ["passed", "passed"]


def test_no_descriptor_but_its_own_is_open(sandbox: Sandbox) -> None:
    code = """
import os
def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
def found(): return [number for number in range(70000) if is_open(number)]
def kinds(): return [oct(os.fstat(number).st_mode >> 12) for number in found()]
"""
    outcome = examine(
        sandbox, code, ["assert found() == [0, 1, 2, 3]", "assert kinds() == ['0o2', '0o1', '0o1', '0o14']"]
    )
    assert [each.name for each in outcome.tests] == ["passed", "passed"], outcome


def test_a_run_knows_nothing_of_the_one_before(sandbox: Sandbox) -> None:
    leave = "import builtins, sys, json\nbuiltins.left = sys.left = json.left = 'left'\ndef f(): return 1"
    look = "import builtins, sys, json\ndef f(): return [hasattr(each, 'left') for each in (builtins, sys, json)]"
    assert examine(sandbox, leave, ["assert f() == 1"]).tests[0].passed
    assert examine(sandbox, look, ["assert f() == [False, False, False]"]).tests[0].passed


def test_what_a_run_writes_is_there_for_itself_alone(with_folder: Sandbox) -> None:
    code = """
import os, sqlite3, tempfile
def write(path, text):
    with open(path, "w") as file: file.write(text)
    return os.listdir()
def store(path):
    with sqlite3.connect(path) as made: made.execute("CREATE TABLE t AS SELECT 7 AS x")
    return sqlite3.connect(path).execute("SELECT x FROM t").fetchall()
def copied():
    with tempfile.TemporaryDirectory() as folder:
        write(folder + "/a", "x")
        os.rename(folder + "/a", folder + "/b")
        return os.listdir(folder)
def home(): return os.path.expanduser("~") == os.getcwd() == tempfile.gettempdir()
"""
    folder = Path(answers(with_folder, f"{code}\ndef path(): return os.getcwd()", ["path()"])[0].strip("'"))
    before = sorted(folder.iterdir())
    file = (
        "def test_it(tmp_path):\n    write(tmp_path / 'x', 'text')\n    assert (tmp_path / 'x').read_text() == 'text'"
    )
    calls = ["write('x', 'a') == ['x']", "store('a.db') == [(7,)]", "copied() == ['b']", "home()"]
    asserts = [f"assert {each}" for each in calls]
    for tests in (asserts, [file], asserts):
        outcome = examine(with_folder, code, tests)
        assert [each.name for each in outcome.tests] == ["passed"] * len(tests), outcome
    assert sorted(folder.iterdir()) == before
    full = "def fill():\n    with open('x', 'wb') as file: file.write(bytes(9 << 20))"
    assert examine(with_folder, full, ["assert fill()"]).tests[0].name == "unsupported"


def test_the_zygote_and_its_runs_end_with_their_owner(tmp_path: Path) -> None:
    script = """
import sys, threading, time
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.tiers import Limits, Tier
from genetic_udfs.sandbox.outcomes import answers, examine
sandbox = Sandbox(Tier.NO_FILES, Limits(cpu_seconds=600, wall_seconds=600))
sandbox.tier
print(next(iter(sandbox._zygotes.values())).pid, flush=True)
examine(sandbox, "while True: pass", [])
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        zygote = psutil.Process(int(owner.stdout.readline()))
        deadline = time.monotonic() + 300
        while not (runs := zygote.children()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert runs
        owner.kill()
    _, alive = psutil.wait_procs([zygote, *runs], timeout=60)
    assert not alive
