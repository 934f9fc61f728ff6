"""The image and the manifests for Kubernetes, held against its schemas, against Spark, and against each other."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import PROJECT

FOLDER = PROJECT / "conf" / "kubernetes"
MANIFESTS = sorted(FOLDER.glob("*.yaml"))


def objects() -> dict[tuple[str, str], Any]:
    found = [each for file in MANIFESTS for each in yaml.safe_load_all(file.read_text())]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


@pytest.mark.processes
def test_the_manifests_are_what_kubernetes_takes() -> None:
    program = [str(Path(sys.executable).parent / "kubernetes-validate"), "--strict", *map(str, MANIFESTS)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("passed") == len(objects()) == 9


@pytest.mark.processes
def test_the_dockerfile_is_in_order() -> None:
    program = [str(Path(sys.executable).parent / "hadolint"), str(FOLDER / "Dockerfile")]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_names_in_one_manifest_are_those_of_another() -> None:
    found = objects()
    driver = found["Job", "evolve"]["spec"]["template"]["spec"]
    executor = found["Pod", "executor"]["spec"]
    for pod in (driver, executor):
        claims = [
            each["persistentVolumeClaim"]["claimName"] for each in pod["volumes"] if "persistentVolumeClaim" in each
        ]
        assert claims == ["store", "models"]
        assert all(("PersistentVolumeClaim", claim) in found for claim in claims)
        [container] = pod["containers"]
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert ("ServiceAccount", driver["serviceAccountName"]) in found
    service = found["Service", "driver"]["spec"]
    assert service["selector"] == found["Job", "evolve"]["spec"]["template"]["metadata"]["labels"]
    [arguments] = [each["value"] for each in driver["containers"][0]["env"] if each["name"] == "SPARK_SUBMIT_ARGS"]
    given = dict(word.split("=", 1) for word in arguments.split() if word.startswith("spark."))
    ports = {str(port["port"]) for port in service["ports"]}
    assert {given["spark.driver.port"], given["spark.driver.blockManager.port"]} == ports
    assert given["spark.driver.host"] == "driver.genetic.svc"
    assert given["spark.kubernetes.container.image"] == driver["containers"][0]["image"]
    assert given["spark.kubernetes.executor.podTemplateContainerName"] == executor["containers"][0]["name"]
    template = Path(given["spark.kubernetes.executor.podTemplateFile"])
    assert (PROJECT / template.relative_to("/opt/project")).is_file()


def test_the_image_copies_what_is_there() -> None:
    text = (FOLDER / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (PROJECT / source).exists(), source


@pytest.mark.processes
def test_the_entry_point_starts_an_executor_as_spark_describes_it(tmp_path: Path) -> None:
    (tmp_path / "tini").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "tini").chmod(0o755)
    of_spark = {
        "SPARK_JAVA_OPT_0": "-Dspark.driver.port=7078",
        "SPARK_JAVA_OPT_1": "-Da=b c",
        "SPARK_EXECUTOR_MEMORY": "16384m",
        "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@driver.genetic.svc:7078",
        "SPARK_EXECUTOR_ID": "3",
        "SPARK_EXECUTOR_CORES": "8",
        "SPARK_APPLICATION_ID": "spark-application-1",
        "SPARK_EXECUTOR_POD_IP": "10.0.0.3",
        "SPARK_RESOURCE_PROFILE_ID": "0",
        "SPARK_EXECUTOR_POD_NAME": "evolve-exec-3",
        "SPARK_HOME": "/opt/spark",
    }
    entry = str(FOLDER / "entrypoint.sh")
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **of_spark}
    words = subprocess.check_output([entry, "executor"], env=environment, text=True).splitlines()
    assert words[:7] == ["-s", "--", "java", "-Dspark.driver.port=7078", "-Da=b c", "-Xms16384m", "-Xmx16384m"]
    main = words.index("org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend")
    options = dict(zip(words[main + 1 :: 2], words[main + 2 :: 2], strict=True))
    assert options == {
        "--driver-url": of_spark["SPARK_DRIVER_URL"],
        "--executor-id": "3",
        "--cores": "8",
        "--app-id": "spark-application-1",
        "--hostname": "10.0.0.3",
        "--resourceProfileId": "0",
        "--podName": "evolve-exec-3",
    }
    command = ["/opt/project/spark-submit.sh", "jobs/doctor.py"]
    assert subprocess.check_output([entry, *command], env=environment, text=True).splitlines() == ["-s", "--", *command]
