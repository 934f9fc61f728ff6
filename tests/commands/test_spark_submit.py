"""spark-submit.sh and the steps it takes, with stand-ins for Spark, Java and the installers."""

import fcntl
import hashlib
import json
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import psutil
import pytest

PROJECT: Final = Path(__file__).resolve().parents[2]
SCRIPTS: Final = ("spark-submit.sh", "conf/environment.sh", "conf/signals.py")
TIMEOUT: Final = 30.0

LAUNCH: Final = """
import sys
if "bad" in sys.argv[2]:
    sys.exit(print("error: engines.tiny: unknown key", file=sys.stderr) or 2)
print("--master\\nlocal[2]\\n--conf\\nspark.app.name=from the configuration")
for option in sys.argv[3:]:
    if option.startswith("--conf="):
        print("--conf", option.removeprefix("--conf="), sep="\\n")
"""

# Prints what it was given, waits if it is told to, and leaves with the code it is told.
JOB: Final = """
import json, os, signal, sys, time
def leave(number, frame):
    print("finished cleanly", flush=True)
    sys.exit(128 + number)
signals = {signal.SIGTERM, signal.SIGINT}
for each in signals:
    signal.signal(each, leave)
signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # a print within a print is an error
print(json.dumps(dict(arguments=sys.argv[1:], environment=dict(os.environ))), flush=True)
signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
if "--wait" in sys.argv:
    time.sleep(60)
sys.exit(int(os.environ.get("JOB_EXIT", 0)))
"""

INCUBATOR: Final = "WARNING: Using incubator modules: jdk.incubator.vector"

# As Spark's: a process that becomes the JVM, whose children are the driver and another process.
# With --packages it fetches what FETCHED names; asked for archives of classes it writes them, unless it is to fail.
SPARK: Final = """#!/bin/bash
printf '%s\\0' "$@" >>"$SPARK_LOG"; printf '\\n' >>"$SPARK_LOG"
printf %s "$SAID_BY_JVM" >&2
if [[ $SPARK_SUBMIT_OPTS == *ArchiveClassesAtExit=* ]]; then
    [[ -z $ARCHIVE_FAILS ]] || exit 1
    for options in "$SPARK_SUBMIT_OPTS" "$SPARK_LAUNCHER_OPTS"; do
        archive=${options#*ArchiveClassesAtExit=}
        echo "$SPARK_DIST_CLASSPATH" >"${archive%% *}"
    done
    sleep 0.5
    exit
fi
for word; do
    if [[ $word == spark.jars.ivy=* ]]; then
        mkdir -p "${word#*=}/jars"
        for jar in $FETCHED; do printf %s "$jar" >"${word#*=}/jars/$jar"; done
        exit
    fi
done
while [[ $1 != *.py ]]; do shift; done
[[ -z $NO_DRIVER ]] || exec sleep 60
sleep 60 & worker=$!
"$PYSPARK_DRIVER_PYTHON" "$@" & driver=$!
trap 'echo the JVM got TERM; kill -KILL $worker $driver; exit 143' TERM
wait $driver; status=$?
kill $worker
exit $status
"""

# A Python 3.11 whose environments hold nothing but itself and an installer that writes down its calls.
PYTHON: Final = """#!/bin/bash
case "$*" in
"-I -m venv --clear "*)
    echo venv >>"$INSTALL_LOG"
    mkdir -p "$5/bin" && cp "$0" "$5/bin/python"
    echo '#!/bin/bash' >"$5/bin/uv"
    echo 'echo "uv $* index=$UV_DEFAULT_INDEX links=$UV_FIND_LINKS" >>"$INSTALL_LOG"' >>"$5/bin/uv"
    if [[ -n $SPARK_TO_INSTALL ]]; then
        mkdir -p "$5/lib/python3.11/site-packages"
        cp -r "$SPARK_TO_INSTALL" "$5/lib/python3.11/site-packages/pyspark"
    fi
    chmod +x "$5/bin/uv"
    sleep 0.5 ;;
"-I -m pip config list") echo "$PIP_CONFIGURATION" ;;
"-I -m pip install "*) echo "pip ${*: -1}" >>"$INSTALL_LOG" ;;
"-c import "*) exit "${PYTHON_UNFIT:-0}" ;;
*) exec REAL "$@" ;;
esac
"""


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@dataclass
class Checkout:
    """A copy of the scripts with a package, jobs and Spark of its own; its folder has a space in its name."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def script(self) -> Path:
        return self.root / "spark-submit.sh"

    def start(
        self, *arguments: str, cwd: Path | None = None, script: Path | None = None, **extra: str
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(script or self.script), *arguments],
            cwd=cwd or self.root,
            env=self.environment | extra,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def run(
        self, *arguments: str, cwd: Path | None = None, script: Path | None = None, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, cwd=cwd, script=script, **extra)
        output, errors = process.communicate(timeout=TIMEOUT)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def submitted(self) -> list[list[str]]:
        """The arguments of each call of Spark's spark-submit."""
        log = Path(self.environment["SPARK_LOG"])
        return [line.split("\0")[:-1] for line in log.read_text().splitlines()] if log.exists() else []

    def installed(self) -> list[str]:
        """What the stand-ins of the installers were asked for."""
        log = Path(self.environment["INSTALL_LOG"])
        return log.read_text().splitlines() if log.exists() else []

    def without_an_environment(self) -> "Checkout":
        """The same checkout where nothing is set up, on a machine that has a Python 3.11 and a Java 17."""
        machine = self.root.parent / "machine"
        python = executable(machine / "python3.11", PYTHON.replace("REAL", shlex.quote(sys.executable)))
        java = executable(machine / "bin" / "java", "#!/bin/bash\necho 'openjdk version \"17.0.1\"' >&2\n")
        environment = {key: value for key, value in self.environment.items() if key != "PYSPARK_PYTHON"}
        return Checkout(self.root, environment | {"PYTHON": str(python), "JAVA_HOME": str(java.parent.parent)})


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    root = tmp_path / "a project"
    for script in SCRIPTS:
        (root / script).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / script, root / script)
    (root / "conf" / "environment.txt").write_text("uv==0.0.1\nvllm-cpu==0.0.1\n")
    (root / "conf" / "local.yaml").write_text("generations: 2\n")
    (root / "conf" / "bad.yaml").write_text("no: such key\n")
    declare_jars(root, "delta-spark.jar", "delta-storage.jar")
    executable(root / "genetic_udfs" / "__init__.py", "")
    executable(root / "genetic_udfs" / "commands" / "__init__.py", "")
    executable(root / "genetic_udfs" / "commands" / "launch.py", LAUNCH)
    executable(root / "jobs" / "evolve.py", JOB)
    spark = tmp_path / "a spark"
    executable(spark / "bin" / "spark-submit", SPARK)
    executable(spark / "jars" / "delta-spark_2.13.jar", "")
    yield Checkout(
        root,
        {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_HOME": str(spark),
            "SPARK_LOG": str(tmp_path / "spark.log"),
            "INSTALL_LOG": str(tmp_path / "install.log"),
        },
    )


def declare_jars(root: Path, *names: str) -> None:
    """Make these the jars that are needed; the stand-in for Spark fetches files that hold their own names."""
    sums = [f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n" for name in names]
    (root / "conf" / "delta-jars.sha256").write_text("".join(sums))


def without_delta(checkout: Checkout) -> Checkout:
    """Take Delta out of the stand-in for Spark."""
    for jar in (Path(checkout.environment["SPARK_HOME"]) / "jars").iterdir():
        jar.unlink()
    return checkout


def values_of(option: str, arguments: list[str]) -> list[str]:
    return [value for name, value in pairwise(arguments) if name == option]


def processes_of(root: Path) -> list[list[str]]:
    """The commands of the processes that work in a checkout."""
    found = psutil.process_iter(["cmdline", "cwd"])
    return [process.info["cmdline"] for process in found if process.info["cwd"] == str(root)]


def seen_by_job(output: str) -> tuple[list[str], Mapping[str, str]]:
    report = json.loads(output.splitlines()[0])
    return report["arguments"], report["environment"]


class TestArguments:
    def test_no_arguments_print_the_usage_and_exit_with_2(self, checkout: Checkout) -> None:
        result = checkout.run()
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("usage: spark-submit.sh")

    def test_help_prints_the_usage_and_exits_with_0(self, checkout: Checkout) -> None:
        result = checkout.run("--help")
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith("usage: spark-submit.sh")

    def test_an_unknown_job_is_named_and_exits_with_2(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evlove.py", "conf/local.yaml")
        assert result.returncode == 2
        assert "jobs/evlove.py: no such job" in result.stderr
        assert checkout.submitted() == []

    def test_an_option_before_the_job_is_refused(self, checkout: Checkout) -> None:
        result = checkout.run("--master", "local", "jobs/evolve.py")
        assert result.returncode == 2
        assert "--master: not an option of this script" in result.stderr

    def test_the_job_gets_its_configuration_and_options_untouched(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evolve.py", "conf/local.yaml", "--set", "a.b=c d", "", "SELECT '*' -- \"x\"")
        assert result.returncode == 0
        arguments, _ = seen_by_job(result.stdout)
        assert arguments == ["conf/local.yaml", "--set", "a.b=c d", "", "SELECT '*' -- \"x\""]

    def test_a_configuration_that_is_not_there_is_named_before_anything_is_made(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evolve.py", "conf/none.yaml")
        assert result.returncode == 2
        assert "conf/none.yaml: no such configuration" in result.stderr

    def test_a_bad_configuration_exits_with_2_before_spark_starts(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evolve.py", "conf/bad.yaml")
        assert result.returncode == 2
        assert "error: engines.tiny: unknown key" in result.stderr
        assert checkout.submitted() == []

    def test_a_job_without_a_configuration_is_not_asked_for_one(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evolve.py", "--verbose")
        assert result.returncode == 0
        assert seen_by_job(result.stdout)[0] == ["--verbose"]


class TestHelp:
    @pytest.mark.parametrize("options", [["--help"], ["conf/local.yaml", "--set", "seed=2", "--help"]])
    def test_a_jobs_help_is_pythons_alone(self, checkout: Checkout, options: list[str]) -> None:
        result = checkout.run("jobs/evolve.py", *options)
        assert (result.returncode, result.stderr) == (0, "")
        assert seen_by_job(result.stdout)[0] == ["--help"]
        assert checkout.submitted() == []

    def test_it_makes_an_environment_that_is_missing_and_asks_for_no_java(self, checkout: Checkout) -> None:
        bare = checkout.without_an_environment()
        bare.run("jobs/evolve.py", "--help")
        assert len(bare.installed()) == 3
        executable(Path(bare.environment["JAVA_HOME"]) / "bin" / "java", "#!/bin/bash\nexit 127\n")
        assert seen_by_job(bare.run("jobs/evolve.py", "--help").stdout)[0] == ["--help"]

    def test_after_two_dashes_it_is_an_argument(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evolve.py", "conf/local.yaml", "--", "--help")
        assert seen_by_job(result.stdout)[0] == ["conf/local.yaml", "--", "--help"]
        assert len(checkout.submitted()) == 1

    def test_a_script_of_the_users_own_gets_it_from_spark(self, checkout: Checkout) -> None:
        executable(checkout.root / "mine" / "job.py", JOB)
        assert seen_by_job(checkout.run("mine/job.py", "--help").stdout)[0] == ["--help"]
        assert len(checkout.submitted()) == 1

    def test_no_job_imports_what_is_heavy_for_its_help(self) -> None:
        program = """
import contextlib, io, runpy, sys
for job in sys.argv[1:]:
    sys.argv, shown = [job, "--help"], io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        runpy.run_path(job, run_name="__main__")
    assert shown.getvalue().startswith("Usage: ") and "--set KEY=VALUE" in shown.getvalue(), job
heavy = {"aiohttp", "jinja2", "numpy", "pandas", "py4j", "pyarrow", "pydantic", "pyspark", "yaml"}
print(sorted(heavy & sys.modules.keys()))
"""
        jobs = sorted(map(str, (PROJECT / "jobs").glob("*.py")))
        assert len(jobs) == 14
        found = subprocess.check_output([sys.executable, "-c", program, *jobs], cwd=PROJECT, text=True)
        assert found == "[]\n"


class TestQuietStart:
    def test_one_line_says_what_runs_where(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evolve.py", "conf/local.yaml")
        assert result.stderr == "spark-submit.sh: jobs/evolve.py on local[2]\n"

    def test_a_master_that_spark_finds_for_itself_is_not_named(self, checkout: Checkout) -> None:
        assert checkout.run("jobs/evolve.py").stderr == "spark-submit.sh: jobs/evolve.py\n"

    def test_the_jvms_warning_of_its_module_is_left_out_and_nothing_else(self, checkout: Checkout) -> None:
        before, after = "a launcher's word\n", "one\n\n  two \\n\n" + f"{INCUBATOR}\n" + "x" * 100_000 + "\nlast words"
        said = f"{before}{INCUBATOR}\n{after}"
        result = checkout.run("jobs/evolve.py", "conf/local.yaml", SAID_BY_JVM=said, JOB_EXIT="7")
        assert result.stderr == f"spark-submit.sh: jobs/evolve.py on local[2]\n{before}{after}"
        assert result.returncode == 7

    def test_a_jvm_that_has_no_such_warning_is_heard_to_its_end(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evolve.py", SAID_BY_JVM="error: cannot\nopen it")
        assert result.stderr == "spark-submit.sh: jobs/evolve.py\nerror: cannot\nopen it"

    def test_a_signal_does_not_cost_the_jvms_log_excerpt(self, checkout: Checkout) -> None:
        process = checkout.start("jobs/evolve.py", "--wait", SAID_BY_JVM=f"{INCUBATOR}\nlast words")
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=TIMEOUT)
        assert errors == "spark-submit.sh: jobs/evolve.py\nlast words"
        assert process.returncode == 130


@pytest.mark.slow
def test_a_real_start_is_quiet_and_says_what_fails(tmp_path: Path) -> None:
    job = executable(
        tmp_path / "fails.py",
        """
from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.getOrCreate()

@F.udf("int")
def fails(number):
    raise ValueError("three's a crowd")

print("the job's own line", flush=True)
try:
    spark.range(1).select(fails("id")).collect()
except Exception as error:
    print(type(error).__name__)
spark.stop()
""",
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SPARK_")}
    result = subprocess.run(
        [PROJECT / "spark-submit.sh", job],
        env=environment | {"SPARK_SUBMIT_ARGS": "--master local[1]", "SPARK_HOME": os.environ.get("SPARK_HOME", "")},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout == "the job's own line\nPythonException\n"
    started, *said = [line for line in result.stderr.splitlines() if "archiving the classes" not in line]
    assert started == f"spark-submit.sh: {job} on local[1]"
    times = [line.partition("] ")[2] for line in said if line.startswith("[")]
    assert times[0].startswith("Spark WARN: Lost task 0.0 in stage 0.0 (TID 0)")
    assert "ValueError: three's a crowd" in times[0]
    assert times[1:] == ["Spark ERROR: Task 0 in stage 0.0 failed 1 times; aborting job (TaskSetManager)"]
    assert not any(line.lstrip().startswith("at ") for line in said)  # of Java's stack


class TestJvm:
    def options(self, checkout: Checkout, *arguments: str, **extra: str) -> list[str]:
        return shlex.split(seen_by_job(checkout.run(*arguments, **extra).stdout)[1]["SPARK_SUBMIT_OPTS"])

    @pytest.mark.parametrize("job", ["sql", "history", "lineage", "compare"])
    def test_a_job_of_seconds_does_without_the_second_compiler(self, checkout: Checkout, job: str) -> None:
        executable(checkout.root / "jobs" / f"{job}.py", JOB)
        options = self.options(checkout, f"jobs/{job}.py", "conf/local.yaml")
        assert options[:2] == ["-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m"]

    def test_a_long_job_has_both(self, checkout: Checkout) -> None:
        log = f"-Dlog4j2.configurationFile={checkout.root}/conf/log4j2.properties"
        assert self.options(checkout, "jobs/evolve.py", "conf/local.yaml") == [log]

    def test_the_users_options_come_last_and_so_win(self, checkout: Checkout) -> None:
        executable(checkout.root / "jobs" / "sql.py", JOB)
        own = "-XX:TieredStopAtLevel=4 -Da='b c'"
        options = self.options(checkout, "jobs/sql.py", "conf/local.yaml", SPARK_SUBMIT_OPTS=own)
        assert options[0] == "-XX:TieredStopAtLevel=1"
        assert options[-2:] == ["-XX:TieredStopAtLevel=4", "-Da=b c"]

    @pytest.mark.parametrize(
        "own",
        [
            {"SPARK_SUBMIT_ARGS": "--driver-java-options -Dlog4j2.configurationFile=mine.xml"},
            {"SPARK_SUBMIT_OPTS": "-Dlog4j.configurationFile=mine.xml"},
        ],
    )
    def test_the_users_own_settings_of_the_log_stay(self, checkout: Checkout, own: dict[str, str]) -> None:
        _, environment = seen_by_job(checkout.run("jobs/evolve.py", **own).stdout)
        assert "conf/log4j2.properties" not in environment.get("SPARK_SUBMIT_OPTS", "")

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("log4j2.yaml", "any"),
            ("spark-defaults.conf", "spark.driver.extraJavaOptions -Dlog4j2.configurationFile=mine.xml"),
        ],
    )
    def test_those_beside_sparks_settings_stay_too(
        self, checkout: Checkout, tmp_path: Path, file: str, text: str
    ) -> None:
        executable(tmp_path / "settings" / file, text)
        result = checkout.run("jobs/evolve.py", SPARK_CONF_DIR=str(tmp_path / "settings"))
        assert "SPARK_SUBMIT_OPTS" not in seen_by_job(result.stdout)[1]

    def test_a_driver_that_is_its_own_executor_has_delta_on_its_class_path(self, checkout: Checkout) -> None:
        declare_jars(checkout.root, "delta-spark.jar", "delta-storage.jar")
        result = without_delta(checkout).run(
            "jobs/evolve.py",
            "conf/local.yaml",
            FETCHED="delta-spark.jar delta-storage.jar",
            SPARK_DIST_CLASSPATH="/mine/*",
        )
        jars = checkout.root / ".cache" / "ivy" / "jars"
        expected = f"{jars}/delta-spark.jar:{jars}/delta-storage.jar:/mine/*"
        assert seen_by_job(result.stdout)[1]["SPARK_DIST_CLASSPATH"] == expected
        assert values_of("--jars", checkout.submitted()[-1]) == []


class TestClassData:
    """Archives of the classes that Spark's JVMs load."""

    FETCHED: Final = "delta-spark.jar delta-storage.jar"

    @pytest.fixture
    def bare(self, checkout: Checkout, tmp_path: Path) -> Checkout:
        """A checkout in a folder without a space, whose environment brings Spark."""
        root = tmp_path / "project"
        checkout.root.rename(root)
        executable(root / "conf" / "class_data.py", "")
        spark = without_delta(checkout).environment.pop("SPARK_HOME")
        executable(Path(spark) / "jars" / "spark-core.jar", "")
        return Checkout(
            root, checkout.environment | {"FETCHED": self.FETCHED, "SPARK_TO_INSTALL": spark}
        ).without_an_environment()

    def archived(self, bare: Checkout) -> int:
        return sum(any(word.endswith("class_data.py") for word in call) for call in bare.submitted())

    def test_they_are_made_once_and_used_from_then_on(self, bare: Checkout) -> None:
        jars = bare.root / ".cache" / "ivy" / "jars"
        first, second = (bare.run("jobs/evolve.py", "conf/local.yaml") for _ in range(2))
        (folder,) = (bare.root / ".cache" / "class-data").iterdir()
        assert "archiving the classes" in first.stderr
        assert second.stderr == "spark-submit.sh: jobs/evolve.py on local[2]\n"
        assert self.archived(bare) == 1
        assert (folder / "spark.jsa").read_text() == f"{jars}/delta-spark.jar:{jars}/delta-storage.jar\n"
        for result in (first, second):
            _, environment = seen_by_job(result.stdout)
            assert f"-XX:SharedArchiveFile={folder}/spark.jsa" in shlex.split(environment["SPARK_SUBMIT_OPTS"])
            assert f"-XX:SharedArchiveFile={folder}/launcher.jsa" in environment["SPARK_LAUNCHER_OPTS"].split()

    @pytest.mark.parametrize("changed", ["jar", "java"])
    def test_each_spark_and_java_has_its_own(self, bare: Checkout, changed: str) -> None:
        bare.run("jobs/evolve.py", "conf/local.yaml")
        spark = bare.root / ".venv" / "lib" / "python3.11" / "site-packages" / "pyspark"
        java = Path(bare.environment["JAVA_HOME"])
        other = executable(
            spark / "jars" / "another.jar" if changed == "jar" else java / "release", 'JAVA_VERSION="17.0.9"'
        )
        bare.run("jobs/evolve.py", "conf/local.yaml")
        assert self.archived(bare) == 2
        other.unlink()
        bare.run("jobs/evolve.py", "conf/local.yaml")
        assert self.archived(bare) == 2

    def test_a_job_starts_without_them_where_they_cannot_be_made(self, bare: Checkout) -> None:
        first, second = (bare.run("jobs/evolve.py", "conf/local.yaml", ARCHIVE_FAILS="1") for _ in range(2))
        assert (first.returncode, second.returncode) == (0, 0)
        assert "jobs start without" in first.stderr
        assert second.stderr == "spark-submit.sh: jobs/evolve.py on local[2]\n"
        assert self.archived(bare) == 1
        assert "SharedArchiveFile" not in seen_by_job(second.stdout)[1]["SPARK_SUBMIT_OPTS"]

    def test_a_job_starts_without_them_where_this_user_may_not_write(self, bare: Checkout) -> None:
        (bare.root / ".cache" / "class-data.lock").mkdir(parents=True)  # which no user can open as a file
        assert bare.run("jobs/evolve.py", "conf/local.yaml").returncode == 0
        assert self.archived(bare) == 0

    def test_two_starts_at_once_make_them_once(self, bare: Checkout) -> None:
        bare.run("jobs/evolve.py", "--help")
        bare.run("jobs/evolve.py")  # fetches the jars
        starts = [bare.start("jobs/evolve.py", "conf/local.yaml") for _ in range(2)]
        assert [start.communicate(timeout=TIMEOUT) and start.returncode for start in starts] == [0, 0]
        assert self.archived(bare) == 1

    def test_other_masters_and_other_sparks_do_without(self, bare: Checkout) -> None:
        bare.run("jobs/evolve.py", "conf/local.yaml", SPARK_SUBMIT_ARGS="--master spark://a:7077")
        bare.run("jobs/evolve.py", "conf/local.yaml", SPARK_HOME=bare.environment["SPARK_TO_INSTALL"])
        assert self.archived(bare) == 0

    def test_prepare_makes_them_and_a_dry_run_does_not(self, bare: Checkout) -> None:
        bare.run("--dry-run", "jobs/evolve.py", "conf/local.yaml")
        assert self.archived(bare) == 0
        bare.run("--prepare")
        assert self.archived(bare) == 1


class TestTests:
    def test_the_fast_ones_need_no_java_and_fetch_nothing_but_the_environment(self, checkout: Checkout) -> None:
        bare = checkout.without_an_environment()
        script = bare.root / "tests" / "run.sh"
        script.parent.mkdir()
        shutil.copy(PROJECT / "tests" / "run.sh", script)
        executable(bare.root / "pytest.py", "import sys\nprint(sys.argv[1:])\n")
        result = bare.run("--fast", script=script, JAVA_HOME="/nonexistent")
        assert result.stdout == "['--fast']\n"
        assert bare.submitted() == []


class TestPlaces:
    def test_it_works_from_another_folder(self, checkout: Checkout, tmp_path: Path) -> None:
        result = checkout.run("jobs/evolve.py", "conf/local.yaml", cwd=tmp_path)
        assert result.returncode == 0
        assert seen_by_job(result.stdout)[0] == [str(checkout.root / "conf" / "local.yaml")]

    def test_the_callers_own_files_come_before_the_projects(self, checkout: Checkout, tmp_path: Path) -> None:
        executable(tmp_path / "conf" / "local.yaml", "generations: 3\n")
        result = checkout.run("jobs/evolve.py", "conf/local.yaml", cwd=tmp_path)
        assert seen_by_job(result.stdout)[0] == ["conf/local.yaml"]

    def test_a_module_of_the_callers_folder_shadows_nothing(self, checkout: Checkout, tmp_path: Path) -> None:
        executable(tmp_path / "json.py", "raise SystemExit(9)")
        executable(tmp_path / "genetic_udfs" / "commands" / "launch.py", "raise SystemExit(9)")
        assert checkout.run("jobs/evolve.py", "conf/local.yaml", cwd=tmp_path).returncode == 0

    def test_it_works_through_a_symbolic_link(self, checkout: Checkout, tmp_path: Path) -> None:
        link = tmp_path / "bin" / "evolve"
        link.parent.mkdir()
        link.symlink_to(checkout.script)
        assert checkout.run("jobs/evolve.py", "conf/local.yaml", cwd=tmp_path, script=link).returncode == 0


class TestCommand:
    def test_a_dry_run_prints_the_command_and_runs_nothing(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evolve.py", "--dry-run", "conf/local.yaml", "--set", "seed=2")
        assert result.returncode == 0
        assert checkout.submitted() == []
        words = shlex.split(result.stdout)
        assert words[-4:] == ["jobs/evolve.py", "conf/local.yaml", "--set", "seed=2"]

    def test_secrets_are_handed_on_and_not_printed(self, checkout: Checkout) -> None:
        secrets = "--conf spark.executorEnv.MY_KEY=abc123 --conf spark.hadoop.fs.s3a.secret.key=abc123"
        own = f"{secrets} --conf spark.x.tokens=7"
        options = ("--set", "engines.e.env.HF_TOKEN=abc123", "--set", "roles.coder.max_tokens=7")
        jvm = "-Dspark.ssl.keyPassword=abc123"
        result = checkout.run("--verbose", "jobs/evolve.py", *options, SPARK_SUBMIT_ARGS=own, SPARK_SUBMIT_OPTS=jvm)
        assert "abc123" not in result.stderr
        assert "SPARK_SUBMIT_OPTS=" in result.stderr
        assert seen_by_job(result.stdout)[1]["SPARK_SUBMIT_OPTS"].endswith(f" {jvm}")
        assert "spark.executorEnv.MY_KEY=" in result.stderr
        assert "roles.coder.max_tokens=7" in result.stderr and "spark.x.tokens=7" in result.stderr
        [arguments] = checkout.submitted()
        assert "spark.executorEnv.MY_KEY=abc123" in arguments
        assert "engines.e.env.HF_TOKEN=abc123" in arguments

    def test_the_printed_command_does_what_the_script_does(self, checkout: Checkout) -> None:
        command = checkout.run("jobs/evolve.py", "conf/local.yaml", "it's", "--dry-run").stdout
        env = {key: checkout.environment[key] for key in ("PATH", "SPARK_LOG")}
        by_hand = subprocess.run(["bash", "-c", command], cwd=checkout.root, env=env, capture_output=True, text=True)
        by_script = checkout.run("--verbose", "jobs/evolve.py", "conf/local.yaml", "it's")
        assert by_hand.returncode == 0
        assert seen_by_job(by_hand.stdout)[0] == ["conf/local.yaml", "it's"]
        assert seen_by_job(by_hand.stdout)[0] == seen_by_job(by_script.stdout)[0]
        first, second = checkout.submitted()
        assert first == second
        assert command in by_script.stderr

    def test_the_master_is_the_configurations(self, checkout: Checkout) -> None:
        checkout.run("jobs/evolve.py", "conf/local.yaml")
        assert values_of("--master", checkout.submitted()[0]) == ["local[2]"]

    def test_no_master_is_named_when_nobody_names_one(self, checkout: Checkout) -> None:
        checkout.run("jobs/evolve.py")
        (start,) = checkout.submitted()
        assert [word for word in start if "master" in Path(word).name or word.startswith("local")] == []

    def test_spark_submit_args_come_last_and_so_win(self, checkout: Checkout) -> None:
        own = "--master 'spark://a:7077' --conf \"spark.app.name=my own\""
        checkout.run("jobs/evolve.py", "conf/local.yaml", SPARK_SUBMIT_ARGS=own)
        assert values_of("--master", checkout.submitted()[0]) == ["local[2]", "spark://a:7077"]
        assert values_of("--conf", checkout.submitted()[0])[-1] == "spark.app.name=my own"

    def test_spark_submit_args_are_split_and_never_executed(self, checkout: Checkout, tmp_path: Path) -> None:
        own = f"--conf 'a=$(touch {tmp_path}/executed)' --conf b=`id` --conf *=*"
        checkout.run("jobs/evolve.py", SPARK_SUBMIT_ARGS=own)
        assert not (tmp_path / "executed").exists()
        assert values_of("--conf", checkout.submitted()[0]) == [
            f"a=$(touch {tmp_path}/executed)",
            "b=`id`",
            "*=*",
        ]

    def test_an_open_quote_in_spark_submit_args_is_said(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evolve.py", SPARK_SUBMIT_ARGS="--name 'open")
        assert result.returncode == 2
        assert "SPARK_SUBMIT_ARGS: No closing quotation" in result.stderr

    def test_the_job_imports_the_package_of_this_checkout(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evolve.py", PYTHONPATH="/elsewhere")
        assert seen_by_job(result.stdout)[1]["PYTHONPATH"] == f"{checkout.root}:/elsewhere"

    def test_a_pipe_is_not_taken_for_a_terminal(self, checkout: Checkout) -> None:
        assert "GENETIC_UDFS_TERMINAL" not in checkout.run("jobs/evolve.py", "--dry-run").stdout

    def test_a_terminal_is_named_to_the_job(self, checkout: Checkout) -> None:
        screen, terminal = os.openpty()
        subprocess.run(
            [checkout.script, "--dry-run", "jobs/evolve.py"],
            cwd=checkout.root,
            env=checkout.environment,
            stdout=terminal,
            check=True,
            timeout=TIMEOUT,
        )
        shown = os.read(screen, 100_000).decode()
        os.close(screen)
        os.close(terminal)
        assert "GENETIC_UDFS_TERMINAL=/dev/tty" in shown


class TestPackageOnACluster:
    CLUSTER: Final = "--master spark://a:7077"

    def test_executors_elsewhere_get_the_package_as_a_zip_file(self, checkout: Checkout) -> None:
        checkout.run("jobs/evolve.py", "conf/local.yaml", SPARK_SUBMIT_ARGS=self.CLUSTER)
        (archive,) = values_of("--py-files", checkout.submitted()[0])
        assert archive == str(checkout.root / ".cache" / "genetic_udfs.zip")
        found = subprocess.check_output(
            [sys.executable, "-P", "-c", "import genetic_udfs; print(genetic_udfs.__file__)"],
            env={"PYTHONPATH": archive},
            text=True,
        )
        assert found.strip() == f"{archive}/genetic_udfs/__init__.py"

    def test_the_users_own_py_files_are_kept(self, checkout: Checkout) -> None:
        checkout.run("jobs/evolve.py", SPARK_SUBMIT_ARGS=f"{self.CLUSTER} --py-files mine.zip")
        assert values_of("--py-files", checkout.submitted()[0]) == [f"mine.zip,{checkout.root}/.cache/genetic_udfs.zip"]

    @pytest.mark.parametrize("master", ["local", "local[*]", "local[2,3]"])
    def test_a_local_run_needs_none(self, checkout: Checkout, master: str) -> None:
        checkout.run("jobs/evolve.py", SPARK_SUBMIT_ARGS=f"--master {master}")
        assert values_of("--py-files", checkout.submitted()[0]) == []


class TestEnding:
    @pytest.mark.parametrize("code", [0, 1, 2, 75, 143])
    def test_the_jobs_exit_code_is_passed_on(self, checkout: Checkout, code: int) -> None:
        assert checkout.run("jobs/evolve.py", "conf/local.yaml", JOB_EXIT=str(code)).returncode == code

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
    def test_a_signal_reaches_the_driver_and_not_the_jvm(
        self, checkout: Checkout, number: signal.Signals, code: int
    ) -> None:
        process = checkout.start("jobs/evolve.py", "conf/local.yaml", "--wait")
        assert process.stdout is not None
        process.stdout.readline()  # the driver is up
        process.send_signal(number)
        output, _ = process.communicate(timeout=TIMEOUT)
        assert output == "finished cleanly\n"
        assert process.returncode == code

    def test_a_third_signal_reaches_the_jvm_too(self, checkout: Checkout) -> None:
        executable(checkout.root / "jobs" / "deaf.py", JOB.replace("sys.exit(128 + number)", "pass"))
        process = checkout.start("jobs/deaf.py", "--wait")
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "finished cleanly\n"
        time.sleep(0.6)  # two signals within half a second are one
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "finished cleanly\n"
        time.sleep(0.6)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=TIMEOUT)
        assert "the JVM got TERM" in output
        assert process.returncode == 143

    def test_a_terminal_that_closes_is_a_stop(self, checkout: Checkout) -> None:
        screen, terminal = os.openpty()

        def open_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup

        process = subprocess.Popen(
            [checkout.script, "jobs/evolve.py", "--wait"],
            cwd=checkout.root,
            env=checkout.environment,
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=terminal,
            text=True,
            start_new_session=True,
            preexec_fn=open_terminal,
        )
        os.close(terminal)
        assert process.stdout is not None
        process.stdout.readline()
        os.close(screen)
        output, _ = process.communicate(timeout=TIMEOUT)
        assert (output, process.returncode) == ("finished cleanly\n", 143)

    def test_what_shall_be_ignored_stays_so(self, checkout: Checkout) -> None:
        command = ["nohup", str(checkout.script), "jobs/evolve.py", "--wait"]
        with subprocess.Popen(command, cwd=checkout.root, env=checkout.environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGHUP)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1.0)
            process.send_signal(signal.SIGTERM)
            assert process.stdout.read() == b"finished cleanly\n"

    @pytest.mark.parametrize("later", [0.0, 0.05])
    def test_no_driver_is_left_whenever_a_process_and_then_its_group_are_signalled(
        self, checkout: Checkout, later: float
    ) -> None:
        """As `timeout` does it; ten at once, so that the machine is as busy as one that runs Spark."""
        executable(checkout.root / "jobs" / "timed.py", JOB)
        environment = checkout.environment | {"SPARK_SUBMIT_ARGS": "--master local[1]"}
        started = [
            subprocess.Popen(
                ["timeout", f"{1 + later + number / 10}", checkout.script, "jobs/timed.py", "--wait"],
                cwd=checkout.root,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
            for number in range(10)
        ]
        outputs = [process.communicate(timeout=TIMEOUT)[0] for process in started]
        assert [process.returncode for process in started] == [124] * 10
        drivers = [output for output in outputs if "arguments" in output]  # others got it before there was a driver
        assert all(output.endswith("finished cleanly\n") for output in drivers)
        assert processes_of(checkout.root) == []

    def test_a_driver_whose_jvm_is_gone_ends_too(self, checkout: Checkout) -> None:
        process = checkout.start("jobs/evolve.py", "--wait")
        assert process.stdout is not None
        process.stdout.readline()
        [jvm] = psutil.Process(process.pid).children()
        jvm.kill()
        assert process.stdout.readline() == "finished cleanly\n"
        assert process.wait(TIMEOUT) == 137

    def test_a_signal_before_there_is_a_driver_ends_the_jvm(self, checkout: Checkout) -> None:
        process = checkout.start("jobs/evolve.py", "conf/local.yaml", NO_DRIVER="yes")
        deadline = time.monotonic() + TIMEOUT
        while not checkout.submitted() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.terminate()
        process.communicate(timeout=TIMEOUT)
        assert process.returncode == 143


class TestDelta:
    def test_a_spark_that_has_delta_gets_no_jars(self, checkout: Checkout) -> None:
        checkout.run("jobs/evolve.py")
        assert values_of("--jars", checkout.submitted()[0]) == []

    def test_the_jars_are_fetched_once(self, checkout: Checkout) -> None:
        fetched = "delta-spark.jar delta-storage.jar"
        jars = checkout.root / ".cache" / "ivy" / "jars"
        for _ in range(2):
            assert without_delta(checkout).run("jobs/evolve.py", FETCHED=fetched).returncode == 0
        fetch, *starts = checkout.submitted()
        assert values_of("--packages", fetch) == ["io.delta:delta-spark_4.2_2.13:4.4.0"]
        assert [values_of("--packages", start) for start in starts] == [[], []]
        expected = f"{jars}/delta-spark.jar,{jars}/delta-storage.jar"
        assert [values_of("--jars", start) for start in starts] == [[expected], [expected]]

    def test_an_incomplete_fetch_is_an_error_and_is_made_again(self, checkout: Checkout) -> None:
        result = without_delta(checkout).run("jobs/evolve.py", FETCHED="delta-spark.jar")
        assert result.returncode == 1
        assert "could not be fetched whole" in result.stderr
        result = checkout.run("jobs/evolve.py", FETCHED="delta-spark.jar delta-storage.jar")
        assert result.returncode == 0

    def test_a_damaged_jar_is_fetched_again(self, checkout: Checkout) -> None:
        fetched = "delta-spark.jar delta-storage.jar"
        without_delta(checkout).run("jobs/evolve.py", FETCHED=fetched)
        (checkout.root / ".cache" / "ivy" / "jars" / "delta-spark.jar").write_text("half")
        checkout.run("jobs/evolve.py", FETCHED=fetched)
        assert len([call for call in checkout.submitted() if "--packages" in call]) == 2

    @pytest.mark.parametrize(
        "own",
        ["--packages io.delta:delta-spark_4.2_2.13:4.4.0", "--jars /opt/delta-spark_4.2_2.13-4.4.0.jar"],
    )
    def test_a_user_who_brings_delta_gets_no_jars(self, checkout: Checkout, own: str) -> None:
        without_delta(checkout).run("jobs/evolve.py", SPARK_SUBMIT_ARGS=own)
        (start,) = checkout.submitted()
        assert " ".join(start).startswith(own)
        assert "--jars" not in start or "--jars" in own

    @pytest.mark.parametrize("own", ["--jars my.jar", "--jars=my.jar", "--conf spark.jars=my.jar"])
    def test_the_users_own_jars_are_kept(self, checkout: Checkout, own: str) -> None:
        declare_jars(checkout.root, "delta-spark.jar")
        without_delta(checkout).run("jobs/evolve.py", SPARK_SUBMIT_ARGS=own, FETCHED="delta-spark.jar")
        expected = f"my.jar,{checkout.root}/.cache/ivy/jars/delta-spark.jar"
        assert values_of("--jars", checkout.submitted()[1]) == [expected]

    def test_what_yarn_has_for_executors_is_not_on_the_drivers_class_path(self, checkout: Checkout) -> None:
        declare_jars(checkout.root, "delta-spark.jar")
        own = "--master yarn --conf spark.yarn.jars=local:/opt/delta-spark_4.2_2.13-4.4.0.jar"
        run = without_delta(checkout).run(
            "jobs/evolve.py", SPARK_SUBMIT_ARGS=own, FETCHED="delta-spark.jar", HADOOP_CONF_DIR="/etc"
        )
        assert run.returncode == 0, run.stderr
        assert values_of("--jars", checkout.submitted()[1]) == [f"{checkout.root}/.cache/ivy/jars/delta-spark.jar"]

    def test_the_jars_belong_to_the_pinned_release(self) -> None:
        pins = dict(line.split("==") for line in (PROJECT / "conf/environment.txt").read_text().split() if "==" in line)
        spark = pins["pyspark"].rsplit(".", 1)[0]
        name = f"delta-spark_{spark}_2.13"
        assert f"io.delta_{name}-{pins['delta-spark']}.jar" in (PROJECT / "conf/delta-jars.sha256").read_text()
        assert f"io.delta:{name}:{pins['delta-spark']}\n" in (PROJECT / "conf/environment.sh").read_text()


class TestEnvironment:
    def test_modules_are_compiled_once_where_the_environment_is_the_projects(self, checkout: Checkout) -> None:
        bare = checkout.without_an_environment()
        result = bare.run("jobs/evolve.py", PYTHONDONTWRITEBYTECODE="1")
        assert "PYTHONDONTWRITEBYTECODE" not in seen_by_job(result.stdout)[1]
        result = checkout.run("jobs/evolve.py", PYTHONDONTWRITEBYTECODE="1")
        assert seen_by_job(result.stdout)[1]["PYTHONDONTWRITEBYTECODE"] == "1"

    def test_an_environment_that_exists_is_used_and_none_is_built(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evolve.py", "conf/local.yaml")
        assert seen_by_job(result.stdout)[1]["PYSPARK_PYTHON"] == sys.executable
        assert not (checkout.root / ".venv").exists()

    def test_a_missing_environment_is_made_once(self, checkout: Checkout) -> None:
        bare = checkout.without_an_environment()
        first, second = (
            bare.run("jobs/evolve.py", "conf/local.yaml"),
            bare.run("jobs/evolve.py", "conf/local.yaml"),
        )
        assert (first.returncode, second.returncode) == (0, 0)
        assert bare.installed()[:2] == ["venv", "pip uv==0.0.1"]
        assert len(bare.installed()) == 3
        assert "--no-deps --requirements" in bare.installed()[2]
        python = str(bare.root / ".venv" / "bin" / "python")
        environment = seen_by_job(second.stdout)[1]
        assert (environment["PYSPARK_PYTHON"], environment["PYSPARK_DRIVER_PYTHON"]) == (python, python)

    def test_two_starts_at_once_make_it_once(self, checkout: Checkout) -> None:
        bare = checkout.without_an_environment()
        starts = [bare.start("jobs/evolve.py", "conf/local.yaml") for _ in range(2)]
        errors = [start.communicate(timeout=TIMEOUT)[1] for start in starts]
        assert [start.returncode for start in starts] == [0, 0]
        assert bare.installed().count("venv") == 1
        assert sum("waiting for another start" in error for error in errors) == 1

    def test_a_half_made_environment_is_made_again(self, checkout: Checkout) -> None:
        bare = checkout.without_an_environment()
        bare.run("jobs/evolve.py")
        (bare.root / ".venv" / ".pins").unlink()
        bare.run("jobs/evolve.py")
        assert bare.installed().count("venv") == 2

    def test_other_pins_make_it_again(self, checkout: Checkout) -> None:
        bare = checkout.without_an_environment()
        bare.run("jobs/evolve.py")
        (bare.root / "conf" / "environment.txt").write_text("uv==0.0.2\n")
        bare.run("jobs/evolve.py")
        assert [line for line in bare.installed() if line.startswith("pip")] == [
            "pip uv==0.0.1",
            "pip uv==0.0.2",
        ]

    def test_an_environment_of_another_checkout_is_left_as_it_is(self, checkout: Checkout, tmp_path: Path) -> None:
        bare = checkout.without_an_environment()
        executable(tmp_path / "theirs" / "bin" / "python", "")
        (bare.root / ".venv").symlink_to(tmp_path / "theirs")
        result = bare.run("jobs/evolve.py")
        assert result.returncode == 2
        assert f".venv is a link to {tmp_path}/theirs" in result.stderr
        assert (tmp_path / "theirs" / "bin" / "python").exists()
        assert bare.installed() == []

    def test_pips_mirror_is_uvs_mirror(self, checkout: Checkout) -> None:
        settings = "global.index-url='http://mirror.invalid/simple'\n:env:.find-links='/wheels /more'"
        bare = checkout.without_an_environment()
        bare.run("jobs/evolve.py", PIP_CONFIGURATION=settings)
        assert bare.installed()[2].endswith("index=http://mirror.invalid/simple links=/wheels,/more")

    def test_a_dry_run_says_what_would_be_made_and_makes_nothing(self, checkout: Checkout) -> None:
        bare = without_delta(checkout).without_an_environment()
        result = bare.run("--dry-run", "jobs/evolve.py", "conf/local.yaml")
        assert result.returncode == 0
        assert "the Python environment would be made first" in result.stderr
        assert "Delta's jars would be fetched first" in result.stderr
        assert shlex.split(result.stdout)[-2:] == ["jobs/evolve.py", "conf/local.yaml"]
        assert (bare.installed(), bare.submitted()) == ([], [])
        assert not (bare.root / ".venv").exists()

    def test_prepare_makes_the_environment_and_the_jars_and_starts_no_job(self, checkout: Checkout) -> None:
        bare = without_delta(checkout).without_an_environment()
        result = bare.run("--prepare", FETCHED="delta-spark.jar delta-storage.jar")
        assert result.returncode == 0, result.stderr
        assert len(bare.installed()) == 3
        assert [values_of("--packages", call) != [] for call in bare.submitted()] == [True]

    def test_a_missing_python_is_said_before_anything_is_made(self, checkout: Checkout, tmp_path: Path) -> None:
        bare = checkout.without_an_environment()
        tools = tmp_path / "tools"
        tools.mkdir()
        for tool in (
            "bash",
            "cat",
            "dirname",
            "flock",
            "grep",
            "mkdir",
            "readlink",
            "rm",
            "sed",
            "sha256sum",
        ):
            (tools / tool).symlink_to(shutil.which(tool) or tool)
        result = bare.run("jobs/evolve.py", PATH=str(tools), PYTHON_UNFIT="1")
        assert result.returncode == 2
        assert "Python 3.11 is needed and was not found" in result.stderr
        assert not (bare.root / ".venv").exists()

    @pytest.mark.parametrize(
        ("java", "message"),
        [
            ("echo 'openjdk version \"11.0.2\"' >&2", "is Java 11"),
            ("exit 127", "Java 17 or 21 is needed and"),
        ],
    )
    def test_an_unfit_java_is_said_before_anything_is_made(self, checkout: Checkout, java: str, message: str) -> None:
        bare = checkout.without_an_environment()
        executable(Path(bare.environment["JAVA_HOME"]) / "bin" / "java", f"#!/bin/bash\n{java}\n")
        result = bare.run("jobs/evolve.py")
        assert result.returncode == 2
        assert message in result.stderr
        assert bare.installed() == []

    def test_a_python_that_is_not_there_is_said(self, checkout: Checkout) -> None:
        result = checkout.run("jobs/evolve.py", PYSPARK_PYTHON="/nowhere/python")
        assert result.returncode == 2
        assert "PYSPARK_PYTHON names /nowhere/python, which is not there" in result.stderr
