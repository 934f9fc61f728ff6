"""What the stages of a run share: the configuration, the tables, the run's id, and where progress is reported."""

from dataclasses import dataclass, field

from pyspark.sql import SparkSession

from genetic_udfs.config import Config, Role
from genetic_udfs.engine.utilization import EngineUtilization
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.lease import Lease
from genetic_udfs.store.ledger import Ledger
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store


@dataclass(frozen=True)
class StageUtilization:
    """How a role's engine was used in a round."""

    generation: int
    round: int | None
    role: Role
    use: EngineUtilization


@dataclass(frozen=True)
class Run:
    """One start of the job."""

    spark: SparkSession
    config: Config
    id: str
    store: Store
    lease: Lease
    scratch: Scratch
    ledger: Ledger
    progress: Progress
    stage_utilization: list[StageUtilization] = field(default_factory=list)
