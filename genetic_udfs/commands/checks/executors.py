"""The checks of executors: whether each has what its share of a run needs. They are functions of the visits."""

from collections.abc import Iterable, Mapping, Sequence

from genetic_udfs.commands.checks.finding import LITTLE_MEMORY, LITTLE_SPACE, Finding, failed, gib, ok, warning
from genetic_udfs.commands.checks.reach import Reached
from genetic_udfs.commands.checks.visit import Visit
from genetic_udfs.config import Engine
from genetic_udfs.engine.gpus import AMOUNT, SCRIPT, TASK_AMOUNT


def all_reached(reached: Reached) -> Finding:
    """Check that no executor is missing."""
    detail = f"{reached.executors} of {reached.expected} reached, {reached.slots} task slots"
    if reached.executors < reached.expected:
        fix = "look at Spark's UI for executors that are not there, or that are busy with another job"
        return warning("executors", detail, fix)
    return ok("executors", detail)


def place(number: int, seen: Visit) -> Finding:
    """Check the machine of an executor."""
    name = f"executor {number}"
    gpus = f", GPU {','.join(seen.gpus)}" if seen.gpus else ""
    detail = (
        f"{seen.host}: {seen.cores} cores, {gib(seen.memory)} of memory free,"
        f" {gib(seen.temp_free)} free in {seen.temp}{gpus}"
    )
    fix = "set TMPDIR for the executors, as spark.executorEnv.TMPDIR, to a short path with room"
    if seen.temp_fault:
        return failed(name, f"{detail}; {seen.temp_fault}", fix)
    if seen.temp_free < LITTLE_SPACE:
        return warning(name, detail, fix)
    if seen.versions.get("vllm") and seen.memory < LITTLE_MEMORY:
        return warning(
            name, detail, "leave vLLM's server more: a smaller spark.executor.memory, or other jobs elsewhere"
        )
    return ok(name, detail)


def gpus(
    amount: str | None, task_amount: str | None, engines: Mapping[str, Engine], visits: Sequence[Visit]
) -> Finding:
    """Check that tasks have the GPUs that the configuration and the engines ask for.

    Args:
        amount: `spark.executor.resource.gpu.amount`.
        task_amount: `spark.task.resource.gpu.amount`.
        engines: The engines that are served here.
        visits: What was seen.
    """
    name = "GPUs"
    if not amount or float(amount) == 0:
        if engines and any(not seen.cpu_build and "vllm" in seen.versions for seen in visits):
            fix = "set spark.executor.resource.gpu.amount and the keys beside it in conf/cluster.yaml"
            return warning(name, "none asked for, but vLLM here is a build for GPUs", fix)
        return ok(name, "none asked for, none needed")
    if faults := {f"{seen.gpus_fault} (on {seen.host})" for seen in visits if seen.gpus_fault}:
        fix = f"run the script on that host, as the user of the executors; {SCRIPT} names it (conf/discover-gpus.sh)"
        return failed(name, "; ".join(sorted(faults)), fix)
    if without := _hosts(seen for seen in visits if not seen.gpus):
        fix = f"see what {SCRIPT} prints there; local mode has no GPUs to give"
        asked = f"{AMOUNT} is {amount}" + (f", {TASK_AMOUNT} {task_amount}" if task_amount else "")
        return failed(name, f"{asked}, but there are none on {without}", fix)
    if engines and (cpu := _hosts(seen for seen in visits if seen.cpu_build)):
        fix = "install the extra 'gpu' there instead of 'cpu'"
        return failed(name, f"vLLM is its CPU build on {cpu}", fix)
    fewest = min((len(seen.gpus) for seen in visits), default=0)
    for engine_name, engine in engines.items():
        needed = engine.gpus or 1
        if needed > fewest:
            fix = f"set {AMOUNT}{f' and {TASK_AMOUNT}' if task_amount else ''} to {needed}"
            has = "a task" if task_amount else "an executor"
            return failed(name, f"engine {engine_name} is spread over {needed}, but {has} has {fewest}", fix)
    if shared := _shared_gpus(visits):
        fix = (
            "run containers with device isolation (docs/cluster.md, YARN), or one executor on a host; if they are"
            " isolated, each counts its GPUs from 0, and this is right"
        )
        return warning(name, f"executors have the same addresses: {'; '.join(shared)}", fix)
    sets = ", ".join(f"{seen.host}: {','.join(seen.gpus)}" for seen in visits)
    return ok(name, sets)


def _shared_gpus(visits: Sequence[Visit]) -> list[str]:
    """Return the GPUs that several executors have: by what tells GPUs apart where that is known, else by host."""
    owners: dict[tuple[str, str], set[str]] = {}
    for seen in visits:
        for gpu in seen.gpu_ids or seen.gpus:
            owners.setdefault((seen.host, gpu), set()).add(seen.executor)
    return [f"{gpu} on {host}" for (host, gpu), executors in sorted(owners.items()) if len(executors) > 1]


def same_versions(driver: Mapping[str, str], visits: Sequence[Visit]) -> Finding:
    """Check that executors have the driver's packages; vLLM is compared where there is one on both."""
    name = "versions"
    names = [package for package in driver if package != "vllm"]
    other = [
        f"{package} {seen.versions.get(package, 'missing')} on {seen.host}, {driver[package]} on the driver"
        for package in driver
        for seen in visits
        if seen.versions.get(package) != driver[package] and (package in names or "vllm" in seen.versions)
    ]
    if other:
        fix = (
            "give driver and executors the same environment (docs/cluster.md); spark-submit.sh sends genetic_udfs along"
        )
        return failed(name, "; ".join(dict.fromkeys(other)), fix)
    return ok(name, ", ".join(f"{package} {driver[package]}" for package in names) + " everywhere")


def package(visits: Sequence[Visit]) -> Finding:
    """Check that executors have this package, and that all of it is there: modules, templates."""
    name = "package"
    faults = [f"{seen.package_fault} (from {seen.package} on {seen.host})" for seen in visits if seen.package_fault]
    if faults:
        fix = (
            "install this package's dependencies into the executors' environment, and start through spark-submit.sh,"
            " which sends the package along"
        )
        return failed(name, "; ".join(dict.fromkeys(faults)), fix)
    return ok(
        name, f"every prompt renders; genetic_udfs is from {', '.join(sorted({seen.package for seen in visits}))}"
    )


def vllm(engines: Mapping[str, Engine], visits: Sequence[Visit]) -> Finding:
    """Check that vLLM is installed where engines are served."""
    name = "vLLM"
    if not engines:
        return ok(name, "not needed, as every engine has a url")
    if without := _hosts(seen for seen in visits if "vllm" not in seen.versions):
        fix = "install this package with its extra 'gpu' (or 'cpu') into the executors' environment"
        return failed(name, f"not installed on {without}", fix)
    builds = sorted({f"{seen.versions['vllm']}{' (CPU build)' if seen.cpu_build else ''}" for seen in visits})
    if len(builds) > 1:
        return failed(name, f"executors have different ones: {', '.join(builds)}", "install the same one everywhere")
    return ok(name, builds[0])


def has_key(name: str, engine: Engine, visits: Sequence[Visit]) -> Finding:
    """Check that the environment variable of an endpoint's key is set on each executor."""
    what, key = f"engine {name}: key", str(engine.api_key_env)
    if without := _hosts(seen for seen in visits if key in seen.keys_missing):
        return failed(what, f"{key} is not set on {without}", f"pass it on with spark.executorEnv.{key}")
    return ok(what, f"{key} is set on each executor")


def has_model(name: str, visits: Sequence[Visit]) -> Finding:
    """Check that an engine's model is there for each executor."""
    what = f"engine {name}: model"
    missing = {seen.models_missing[name]: seen for seen in visits if name in seen.models_missing}
    if missing:
        hosts = _hosts(seen for seen in visits if name in seen.models_missing)
        fix = "put the model on a path that all executors see, or name it as on the hub"
        return failed(what, f"{'; '.join(missing)} (on {hosts})", fix)
    return ok(what, "found by each executor")


def is_reachable(name: str, engine: Engine, visits: Sequence[Visit]) -> Finding:
    """Check that each executor gets an answer from an engine's addresses, whatever it is."""
    what = f"engine {name}: reachable"
    faults = [
        f"{url} from {seen.host}: {seen.unreachable[url]}"
        for url in engine.urls
        for seen in visits
        if url in seen.unreachable
    ]
    if faults:
        fix = f"start the endpoint, or correct engines.{name}.url; executors need a way to it through any firewall"
        return failed(what, "; ".join(dict.fromkeys(faults)), fix)
    return ok(what, "from each executor")


def _hosts(visits: Iterable[Visit]) -> str:
    return ", ".join(sorted({seen.host for seen in visits}))
