"""The script by which Spark finds GPUs, with an nvidia-smi that is a script itself."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PROJECT

pytestmark = pytest.mark.processes


def discovered(folder: Path, smi: str | None, **environment: str) -> subprocess.CompletedProcess[str]:
    if smi is not None:
        (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{smi}\n")
        (folder / "nvidia-smi").chmod(0o755)
    path = f"{folder}:/usr/bin:/bin"
    command = [str(PROJECT / "conf" / "discover-gpus.sh")]
    return subprocess.run(command, env={"PATH": path, **environment}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("listed", "visible", "addresses"),
    [
        ("0", {}, ["0"]),
        ("0\\n1\\n10", {}, ["0", "1", "10"]),
        (" 0 \\n\\n3\\n", {}, ["0", "3"]),
        ("0\\n1\\n10", {"CUDA_VISIBLE_DEVICES": "10,0"}, ["0", "10"]),
    ],
)
def test_gpus_are_listed_as_spark_reads_them(
    tmp_path: Path, listed: str, visible: dict[str, str], addresses: list[str]
) -> None:
    done = discovered(tmp_path, f"printf '{listed}\\n'", **visible)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"name": "gpu", "addresses": addresses}


@pytest.mark.parametrize(
    ("smi", "environment", "says"),
    [
        (None, {}, "nvidia-smi is not on the PATH"),
        ("echo 'NVIDIA-SMI has failed because'; exit 9", {}, "NVIDIA-SMI has failed because"),
        ("echo 'No devices were found'", {}, "'No devices were found' in place of"),
        ("echo", {}, "no GPU on"),
        ("echo 0", {"CUDA_VISIBLE_DEVICES": ""}, "no GPU on"),
    ],
)
def test_what_is_no_gpu_is_an_error_and_no_resource(
    tmp_path: Path, smi: str | None, environment: dict[str, str], says: str
) -> None:
    done = discovered(tmp_path, smi, **environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert says in done.stderr
