"""One run of Genetic-Instruct: all sections together, and the checks between them."""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Self

from pydantic import Field, field_validator, model_validator

from genetic_udfs.config.decontamination import Decontamination, Paraphrases
from genetic_udfs.config.dedup import Dedup
from genetic_udfs.config.diversity import Diversity
from genetic_udfs.config.embedding import (
    DIVERSITY_MODEL_KEY,
    PARAPHRASES_MODEL_KEY,
    SEMANTIC_MODEL_KEY,
    EmbeddingModel,
)
from genetic_udfs.config.engines import Engine
from genetic_udfs.config.limits import Budget, Filters, Ledger, Sandbox
from genetic_udfs.config.operators import SELECTION_BY_EMBEDDING, Operators
from genetic_udfs.config.prompts import OwnPrompt
from genetic_udfs.config.roles import REPAIR, Role, Roles, RoleSettings
from genetic_udfs.config.section import Positive, Section
from genetic_udfs.config.spark import Spark
from genetic_udfs.errors import ConfigurationError

ACCEPTANCE: Final = re.compile(r"judge|tests|judge_and_tests|execution|(fitness|execution)>=(0|1|0?\.\d+|1\.0+)")
PYTHON: Final = "python"
ANY_LANGUAGE: Final = "any"
NAMES_OF_PYTHON: Final = frozenset({PYTHON, "python3", "py", "py3"})
_LANGUAGE: Final = re.compile(r"[A-Za-z][\w+#.-]*")
_IDENTITY: Final = {"model", "dtype", "args"}  # of an engine
_OF_SELECTION: Final = ("selection", "tournament_size")
# A store whose name begins so is a schema of Spark's catalog, not a folder.
CATALOG_STORE: Final = "catalog:"
_SCHEMA_NAME: Final = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*\.)?[A-Za-z_][A-Za-z0-9_]*")


class Config(Section):
    """One run of Genetic-Instruct.

    `samples_per_generation` pairs are accepted in each of `generations` generations, in equal shares by each of
    `colonies` colonies, in at most `max_rounds` rounds and of at most `max_candidates` candidates a generation.
    Solutions are written in `language`; of another one than Python nothing is compiled or run.
    """

    store: Annotated[str, Field(min_length=1)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    seeds: Annotated[str, Field(min_length=1)]
    seeds_where: dict[Annotated[str, Field(min_length=1)], str] = {}
    generations: Positive
    colonies: Positive = 1
    samples_per_generation: Positive
    max_rounds: Positive = 20
    max_candidates: Positive | None = None
    acceptance: str = "judge"
    language: str = PYTHON
    operators: Operators = Operators()
    engines: Annotated[dict[str, Engine], Field(min_length=1)]
    roles: Roles
    dedup: Dedup = Dedup()
    filters: Filters = Filters()
    decontamination: Decontamination = Decontamination()
    diversity: Diversity = Diversity()
    sandbox: Sandbox = Sandbox()
    ledger: Ledger = Ledger()
    budget: Budget | None = None
    spark: Spark = Spark()

    @field_validator("store")
    @classmethod
    def _schema_has_a_name(cls, store: str) -> str:
        if store.startswith(CATALOG_STORE) and not _SCHEMA_NAME.fullmatch(store.removeprefix(CATALOG_STORE)):
            raise ValueError(
                f"after {CATALOG_STORE!r} stands the name of a schema, of letters, digits and _, such as"
                f" {CATALOG_STORE}genetic, or {CATALOG_STORE}lake.genetic for the schema of another catalog"
            )
        return store

    @field_validator("seeds_where")
    @classmethod
    def _patterns_compile(cls, where: dict[str, str]) -> dict[str, str]:
        for name, pattern in where.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{name}: is not a regular expression: {error}") from None
        return where

    @field_validator("acceptance")
    @classmethod
    def _acceptance_is_known(cls, acceptance: str) -> str:
        if ACCEPTANCE.fullmatch(acceptance) is None:
            raise ValueError(
                "must be judge, tests, judge_and_tests, execution, or fitness>=X or execution>=X with X from 0 to 1"
            )
        return acceptance

    @field_validator("language")
    @classmethod
    def _language_has_a_name(cls, language: str) -> str:
        if _LANGUAGE.fullmatch(language) is None:
            raise ValueError("must be a language's name as it marks code blocks, such as java or c++, or any")
        name = language.lower()
        if name in NAMES_OF_PYTHON:
            return PYTHON
        return name if name == ANY_LANGUAGE else language

    @model_validator(mode="after")
    def _only_python_is_run(self) -> Self:
        if self.language == PYTHON:
            return self
        keys = {
            "roles.tester": self.roles.tester is not None,
            f"acceptance: {self.acceptance}": self.accepts_by_tests or self.accepts_by_execution,
            "roles.coder.samples above 1": self.roles.coder.samples > 1,
        }
        if asked := [key for key, is_set in keys.items() if is_set]:
            raise ValueError(
                f"language: {self.language} cannot be run, as {asked[0]} asks for; that is for python alone"
            )
        return self

    @model_validator(mode="after")
    def _samples_can_be_reached(self) -> Self:
        if self.max_candidates is not None and self.max_candidates < self.samples_per_generation:
            raise ValueError(
                f"max_candidates: of {self.max_candidates} candidates samples_per_generation:"
                f" {self.samples_per_generation} can never be accepted"
            )
        return self

    @model_validator(mode="after")
    def _tests_have_a_tester(self) -> Self:
        if self.accepts_by_tests and self.roles.tester is None:
            raise ValueError(f"acceptance: {self.acceptance} needs roles.tester, which writes the tests")
        if self.accepts_by_execution and self.roles.tester is not None:
            raise ValueError(
                f"acceptance: {self.acceptance} is for runs without roles.tester; with its tests, take tests"
            )
        if self.accepts_by_execution and self.roles.coder.samples == 1:
            raise ValueError(f"acceptance: {self.acceptance} compares solutions; set roles.coder.samples to 2 or more")
        if self.roles.coder.repair and not self.accepts_by_tests:
            raise ValueError("roles.coder.repair: true is for acceptance: tests or judge_and_tests")
        return self

    @model_validator(mode="after")
    def _engines_are_there_and_replies_fit(self) -> Self:
        for key, model in self._named_to_embed().items():
            try:
                EmbeddingModel.named(model, key, self.engines)
            except ConfigurationError as error:
                raise ValueError(str(error)) from None
        for key, settings in self.asked().items():
            if settings.engine not in self.engines:
                raise ValueError(
                    f"{key}.engine: no engine is named {settings.engine!r}; engines has {sorted(self.engines)}"
                )
            if self.engines[settings.engine].embeds:
                raise ValueError(f"{key}.engine: engine {settings.engine!r} has task: embed, and writes no texts")
            limit = self.engines[settings.engine].known_length
            if limit is not None and settings.max_tokens is not None and settings.max_tokens >= limit:
                raise ValueError(
                    f"{key}.max_tokens: {settings.max_tokens} leaves no room for the prompt; it must be below"
                    f" engines.{settings.engine}.max_model_len ({limit})"
                )
        return self

    @model_validator(mode="after")
    def _money_has_a_price(self) -> Self:
        if self.budget is not None and self.budget.money is not None:
            free = [name for name, engine in self.used_engines().items() if not (engine.has_price or engine.embeds)]
            if free:
                raise ValueError(f"budget.money: engines.{free[0]} has no price and no gpu_hour, so nobody could tell")
        return self

    @model_validator(mode="after")
    def _embeddings_are_by_one_model(self) -> Self:
        semantic = self.dedup.semantic
        if semantic is not None and self.selects_by_embedding and semantic.model != self.diversity.model:
            raise ValueError(
                f"{SEMANTIC_MODEL_KEY}: is {semantic.model}, and operators.selection: {self.operators.selection} goes"
                f" by diversity.model, {self.diversity.model}; embeddings are kept once, so name one model for both"
            )
        return self

    @model_validator(mode="after")
    def _every_colony_has_a_share(self) -> Self:
        if self.colonies > self.samples_per_generation:
            raise ValueError(
                f"colonies: {self.colonies} colonies cannot share samples_per_generation:"
                f" {self.samples_per_generation}; give each at least one sample"
            )
        return self

    def asked(self) -> dict[str, RoleSettings]:
        """Return who is asked and how, by its key."""
        asked = {f"roles.{role}": settings for role, settings in self.roles.assigned().items()}
        paraphrases = self.decontamination.paraphrases
        if paraphrases is not None and paraphrases.judge is not None:
            asked["decontamination.paraphrases.judge"] = paraphrases.judge
        return asked

    @property
    def accepts_by_tests(self) -> bool:
        """Whether tests decide, alone or with the Judge."""
        return self.acceptance in {"tests", "judge_and_tests"}

    @property
    def accepts_by_execution(self) -> bool:
        """Whether it decides that code runs, defines its entry point, and agrees with other solutions."""
        return self.acceptance.startswith("execution")

    @property
    def min_agreeing(self) -> int:
        """How many solutions of an instruction have to return the same, where execution decides: two at least."""
        share = float(self.acceptance.partition(">=")[2] or 0)
        return max(2, math.ceil(round(share * self.roles.coder.samples, 9)))

    @property
    def compares_solutions(self) -> bool:
        """Whether several solutions are told apart by what they return, since nobody writes tests."""
        return self.roles.coder.samples > 1 and self.roles.tester is None

    @property
    def checks_runs(self) -> bool:
        """Whether code that cannot be imported is refused."""
        return self.language == PYTHON and (self.sandbox.check_runs or self.accepts_by_execution)

    @property
    def embedding_model(self) -> EmbeddingModel | None:
        """What makes the embeddings that are kept of the population; None where nothing asks for any."""
        return self.semantic_model or (self.diversity_model if self.selects_by_embedding else None)

    @property
    def diversity_model(self) -> EmbeddingModel:
        """By what distances are measured."""
        return self._named(self.diversity.model, DIVERSITY_MODEL_KEY)

    @property
    def semantic_model(self) -> EmbeddingModel | None:
        """What tells which instructions say the same; None where nothing asks for it."""
        semantic = self.dedup.semantic
        return None if semantic is None else self._named(semantic.model, SEMANTIC_MODEL_KEY)

    @property
    def paraphrases_model(self) -> EmbeddingModel | None:
        """What tells which items of a test set are near; None where nothing asks for it."""
        paraphrases = self.decontamination.paraphrases
        return None if paraphrases is None else self._named(paraphrases.model, PARAPHRASES_MODEL_KEY)

    def embedding_engines(self) -> dict[str, Engine]:
        """Return the engines by which a run embeds texts."""
        return {name: engine for name, engine in self.used_engines().items() if engine.embeds}

    def _named(self, model: str, key: str) -> EmbeddingModel:
        """Return what the value of a YAML key names, of this configuration's engines or not."""
        return EmbeddingModel.named(model, key, {**self.engines, **self.used_engines()})

    def _named_to_embed(self) -> dict[str, str]:
        """Return the keys that name what embeds, with their values."""
        semantic, paraphrases = self.dedup.semantic, self.decontamination.paraphrases
        return {
            DIVERSITY_MODEL_KEY: self.diversity.model,
            **({} if semantic is None else {SEMANTIC_MODEL_KEY: semantic.model}),
            **({} if paraphrases is None else {PARAPHRASES_MODEL_KEY: paraphrases.model}),
        }

    def _embedding_keys(self) -> Iterator[tuple[str, str]]:
        """Yield those that a run embeds by."""
        idle = set()
        if not (self.diversity.sample or self.selects_by_embedding):
            idle.add(DIVERSITY_MODEL_KEY)
        if not self.decontamination.has_test_sets:
            idle.add(PARAPHRASES_MODEL_KEY)
        yield from ((key, model) for key, model in self._named_to_embed().items() if key not in idle)

    @property
    def selects_by_embedding(self) -> bool:
        """Whether parents are drawn by how near instructions are."""
        return self.operators.selection in SELECTION_BY_EMBEDDING

    @property
    def min_fitness(self) -> float | None:
        """The P(Yes) that is enough; None where fitness does not decide."""
        floor = self.acceptance.removeprefix("fitness>=")
        return None if floor == self.acceptance else float(floor)

    @property
    def runs_code(self) -> bool:
        """Whether a run needs the sandbox."""
        return self.roles.tester is not None or self.checks_runs or self.compares_solutions

    def own_prompts(self) -> dict[str, OwnPrompt]:
        """Return the prompts that are the user's, by what is asked for: a role, a repair, crossover, or a mutation."""
        return self.roles.own_prompts() | {name: task.prompt for name, task in self.operators.tasks.items()}

    def engine_of(self, role: Role) -> Engine:
        """Return the engine that plays a role, as in `used_engines`."""
        return self.used_engines()[self.roles.of(role).engine]

    def judge_of(self, paraphrases: Paraphrases) -> RoleSettings:
        """Return who is asked whether two problems are the same, and how: as the Judge, unless set otherwise."""
        return paraphrases.judge if paraphrases.judge is not None else self.roles.judge

    def used_engines(self) -> dict[str, Engine]:
        """Return the engines that a run asks, in the configuration's order, with `sleep` decided.

        They play a role, are asked about paraphrases, or embed texts.
        Engines sleep when those that are served here do not fit into the memory side by side.
        """
        names = {settings.engine for settings in self.roles.assigned().values()}
        tests = self.decontamination
        if tests.paraphrases is not None and tests.has_test_sets:
            names.add(self.judge_of(tests.paraphrases).engine)
        names |= {EmbeddingModel.named(model, key, self.engines).engine_name for key, model in self._embedding_keys()}
        used = {name: engine for name, engine in self.engines.items() if name in names}
        served = [engine for engine in used.values() if not engine.urls]
        crowded = len(served) > 1 and sum(engine.memory_share for engine in served) > 1.0
        return {
            name: engine if engine.sleep is not None else engine.model_copy(update={"sleep": crowded})
            for name, engine in used.items()
        }

    def fingerprint_payload(self) -> dict[str, Any]:
        """Return the part of the configuration that decides what is generated, as plain data.

        Left out is where tables, seeds and test sets lie, how many generations are asked for, and how engines and Spark
        are run.
        """
        data = self.model_dump(
            mode="json",
            exclude={
                *("store", "seeds", "seeds_where", "generations", "diversity"),
                *("ledger", "budget", "spark", "engines"),
            },
        )
        data["dedup"].pop("audit")
        if self.semantic_model is None:
            data["dedup"].pop("semantic")
        else:
            data["dedup"]["semantic"]["model"] = _identity(self.semantic_model)
        if self.sandbox.decided_by == "outside":
            data["sandbox"].pop("decided_by")
        if self.max_candidates is None:
            data.pop("max_candidates")
        if self.operators.selection == "uniform":
            data["operators"] = {key: data["operators"][key] for key in data["operators"] if key not in _OF_SELECTION}
        elif self.selects_by_embedding:
            data["operators"]["embedding_model"] = _identity(self.diversity_model)
        for benchmark in data["decontamination"]["benchmarks"].values():
            benchmark.pop("path")
        if self.language == PYTHON:
            data.pop("language")
        if self.operators.tasks:
            for name, task in self.operators.tasks.items():
                data["operators"]["tasks"][name]["prompt"] = task.prompt.version
        else:
            data["operators"].pop("tasks")
        for settings in filter(None, data["roles"].values()):
            for key in ("prompt", "prompts", "repair_prompt"):
                settings.pop(key, None)
        for name, prompt in self.roles.own_prompts().items():
            if name == REPAIR:
                data["roles"]["coder"]["repair_prompt"] = prompt.version
            elif name in data["roles"]:
                data["roles"][name]["prompt"] = prompt.version
            else:
                data["roles"]["instructor"].setdefault("prompts", {})[name] = prompt.version
        asked = [(data["roles"][role], settings) for role, settings in self.roles.assigned().items()]
        paraphrases = data["decontamination"]["paraphrases"]
        if self.paraphrases_model is not None:
            paraphrases["model"] = _identity(self.paraphrases_model)
        if self.decontamination.paraphrases is not None and self.decontamination.paraphrases.judge is not None:
            asked.append((paraphrases["judge"], self.decontamination.paraphrases.judge))
        for settings, given in asked:
            for key in set(RoleSettings.model_fields) - {"engine", *given.sampling()}:
                settings.pop(key)
            settings["engine"] = self.engines[settings["engine"]].model_dump(include=_IDENTITY)
        return data

    def fingerprint(self) -> str:
        """Return a short hash of `fingerprint_payload()`: equal for two configurations that ask for the same thing."""
        canonical = json.dumps(self.fingerprint_payload(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _identity(model: EmbeddingModel) -> Any:
    """Return what decides an embedding, of an engine as of those that write texts."""
    return model.model if model.engine is None else model.engine.model_dump(include=_IDENTITY)
