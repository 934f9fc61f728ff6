"""What the executors of a cluster run: an environment without this package, whose vLLM is a stand-in.

It has the packages of this one, as links, but for vLLM's build: in its place is a `vllm` of the release for GPUs that
serves the scripted model. So everything between Spark and the server's socket is what runs on a cluster with GPUs.
"""

import json
import sys
import sysconfig
from pathlib import Path
from typing import Final

from tests.conftest import PROJECT

_VLLM: Final = "0.32.0"

# As vLLM's: it serves a Unix socket, and says what GPUs it sees in a file beside it.
_SERVER: Final = f"""
import argparse, json, os, random, sys, time
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {str(PROJECT)!r})
from tests import scripted_model
from tests.scripted_server import ScriptedServer
parser = argparse.ArgumentParser()
parser.add_argument("--uds")
parser.add_argument("--served-model-name")
parser.add_argument("--tensor-parallel-size", type=int, default=1)
options, _ = parser.parse_known_args()
seen = dict(gpus=os.environ.get("CUDA_VISIBLE_DEVICES"), tensor_parallel_size=options.tensor_parallel_size)
log = Path(os.environ.get("SCRIPTED_LOG", os.devnull))
latency = float(os.environ.get("SCRIPTED_LATENCY", 0))
uneven = bool(os.environ.get("SCRIPTED_UNEVEN"))

def answer(request):
    after = random.Random(request.prompt).expovariate(1 / latency) if uneven else latency
    with log.open("a") as file:
        print(json.dumps(seen | dict(prompt=request.prompt, after=after, at=time.time())), file=file)
    return replace(scripted_model.answer(request), after=after)

server = ScriptedServer(answer, model=options.served_model_name, uds=options.uds)
server.serve_for_ever()
"""


def make_environment(folder: Path, *, without: tuple[str, ...] = ()) -> Path:
    """Make the environment in a folder; return its Python.

    Args:
        folder: Where; it must not exist.
        without: Names of packages that it shall not have.
    """
    here = Path(sysconfig.get_path("purelib"))
    packages = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    packages.mkdir(parents=True)
    (folder / "bin").mkdir()
    python = folder / "bin" / "python"
    python.symlink_to(Path(sys.executable).resolve())
    home = Path(sys.executable).resolve().parent
    (folder / "pyvenv.cfg").write_text(f"home = {home}\ninclude-system-site-packages = false\n")
    left_out = ("vllm", "genetic_udfs", "__editable__", *without)
    for entry in here.iterdir():
        if not entry.name.lower().startswith(left_out):
            (packages / entry.name).symlink_to(entry)
    server = packages / "vllm" / "entrypoints" / "openai" / "api_server.py"
    server.parent.mkdir(parents=True)
    for package in (packages / "vllm", packages / "vllm" / "entrypoints", server.parent):
        (package / "__init__.py").write_text("")
    server.write_text(_SERVER)
    metadata = packages / f"vllm-{_VLLM}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {_VLLM}\n")
    return python


def discovery_script(path: Path, *addresses: str) -> Path:
    """Write a script that finds GPUs of these addresses."""
    path.write_text(f"#!/bin/sh\necho '{json.dumps({'name': 'gpu', 'addresses': addresses})}'\n")
    path.chmod(0o755)
    return path
