"""The package as executors have it: a zip file, imported by a relative path, in an environment that has it not."""

import subprocess
import sys
from pathlib import Path

import pytest

from genetic_udfs.commands.checks.visit import versions
from genetic_udfs.roles.prompts import MUTATION_TASKS, template_version
from tests.conftest import PROJECT

pytestmark = pytest.mark.processes

# What it prints is compared with what this process says, whose package is a folder.
PROGRAM = """
import importlib, pkgutil, sys
sys.path.insert(0, "./genetic_udfs.zip")
import genetic_udfs
assert genetic_udfs.__file__.startswith("./genetic_udfs.zip/"), genetic_udfs.__file__
for module in pkgutil.walk_packages(genetic_udfs.__path__, "genetic_udfs."):
    importlib.import_module(module.name)

from genetic_udfs.commands.checks import package
from genetic_udfs.commands.checks.visit import versions
from genetic_udfs.roles.prompts import MUTATION_TASKS, template_version
from genetic_udfs.sandbox.outcomes import examine
from genetic_udfs.sandbox.pool import sandbox_of_this_process
from genetic_udfs.sandbox.tiers import Limits, Tier
from genetic_udfs.store.views.definitions import TABLES_READ, statements

assert (package.location(), package.fault()) == ("genetic_udfs.zip", "")
tables = {table for read in TABLES_READ.values() for table in read}
assert len(statements(tables, TABLES_READ, temporary=True)) == len(TABLES_READ)
limits = Limits(cpu_seconds=5, wall_seconds=10, memory_mb=512)
outcome = examine(sandbox_of_this_process(Tier.NO_FILES, limits), "def f(x): return x + 1", ["assert f(1) == 2"])
assert [test.name for test in outcome.tests] == ["passed"], outcome
print([template_version(task) for task in MUTATION_TASKS], versions()["genetic_udfs"])
"""


def test_all_of_it_works_from_the_zip_file_that_spark_submit_sends(tmp_path: Path) -> None:
    script = f"source {PROJECT}/conf/environment.sh && cache=$1 && python=$2 && zip_package"
    subprocess.run(["bash", "-ec", script, "bash", str(tmp_path), sys.executable], check=True)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    program = [sys.executable, "-P", "-c", PROGRAM]
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{[template_version(task) for task in MUTATION_TASKS]} {versions()['genetic_udfs']}"
