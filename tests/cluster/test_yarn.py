"""Jobs on YARN, with the package as a zip file and an executor on each of two nodes that have GPUs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import Cluster
from tests.cluster.environment import discovery_script
from tests.cluster.standalone import SPARK_HOME
from tests.cluster.yarn import JARS, java_home, yarn
from tests.conftest import JARS as DELTA_JARS
from tests.delta_rows import delta_rows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        not (JARS / "complete").exists(),
        reason=f"no jars of a YARN mini cluster in {JARS}: they could not be fetched",
    ),
]


@pytest.fixture(scope="module")
def on_yarn(place: Cluster) -> Iterator[Cluster]:
    with yarn(place.folder / "yarn") as settings:
        environment = {"HADOOP_CONF_DIR": str(settings), "JAVA_HOME": java_home()}
        yield Cluster(place.folder, place.python, "yarn", environment)


@pytest.fixture(scope="module")
def run(on_yarn: Cluster) -> Path:
    script = discovery_script(on_yarn.folder / "discover.sh", "0")
    libraries = [SPARK_HOME / "jars" / "*", *DELTA_JARS]
    conf = {
        "spark.executor.instances": 2,
        "spark.executor.cores": 1,
        "spark.executor.resource.gpu.amount": 1,
        "spark.executor.resource.gpu.discoveryScript": str(script),
        "spark.yarn.am.memory": "256m",
        "spark.yarn.stagingDir": str(on_yarn.folder),
        # As on a cluster whose nodes have them: else 350 MB are copied for each application.
        "spark.yarn.jars": ",".join(f"local:{jar}" for jar in libraries),
    }
    return on_yarn.configuration("on-yarn", conf, embeds=True)


def test_the_doctor_finds_all_in_order_but_gpus_that_nothing_isolates(on_yarn: Cluster, run: Path) -> None:
    output = on_yarn.submit("jobs/doctor.py", run)
    for line in (
        r"executors: 2 of 2 reached, 2 task slots",
        r"warning +GPUs: executors have the same addresses: 0 on ",
        r"package: every prompt renders; genetic_udfs is from \S*genetic_udfs\.zip",
        r"engine scripted: answers: up after \d+ s, answered in .*, on 2 of 2",
        r"engine vectors: answers: up after \d+ s, answered in .*, on 2 of 2",
        r"\d+ ok, 1 warning, 0 FAILED, 0 skipped",
    ):
        assert re.search(line, output), output


def test_a_population_evolves(on_yarn: Cluster, run: Path) -> None:
    on_yarn.submit("jobs/evolve.py", run)
    rows = delta_rows(run.parent / "store" / "population")
    assert sum(row["generation"] == 1 for row in rows) == 5
    embedded = delta_rows(run.parent / "store" / "embeddings")
    assert {row["id"] for row in embedded} == {row["id"] for row in rows}


def test_without_a_configuration_of_the_cluster_it_is_said_before_anything_starts(on_yarn: Cluster, run: Path) -> None:
    output = on_yarn.submit("jobs/evolve.py", run, code=2, HADOOP_CONF_DIR="")
    assert "--master yarn: HADOOP_CONF_DIR is not set" in output
