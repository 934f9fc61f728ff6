"""What the stages of a run share: the configuration, the tables, the run's id, and where progress is told."""

from dataclasses import dataclass

from pyspark.sql import SparkSession

from genetic_udfs.config import Config
from genetic_udfs.report.progress import Progress
from genetic_udfs.store.ledger import Ledger
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store


@dataclass(frozen=True)
class Run:
    """One start of the job."""

    spark: SparkSession
    config: Config
    id: str
    store: Store
    scratch: Scratch
    ledger: Ledger
    progress: Progress
