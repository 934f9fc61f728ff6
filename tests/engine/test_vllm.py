import argparse
import importlib.metadata
import os
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from genetic_udfs.config import ROLES, Engine, Role
from genetic_udfs.config.file import load_config
from genetic_udfs.engine.chat_completion import request_body
from genetic_udfs.engine.protocol import EngineRequest
from genetic_udfs.engine.vllm import SERVED_MODEL, Machine, arguments, command, dtype, environment, sleeps
from tests.engine.test_chat_completion import EVERYTHING

PROJECT = Path(__file__).resolve().parent.parent.parent
CONFIGURATIONS = {name: load_config(PROJECT / "conf" / f"{name}.yaml") for name in ("local", "cluster", "paper")}
FILES_AND_ROLES = [(file, role) for file in CONFIGURATIONS for role in ROLES]

GIB = 2**30
AVX2 = Machine(cpu_build=True, cpu_flags=frozenset({"avx2"}), memory=32 * GIB)
AVX512 = Machine(cpu_build=True, cpu_flags=frozenset({"avx512f", "avx512_bf16"}), memory=8 * GIB)
TWO_GPUS = Machine(cpu_build=False, cpu_flags=frozenset(), memory=256 * GIB, gpus=("2", "5"))
ONE_GPU = Machine(cpu_build=False, cpu_flags=frozenset(), memory=256 * GIB, gpus=("3",))
EIGHT_GPUS = Machine(cpu_build=False, cpu_flags=frozenset(), memory=1024 * GIB, gpus=tuple("01234567"))

# What conf/cluster.yaml passes, and what a user of GPUs would.
GPU_ARGS: dict[str, bool | int | float | str] = {
    "gpu-memory-utilization": 0.92,
    "enable-prefix-caching": True,
    "enable-chunked-prefill": True,
    "enforce-eager": False,
    "quantization": "fp8",
    "kv-cache-dtype": "fp8",
    "cpu_offload_gb": 4.5,
    "enable-sleep-mode": True,
    "shutdown-timeout": 10,
    "trust-remote-code": False,
    "tokenizer-mode": "auto",
    "max-logprobs": 20,
    "seed": 0,
}


def options(line: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for position, item in enumerate(line):
        if item.startswith("--"):
            following = line[position + 1 : position + 2]
            found[item] = following[0] if following and not following[0].startswith("--") else None
    return found


@cache
def vllm_parser() -> Any:
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    return make_arg_parser(FlexibleArgumentParser())  # type: ignore[no-untyped-call]


def parsed_by_vllm(line: list[str]) -> argparse.Namespace:
    parsed: argparse.Namespace = vllm_parser().parse_args(line)
    return parsed


def test_the_engine_is_told_its_sizes_its_socket_and_one_name_for_every_model() -> None:
    engine = Engine(model="org/name", max_num_seqs=64, max_model_len=2048, dtype="float16")
    found = options(arguments(engine, "/models/x", "/s/e1.sock", ONE_GPU))
    assert found == {
        "--model": "/models/x",
        "--served-model-name": SERVED_MODEL,
        "--uds": "/s/e1.sock",
        "--dtype": "float16",
        "--max-num-seqs": "64",
        "--max-num-batched-tokens": "8192",
        "--max-model-len": "2048",
        "--disable-uvicorn-access-log": None,
    }


def test_an_engine_that_embeds_has_the_length_of_its_model_unless_set() -> None:
    engine = Engine(model="m", task="embed")
    found = options(arguments(engine, "m", "s", ONE_GPU))
    assert found["--runner"] == "pooling" and not {"--max-model-len", "--max-num-batched-tokens"} & found.keys()
    as_sent = EngineRequest.from_line(EngineRequest("vectors", engine, 1).to_line()).engine
    assert arguments(as_sent, "m", "s", ONE_GPU) == arguments(engine, "m", "s", ONE_GPU)
    engine = Engine(model="m", task="embed", max_model_len=512)
    assert options(arguments(engine, "m", "s", ONE_GPU))["--max-model-len"] == "512"


def test_the_server_is_started_as_a_module_by_this_python() -> None:
    made = command(Engine(model="m"), "m", "s", AVX2, {})
    assert made.arguments[:3] == [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]


@pytest.mark.parametrize(
    ("asked", "machine", "expected"),
    [
        ("auto", AVX2, "float32"),
        ("auto", AVX512, "bfloat16"),
        ("auto", ONE_GPU, "auto"),
        ("bfloat16", AVX2, "bfloat16"),
    ],
)
def test_bfloat16_is_chosen_on_cpus_that_have_it(asked: str, machine: Machine, expected: str) -> None:
    assert dtype(Engine.model_validate({"model": "m", "dtype": asked}), machine) == expected


def test_several_gpus_mean_tensor_parallelism_unless_said_otherwise() -> None:
    def found(args: dict[str, bool | int | float | str], machine: Machine) -> dict[str, str | None]:
        return options(arguments(Engine(model="m", args=args), "m", "s", machine))

    assert found({}, TWO_GPUS)["--tensor-parallel-size"] == "2"
    assert "--tensor-parallel-size" not in found({}, ONE_GPU)
    assert found({"tensor_parallel_size": 1}, TWO_GPUS)["--tensor-parallel-size"] == "1"
    assert "--tensor-parallel-size" not in found({"pipeline-parallel-size": 2}, TWO_GPUS)


def test_args_are_passed_through_and_win_over_defaults() -> None:
    args: dict[str, bool | int | float | str] = {
        "enforce_eager": False,
        "enable-prefix-caching": True,
        "seed": 7,
        "disable-uvicorn-access-log": False,
    }
    found = options(arguments(Engine(model="m", args=args), "m", "s", AVX2))
    assert found["--seed"] == "7"
    assert {"--no-enforce-eager", "--enable-prefix-caching", "--no-disable-uvicorn-access-log"} <= found.keys()
    assert not {"--enforce-eager", "--disable-uvicorn-access-log"} & found.keys()


def test_the_environment_of_a_cpu_engine() -> None:
    inherited = {"OMP_NUM_THREADS": "1", "PATH": "/bin", "PYTHON_WORKER_FACTORY_SECRET": "s"}
    found = environment(Engine(model="m"), "m", AVX2, inherited)
    assert found["PYTHONPATH"].split(os.pathsep)[-1] == str(sys.path[-1])
    del found["PYTHONPATH"]
    assert found == {
        "PATH": "/bin",
        "TORCH_COMPILE_DISABLE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
        "VLLM_CPU_KVCACHE_SPACE": "4",
    }


def test_the_environment_of_a_gpu_engine() -> None:
    found = environment(Engine(model="m"), "m", TWO_GPUS, {"CUDA_VISIBLE_DEVICES": "0,1,2,3"})
    assert found["CUDA_VISIBLE_DEVICES"] == "2,5"
    assert found["VLLM_WORKER_MULTIPROC_METHOD"] == "spawn"
    assert not [name for name in found if name.startswith("VLLM_CPU")]


@pytest.mark.parametrize(
    ("args", "machine", "compiles"),
    [
        ({}, AVX2, False),
        ({"enforce_eager": True}, AVX2, False),
        ({"enforce-eager": False}, AVX2, True),
        ({"no-enforce-eager": True}, AVX2, True),
        ({"no-enforce-eager": False}, AVX2, False),
        ({}, ONE_GPU, True),
    ],
)
def test_torch_compiles_nothing_for_an_engine_that_is_not_compiled(
    args: dict[str, bool | int | float | str], machine: Machine, compiles: bool
) -> None:
    engine = Engine(model="m", args=args)
    assert ("TORCH_COMPILE_DISABLE" not in environment(engine, "m", machine, {})) is compiles
    kept = {"TORCH_COMPILE_DISABLE": "0"}
    assert environment(engine, "m", machine, kept).items() >= kept.items()


def test_env_of_the_configuration_comes_last() -> None:
    engine = Engine(model="m", env={"VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "2"})
    found = environment(engine, "m", AVX2, {"OMP_NUM_THREADS": "1"})
    assert (found["VLLM_CPU_KVCACHE_SPACE"], found["OMP_NUM_THREADS"]) == ("1", "2")


def test_a_local_model_needs_no_hub(tmp_path: object) -> None:
    assert environment(Engine(model="m"), str(tmp_path), AVX2, {})["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in environment(Engine(model="m"), "org/name", AVX2, {})


@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.parametrize(
    ("machine", "args"),
    [(AVX2, {}), (AVX512, {}), (ONE_GPU, {}), (ONE_GPU, GPU_ARGS), (TWO_GPUS, GPU_ARGS)],
    ids=["avx2", "avx512", "gpu", "gpu-args", "two-gpus"],
)
def test_vllm_itself_accepts_every_argument(machine: Machine, args: dict[str, bool | int | float | str]) -> None:
    engine = Engine(model="org/name", max_num_seqs=256, max_model_len=8192, args=args)
    parsed = parsed_by_vllm(arguments(engine, "org/name", "s.sock", machine))
    assert (parsed.uds, parsed.served_model_name, parsed.max_num_seqs) == ("s.sock", [SERVED_MODEL], 256)
    assert parsed.tensor_parallel_size == max(1, len(machine.gpus))
    assert parsed.disable_uvicorn_access_log is True
    assert parsed.enforce_eager is machine.cpu_build
    assert parsed.enable_chunked_prefill is args.get("enable-chunked-prefill")


@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.parametrize(
    "machine", [AVX2, AVX512, ONE_GPU, TWO_GPUS, EIGHT_GPUS], ids=["avx2", "avx512", "gpu", "two-gpus", "eight-gpus"]
)
@pytest.mark.parametrize(("file", "role"), FILES_AND_ROLES)
def test_vllm_itself_accepts_the_engines_of_the_configurations_that_come_along(
    file: str, role: Role, machine: Machine
) -> None:
    engine = CONFIGURATIONS[file].engine_of(role)
    parsed = parsed_by_vllm(arguments(engine, "org/name", "s.sock", machine))
    assert (parsed.model, parsed.uds, parsed.served_model_name) == ("org/name", "s.sock", [SERVED_MODEL])
    assert (parsed.max_num_seqs, parsed.max_model_len) == (engine.max_num_seqs, engine.max_model_len)
    assert parsed.max_num_batched_tokens == engine.max_num_batched_tokens
    assert parsed.dtype == dtype(engine, machine)
    given = {flag.replace("-", "_"): value for flag, value in engine.args.items()}
    assert {flag: getattr(parsed, flag) for flag in given} == given
    assert parsed.tensor_parallel_size == given.get("tensor_parallel_size", max(1, len(machine.gpus)))
    assert parsed.enforce_eager is given.get("enforce_eager", machine.cpu_build)
    assert parsed.enable_sleep_mode is sleeps(engine, machine)


@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.parametrize("machine", [AVX2, ONE_GPU, TWO_GPUS], ids=["avx2", "gpu", "two-gpus"])
@pytest.mark.parametrize(("file", "role"), FILES_AND_ROLES)
def test_vllm_itself_knows_the_variables_that_are_set_for_it(file: str, role: Role, machine: Machine) -> None:
    import vllm.envs

    engine = CONFIGURATIONS[file].engine_of(role)
    found = environment(engine, "org/name", machine, {})
    of_vllm = {variable for variable in found if variable.startswith("VLLM_")}
    assert "VLLM_NO_USAGE_STATS" in of_vllm
    assert ("VLLM_SERVER_DEV_MODE" in of_vllm) is sleeps(engine, machine)
    assert of_vllm - vllm.envs.environment_variables.keys() == set()


# Here, as each test process that imports vLLM takes 20 s of CPU for it, and one process has all tests of a file.
@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.parametrize("regex", [None, "a+"])
def test_vllms_own_request_model_knows_every_field(regex: str | None) -> None:
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

    sampling = replace(EVERYTHING, regex=regex, json_schema=None if regex else {"type": "object"}, prefill="def")
    body = request_body("m", "p", replace(sampling, top_logprobs=20))
    assert body.keys() <= ChatCompletionRequest.model_fields.keys()
    read = ChatCompletionRequest.model_validate(body)
    assert {name: getattr(read, name) for name in ("top_k", "min_p", "repetition_penalty", "stop", "max_tokens")} == {
        name: body[name] for name in ("top_k", "min_p", "repetition_penalty", "stop", "max_tokens")
    }
    form = read.structured_outputs.regex if regex else read.response_format.json_schema.json_schema
    assert form == (regex or {"type": "object"})


@pytest.mark.parametrize(
    ("file", "role"),
    FILES_AND_ROLES,
)
def test_an_executor_of_the_configurations_that_come_along_has_the_gpus_that_its_engine_spans(
    file: str, role: Role
) -> None:
    amount = int(CONFIGURATIONS[file].spark.properties().get("spark.executor.resource.gpu.amount", 1))
    assert CONFIGURATIONS[file].engine_of(role).args.get("tensor-parallel-size", 1) == amount


@pytest.mark.parametrize(
    ("installed", "is_cpu_build"),
    [({"vllm-cpu": "0.32.0"}, True), ({"vllm": "0.32.0"}, False), ({"vllm": "0.32.0+cpu"}, True), ({}, False)],
)
def test_the_build_for_cpus_is_told_from_that_for_gpus(
    monkeypatch: pytest.MonkeyPatch, installed: dict[str, str], is_cpu_build: bool
) -> None:
    def version(name: str) -> str:
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert Machine.here().cpu_build is is_cpu_build
