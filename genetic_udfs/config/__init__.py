"""What a run is: the configuration's models, a file for each part, and the checks that need nothing else.

Reading YAML, overrides and files is `file.py`'s; nothing here touches the disk, Spark or an engine.
"""

from genetic_udfs.config.decontamination import Benchmark, Decontamination, Paraphrases
from genetic_udfs.config.dedup import Dedup
from genetic_udfs.config.diversity import EMBEDDING_MODEL, Diversity
from genetic_udfs.config.engines import MEMORY_SHARE, Engine, ReasoningTags
from genetic_udfs.config.limits import Filters, Ledger, Sandbox
from genetic_udfs.config.operators import MutationTask, Operators
from genetic_udfs.config.roles import (
    ROLES,
    CoderSettings,
    InstructorSettings,
    OwnPrompt,
    PromptedRole,
    Role,
    Roles,
    RoleSettings,
    TesterSettings,
)
from genetic_udfs.config.run import ACCEPTANCE, CATALOG_STORE, Config
from genetic_udfs.config.section import Positive, Section, Share
from genetic_udfs.config.spark import Spark

__all__ = [
    "ACCEPTANCE",
    "CATALOG_STORE",
    "EMBEDDING_MODEL",
    "MEMORY_SHARE",
    "ROLES",
    "Benchmark",
    "CoderSettings",
    "Config",
    "Decontamination",
    "Dedup",
    "Diversity",
    "Engine",
    "Filters",
    "InstructorSettings",
    "Ledger",
    "MutationTask",
    "Operators",
    "OwnPrompt",
    "Paraphrases",
    "Positive",
    "PromptedRole",
    "ReasoningTags",
    "Role",
    "RoleSettings",
    "Roles",
    "Sandbox",
    "Section",
    "Share",
    "Spark",
    "TesterSettings",
]
