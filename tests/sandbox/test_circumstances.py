"""Other kernels, containers and users than this machine's, as far as they can be made here; and what is refused."""

import json
import os
import re
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from genetic_udfs.errors import SandboxError
from genetic_udfs.sandbox import host, pool
from genetic_udfs.sandbox.host import Run, Zygote, ZygoteLostError
from genetic_udfs.sandbox.outcomes import answers, examine
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.preload import Kind
from genetic_udfs.sandbox.probe import check
from genetic_udfs.sandbox.syscalls import ARCHITECTURES
from genetic_udfs.sandbox.tiers import Tier
from tests.conftest import PROJECT
from tests.sandbox.conftest import LIMITS, sandbox_of

pytestmark = pytest.mark.processes

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="takes root's rights away, so it needs them")
# A home that is closed to others, such as root's, may hold the interpreter or the environment.
OPEN_TO_OTHERS = all(
    folder.stat().st_mode & 0o005 == 0o005
    for place in (os.__file__, pytest.__file__)
    for folder in Path(place).resolve().parents
)
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def within(*circumstances: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sandbox.within", *circumstances],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


REFUSED = "the sandbox refuses reading /etc/passwd"
WORKS = {"code": "passed", "tests": ["passed", "passed", "unsupported"], "read": REFUSED}


def test_without_landlock_no_file_is_opened() -> None:
    assert within("no_landlock", "no_files").items() >= {"tier": "no_files", **WORKS}.items()


@needs_root
@pytest.mark.parametrize(
    "circumstances",
    [
        ("container", "landlock"),
        ("container", "nobody", "landlock"),
        ("no_landlock", "container", "nobody", "no_files"),
        ("nobody", "landlock"),
        ("bare_root", "landlock"),
        ("no_landlock", "bare_root", "no_files"),
    ],
)
def test_it_works_as_root_and_not_and_in_a_container(circumstances: tuple[str, ...]) -> None:
    sandbox_of(Tier(circumstances[-1])).close()
    if "nobody" in circumstances and not OPEN_TO_OTHERS:
        pytest.skip("no other user can start this interpreter")
    # Root stays root, without a capability, where it may not change its user, and in a container where another could
    # not import: to read what is closed takes a capability that containers do not have.
    user = 0 if "bare_root" in circumstances or ("container" in circumstances and not OPEN_TO_OTHERS) else 65534
    found = within(*circumstances)
    tier = found.pop("tier")
    # An ordinary user may have a user namespace, and in it a folder of a run's own.
    assert tier == circumstances[-1] or (circumstances == ("nobody", "landlock") and tier == "landlock_folder")
    assert found == {"user": f"user() is {user}", **WORKS}


def test_a_tier_below_the_least_is_refused_and_the_message_says_what_is_missing() -> None:
    refused = within("no_landlock", "landlock")["refused"]
    assert "no code is run: the sandbox needs at least the tier landlock" in refused
    assert "Landlock: Function not implemented" in refused
    assert "Linux 5.13" in refused


def test_without_seccomp_nothing_is_run() -> None:
    refused = within("no_seccomp", "no_files")["refused"]
    assert "no_files: a run cannot be confined" in refused
    assert "a seccomp filter: Invalid argument" in refused
    assert "seccomp filters, prctl and rlimits must be allowed" in refused


def test_what_the_probe_is_not_stopped_at_refuses_the_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zygote whose filter lets something through is found out, whatever it says of itself."""
    leaky = host._START.replace(
        "from genetic_udfs.sandbox.zygote",
        "from genetic_udfs.sandbox import seccomp; was = seccomp._program;"
        "refuse, allow = seccomp._return(seccomp._ERRNO | 1), seccomp._return(seccomp._ALLOW);"
        "seccomp._program = lambda *given: was(*given).replace(refuse, allow);"
        "from genetic_udfs.sandbox.zygote",
    )
    monkeypatch.setattr(host, "_START", leaky)
    sandbox = Sandbox(Tier.NO_FILES, LIMITS)
    with pytest.raises(SandboxError, match=r"probe was not stopped at .*a TCP socket \(got through\).*memfd"):
        examine(sandbox, "", [])
    assert not sandbox._zygotes


def test_a_run_that_cannot_be_confined_runs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = host._START.replace(
        "from genetic_udfs.sandbox.zygote",
        "from genetic_udfs.sandbox import confine; confine._THREADS = 'none';from genetic_udfs.sandbox.zygote",
    )
    monkeypatch.setattr(host, "_START", broken)
    with closing(Zygote(Kind.BASIC, Tier.NO_FILES)) as zygote:
        run = Run({"do": "answer", "code": "import os\nos.write(1, b'it ran')", "steps": []})
        zygote.run(run, LIMITS)
        assert b"refused" in run.results
        assert not run.printed
        with pytest.raises(SandboxError, match="cannot be confined"):
            check(zygote)


def test_a_lost_zygote_is_replaced_and_the_run_done_again() -> None:
    sandbox = Sandbox(Tier.NO_FILES, LIMITS)
    assert examine(sandbox, "def f(): return 1", ["assert f() == 1"]).tests_passed == 1
    lost = sandbox._zygotes[Kind.BASIC]
    lost._process.kill()
    lost._process.wait()
    assert examine(sandbox, "def f(): return 1", ["assert f() == 1"]).tests_passed == 1
    assert sandbox._zygotes[Kind.BASIC] is not lost
    sandbox.close()


def test_a_sandbox_that_fails_twice_raises_and_fails_no_test(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox(Tier.NO_FILES, LIMITS)
    assert sandbox.tier
    tries = []

    def lost(*_: object) -> None:
        tries.append(1)
        raise ZygoteLostError("gone")

    monkeypatch.setattr(Zygote, "run", lost)
    monkeypatch.setattr(pool, "check", lambda _: None)
    with pytest.raises(SandboxError, match="failed twice in a row: gone"):
        examine(sandbox, "def f(): return 1", ["assert f() == 1"])
    assert len(tries) == 2
    sandbox.close()


def test_it_works_from_the_zip_file_that_executors_get(tmp_path: Path) -> None:
    archive = tmp_path / "genetic_udfs.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for source in (PROJECT / "genetic_udfs").rglob("*.py"):
            file.write(source, source.relative_to(PROJECT))
    script = """
import genetic_udfs
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.preload import Kind
from genetic_udfs.sandbox.tiers import Limits, Tier
from genetic_udfs.sandbox.outcomes import examine
assert ".zip" in genetic_udfs.__file__
sandbox = Sandbox(Tier.NO_FILES, Limits(cpu_seconds=20, wall_seconds=120.0))
print(examine(sandbox, "def f(): return 1", ["assert f() == 1", "for x in [1]: assert f() == x"]).tests_passed)
sandbox.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(archive)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.stdout == "2\n", done.stderr


@needs_root
def test_packages_under_a_closed_home_can_be_imported_and_nothing_else_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    packages = home / "lib" / "site-packages"
    packages.mkdir(parents=True)
    tries = "import socket\ntry: socket.socket()\nexcept OSError: ANSWER = len(open('/dev/urandom', 'rb').read(42))"
    (packages / "of_the_home.py").write_text(tries)  # what a package tries as it is imported is no refusal
    (home / "secret").write_text("secret")
    home.chmod(0o700)
    monkeypatch.setattr(sys, "path", [*sys.path, str(packages)])
    sandbox = sandbox_of(Tier.LANDLOCK)
    code = f"""
import of_the_home, os, threading, time
def f(): return of_the_home.ANSWER, os.getuid()
def g(): return open({str(home / "secret")!r})
def h():
    threading.stack_size(32768)
    for number in range(2000):
        try: threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
        except RuntimeError: return number
"""
    outcome = examine(sandbox, code, ["assert f() == (42, 65534)", "assert g()", "assert h() < 256"])
    sandbox.close()
    assert [test.name for test in outcome.tests] == ["passed", "unsupported", "passed"], outcome
    assert outcome.tests[1].message == f"the sandbox refuses reading {home / 'secret'}"


def test_what_the_machine_has_can_be_imported() -> None:
    code = """
def missing():
    found = []
    for name in ("readline", "curses", "tkinter", "sqlite3", "ssl", "ctypes", "lzma", "statistics", "unicodedata"):
        try: __import__(name)
        except ImportError as error: found.append(str(error))
    return found
"""
    script = f"{code}\nprint(missing())"
    plain = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    for tier in Tier:
        sandbox = sandbox_of(tier)
        outcome = examine(sandbox, code, [f"assert missing() == {plain}"])
        sandbox.close()
        assert outcome.tests[0].passed, (tier, outcome)


def test_nothing_is_truncated_where_landlock_does_not_know_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before its ABI 3, in Linux 6.2, only the filter keeps a file that can be read from being emptied."""
    old = host._START.replace(
        "from genetic_udfs.sandbox.zygote",
        "from genetic_udfs.sandbox import landlock; landlock._FILE_BITS = {1: 13, 2: 14};"
        "from genetic_udfs.sandbox.zygote",
    )
    monkeypatch.setattr(host, "_START", old)
    packages = tmp_path / "site-packages"
    packages.mkdir()
    for folder in (packages, *packages.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o755)
    package = packages / "of_a_package.py"
    package.write_text("ANSWER = 42")
    package.chmod(0o666)
    monkeypatch.setattr(sys, "path", [*sys.path, str(packages)])
    sandbox = sandbox_of(Tier.LANDLOCK)
    code = """
import os
def opened(path, flags):
    try: os.close(os.open(path, flags))
    except OSError as error: return error.errno
    return 0
"""
    ways = [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_ACCMODE]
    calls = [f"opened({str(package)!r}, {way | os.O_TRUNC})" for way in ways]
    found = answers(sandbox, f"{code}\nopen(os.devnull, 'w').close()", [f"opened({str(package)!r}, 0)", *calls])
    sandbox.close()
    assert found == ["0", *["13"] * 4]
    assert package.read_text() == "ANSWER = 42"


def test_code_that_wants_numpy_gets_it() -> None:
    for tier in Tier:
        sandbox = sandbox_of(tier)
        code = "import numpy as np\ndef f(x): return np.linalg.norm(x), np.arange(3).sum(), np.random.rand(2).shape"
        outcome = examine(sandbox, code, ["assert f([3, 4]) == (5.0, 3, (2,))"])
        sandbox.close()
        assert outcome.tests[0].passed, outcome


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_numbers_of_system_calls_are_linux_s(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("the kernel's headers are not installed")
    numbers = {
        name: int(number)
        for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    }
    numbers.setdefault("newfstatat", numbers.get("fstatat", -1))  # the generic table's name for it
    known = ARCHITECTURES[machine]
    assert {**known.allowed, **known.guarded, **known.writing}.items() <= numbers.items()
