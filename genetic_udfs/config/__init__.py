"""What a run is: the configuration's models, a file for each part, and the checks that need nothing else.

Reading YAML, overrides and files is `file.py`'s; nothing here touches the disk, Spark or an engine.
"""

from genetic_udfs.config.decontamination import Benchmark, Decontamination, Paraphrases
from genetic_udfs.config.dedup import Dedup, Semantic
from genetic_udfs.config.diversity import Diversity
from genetic_udfs.config.embedding import EMBEDDING_MODEL, EmbeddingModel
from genetic_udfs.config.engines import MEMORY_SHARE, Engine, Price, ReasoningTags
from genetic_udfs.config.limits import Budget, Filters, Ledger, Sandbox
from genetic_udfs.config.operators import MutationTask, Operators, OwnTask
from genetic_udfs.config.prompts import OwnPrompt
from genetic_udfs.config.roles import (
    ROLES,
    CoderSettings,
    InstructorSettings,
    PromptedRole,
    Role,
    Roles,
    RoleSettings,
    TesterSettings,
)
from genetic_udfs.config.run import ACCEPTANCE, ANY_LANGUAGE, CATALOG_STORE, NAMES_OF_PYTHON, PYTHON, Config
from genetic_udfs.config.section import Positive, Section, Share
from genetic_udfs.config.spark import Spark

__all__ = [
    "ACCEPTANCE",
    "ANY_LANGUAGE",
    "CATALOG_STORE",
    "EMBEDDING_MODEL",
    "MEMORY_SHARE",
    "NAMES_OF_PYTHON",
    "PYTHON",
    "ROLES",
    "Benchmark",
    "Budget",
    "CoderSettings",
    "Config",
    "Decontamination",
    "Dedup",
    "Diversity",
    "EmbeddingModel",
    "Engine",
    "Filters",
    "InstructorSettings",
    "Ledger",
    "MutationTask",
    "Operators",
    "OwnPrompt",
    "OwnTask",
    "Paraphrases",
    "Positive",
    "Price",
    "PromptedRole",
    "ReasoningTags",
    "Role",
    "RoleSettings",
    "Roles",
    "Sandbox",
    "Section",
    "Semantic",
    "Share",
    "Spark",
    "TesterSettings",
]
