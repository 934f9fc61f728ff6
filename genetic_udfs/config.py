"""What a run is: the configuration's models, and the checks that need nothing but the configuration itself.

Reading YAML, overrides and files is `config_file.py`'s; nothing here touches the disk, Spark or an engine.
"""

import hashlib
import json
import math
import re
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_serializer, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(gt=0)]
Role = Literal["instructor", "coder", "judge", "tester"]
# Those that every run has; the Tester is a setting.
ROLES: Final[tuple[Role, ...]] = ("instructor", "coder", "judge")
ACCEPTANCE: Final = re.compile(r"judge|tests|judge_and_tests|fitness>=(0|1|0?\.\d+|1\.0+)")
_MOST_HASHES: Final = 126
_MOST_ROWS: Final = 14
_MISSED_AT_THRESHOLD: Final = 0.015
_TOURNAMENT_SIZE: Final = 3
_OF_SELECTION: Final = ("selection", "tournament_size")
_PARALLEL_SIZES: Final = ("tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size")
MEMORY_SHARE: Final = "gpu-memory-utilization"

# A store whose name begins so is a schema of Spark's catalog, not a folder.
CATALOG_STORE: Final = "catalog:"
_SCHEMA_NAME: Final = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*\.)?[A-Za-z_][A-Za-z0-9_]*")
MutationTask = Literal["constraints", "rarer_requirement", "reasoning", "erroneous_code", "complexity"]


class Section(BaseModel):
    """Base of every section: unknown keys are errors, values cannot be changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Operators(Section):
    """How offspring instructions come about.

    Parents are drawn uniformly, or each is the fittest of `tournament_size` (3 unless given) drawn so. The five
    mutation tasks and the even split are the method's (arXiv 2407.21077); how many parents a crossover shows and how
    many instructions it asks for are not published.
    """

    crossover_share: Share = 0.5
    mutation_tasks: dict[MutationTask, Annotated[float, Field(ge=0.0)]] = {
        "constraints": 1.0,
        "rarer_requirement": 1.0,
        "reasoning": 1.0,
        "erroneous_code": 1.0,
        "complexity": 0.25,
    }
    crossover_parents: Annotated[int, Field(ge=2, le=32)] = 3
    crossover_instructions: Annotated[int, Field(ge=1, le=20)] = 3
    max_depth: Positive = 3
    selection: Literal["uniform", "tournament"] = "uniform"
    tournament_size: Annotated[int, Field(ge=2, le=64)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _a_tournament_has_a_size(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("selection") == "tournament" and given.get("tournament_size") is None:
            return {**given, "tournament_size": _TOURNAMENT_SIZE}
        return given

    @model_validator(mode="after")
    def _only_a_tournament_has_a_size(self) -> Self:
        if self.selection == "uniform" and self.tournament_size is not None:
            raise ValueError("tournament_size is for selection: tournament")
        return self

    @field_validator("mutation_tasks")
    @classmethod
    def _some_task_has_weight(cls, weights: dict[MutationTask, float]) -> dict[MutationTask, float]:
        if sum(weights.values()) <= 0:
            raise ValueError("at least one task needs a weight above 0")
        return weights


class Engine(Section):
    """A language model that answers requests: either `model`, served by vLLM here, or `url`, served elsewhere.

    Several URLs are servers of the same model, which share the requests; `max_num_seqs` is each server's.
    """

    model: Annotated[str, Field(min_length=1)]
    url: Annotated[str | list[str] | None, Field(min_length=1)] = None
    api_key_env: str | None = None
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    max_num_seqs: Positive = 256
    max_num_batched_tokens: Positive = 8192
    max_model_len: Annotated[int, Field(ge=64)] = 4096
    args: dict[str, bool | int | float | str] = {}
    env: dict[str, str] = {}
    sleep: bool | None = None
    start_timeout: Positive = 600
    request_timeout: Positive = 600

    @field_validator("url")
    @classmethod
    def _urls_are_http(cls, url: str | list[str] | None) -> str | list[str] | None:
        given = _urls(url)
        for one in given:
            if urlsplit(one).scheme not in {"http", "https"} or not urlsplit(one).netloc:
                raise ValueError(
                    "must be the http(s) address of an OpenAI-compatible endpoint, such as http://host:8000/v1, or a"
                    " list of such"
                )
            if "@" in urlsplit(one).netloc:
                raise ValueError(
                    "has a name or key in it; put the key into an environment variable, named in api_key_env"
                )
        if len(set(given)) < len(given):
            raise ValueError("has the same address twice")
        return url

    @field_validator("args")
    @classmethod
    def _no_flag_twice(cls, args: dict[str, Any]) -> dict[str, Any]:
        own = {"model", "served-model-name", "dtype", "max-model-len", "uds", "host", "port"}
        own |= {"max-num-seqs", "max-num-batched-tokens", "api-key", "ssl-keyfile", "ssl-certfile"}
        for name, value in args.items():
            if _flag(name) in own:
                raise ValueError(f"{name!r} is set by the engine's own keys and cannot be given in args")
            if _flag(name) in _PARALLEL_SIZES and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ValueError(f"{name!r} is a number of GPUs (given: {value!r})")
            if _flag(name) == MEMORY_SHARE and (isinstance(value, bool | str) or not 0 < value <= 1):
                raise ValueError(f"{name!r} is a part of the memory, above 0 and not above 1 (given: {value!r})")
        return args

    @model_validator(mode="after")
    def _here_or_there(self) -> Self:
        if self.url is None and self.api_key_env is not None:
            raise ValueError("api_key_env is for an engine with a url")
        if self.max_num_batched_tokens < self.max_num_seqs:
            raise ValueError(
                f"max_num_batched_tokens ({self.max_num_batched_tokens}) is below max_num_seqs ({self.max_num_seqs});"
                " each sequence takes one in a step"
            )
        if self.url is not None and (self.args or self.env):
            raise ValueError("args and env are for a model that is served here; this engine has a url")
        return self

    @property
    def flags(self) -> dict[str, bool | int | float | str]:
        """`args` under the names that vLLM's command line has for them, without the dashes in front."""
        return {_flag(name): value for name, value in self.args.items()}

    @property
    def memory_share(self) -> float:
        """The part of the memory of its GPUs that the engine is set to take; all of it where it is not."""
        return float(self.flags.get(MEMORY_SHARE, 1.0))

    @property
    def gpus(self) -> int | None:
        """Over how many GPUs the engine is told to spread; None where it takes what its tasks have."""
        sizes = [int(self.flags[name]) for name in _PARALLEL_SIZES if name in self.flags]
        return math.prod(sizes) if sizes else None

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of an engine elsewhere, without a slash at the end; none of one that is served here."""
        return _urls(self.url)


def _flag(name: str) -> str:
    return name.lstrip("-").replace("_", "-")


def _urls(url: str | list[str] | None) -> tuple[str, ...]:
    given = [url] if isinstance(url, str) else url or []
    return tuple(one.rstrip("/") for one in given)


class RoleSettings(Section):
    """Which engine plays a role, and how it samples.

    `regex` holds a model that is too weak to keep a form to it: vLLM's structured outputs. Endpoints that are not
    vLLM may refuse it.
    """

    engine: str
    temperature: Annotated[float, Field(ge=0.0, le=5.0)] = 0.7
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    max_tokens: Positive = 1024
    regex: str | None = None

    @field_validator("regex")
    @classmethod
    def _regex_compiles(cls, regex: str | None) -> str | None:
        try:
            re.compile(regex or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return regex


class OwnPrompt(Section):
    """A template of the user's in place of a role's own: where it lies, and its text, which travels to executors."""

    path: str
    text: str

    @property
    def version(self) -> str:
        """A short hash of the text: the prompt's version in the ledger."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    @model_serializer
    def _as_given(self) -> str:
        return self.path


class PromptedRole(RoleSettings):
    """A role that can be given another prompt: a Jinja2 file, which `config_file.py` reads and checks."""

    prompt: OwnPrompt | None = None


class CoderSettings(PromptedRole):
    """The Coder: how many solutions it writes of an instruction, and whether it mends one that failed its tests."""

    samples: Annotated[int, Field(ge=1, le=100)] = 1
    repair: bool = False

    @model_validator(mode="after")
    def _samples_differ(self) -> Self:
        if self.samples > 1 and self.temperature == 0.0:
            raise ValueError(f"samples: {self.samples} solutions at temperature 0 would be the same; set one above 0")
        return self


class TesterSettings(RoleSettings):
    """The Tester, which writes `tests` tests for each solution.

    `tests_from` says what it sees beside the instruction: the heads of the solution's functions alone, or its code.
    """

    tests_from: Literal["instruction", "code"] = "instruction"
    tests: Annotated[int, Field(ge=1, le=50)] = 5


class Roles(Section):
    """The three roles of the method, and the Tester where tests are wanted."""

    instructor: RoleSettings
    coder: CoderSettings
    judge: PromptedRole
    tester: TesterSettings | None = None

    def of(self, role: Role) -> RoleSettings:
        """Return the settings of one role, which must be played."""
        return self.played()[role]

    def played(self) -> dict[Role, RoleSettings]:
        """Return the settings of every role that the run has."""
        played: dict[Role, RoleSettings] = {"instructor": self.instructor, "coder": self.coder, "judge": self.judge}
        return played if self.tester is None else {**played, "tester": self.tester}

    def own_prompts(self) -> dict[Role, OwnPrompt]:
        """Return the prompts that are the user's, by role."""
        given: dict[Role, OwnPrompt | None] = {"coder": self.coder.prompt, "judge": self.judge.prompt}
        return {role: prompt for role, prompt in given.items() if prompt is not None}


class Filters(Section):
    """Bounds that an instruction must keep, in words."""

    min_words: Positive = 6
    max_words: Positive = 400

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min_words > self.max_words:
            raise ValueError(f"min_words ({self.min_words}) is above max_words ({self.max_words})")
        return self


class Dedup(Section):
    """When two instructions are near-duplicates: Jaccard similarity of their word shingles at or above `threshold`.

    Bands and rows follow from the threshold unless given: as many rows as leave at least 98.5% of the pairs right at
    the threshold among the candidates (fewer below 0.033), with 126 hash functions at most. `audit` texts are checked
    for missed pairs.
    """

    threshold: Annotated[float, Field(gt=0.0, le=1.0)] = 0.7
    shingle_words: Positive = 3
    bands: Positive = 25
    rows: Positive = 5
    audit: Annotated[int, Field(ge=0)] = 2000

    @model_validator(mode="before")
    @classmethod
    def _bands_follow_from_the_threshold(cls, given: Any) -> Any:
        if isinstance(given, dict) and not {"bands", "rows"} & given.keys():
            threshold = given.get("threshold", 0.7)
            if isinstance(threshold, int | float) and 0 < threshold <= 1:
                bands, rows = _bands_for(float(threshold))
                return {**given, "bands": bands, "rows": rows}
        return given


def _bands_for(threshold: float) -> tuple[int, int]:
    """Return bands and rows: the more rows, the fewer pairs below the threshold have to be compared."""
    for rows in range(_MOST_ROWS, 1, -1):
        bands = _MOST_HASHES // rows
        if (1 - threshold**rows) ** bands <= _MISSED_AT_THRESHOLD:
            return bands, rows
    return _MOST_HASHES, 1


class Benchmark(Section):
    """A test set in a JSONL file (which may be gzipped), and which of its fields are matched.

    A field holds a text or a list of texts. `id` names the field with an item's name; without it the line's number is.
    """

    path: Annotated[str, Field(min_length=1)]
    id: str | None = None
    instructions: Annotated[list[str], Field(min_length=1)]
    solutions: list[str] = []


class Paraphrases(Section):
    """How test items that are told in other words are found.

    Of a text's `nearest` items by embedding, an engine is asked about those at a cosine similarity of `similarity` or
    more. `judge` says which engine and how it samples; without it the Judge's settings are taken.
    """

    model: Annotated[str, Field(min_length=1)] = "bundled:all-minilm-l6-v2"
    nearest: Annotated[int, Field(ge=1, le=100)] = 5
    similarity: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.5
    judge: RoleSettings | None = None


class Decontamination(Section):
    """The test sets of which nothing may be in the data: HumanEval, and others from files."""

    human_eval: bool = True
    human_eval_solutions: bool = False
    benchmarks: dict[Annotated[str, Field(min_length=1)], Benchmark] = {}
    paraphrases: Paraphrases | None = None

    @property
    def has_test_sets(self) -> bool:
        """Tell whether there is anything to match."""
        return self.human_eval or bool(self.benchmarks)

    @model_validator(mode="after")
    def _something_is_there(self) -> Self:
        if "humaneval" in self.benchmarks and self.human_eval:
            raise ValueError("benchmarks: 'humaneval' is the bundled one's name; choose another, or human_eval: false")
        if self.human_eval_solutions and not self.human_eval:
            raise ValueError("human_eval_solutions is for human_eval: true")
        return self


class Sandbox(Section):
    """How strongly code is confined where it is run, and what a process of it may use.

    On a machine that does not reach `least_tier` no code is run. With `check_runs` a run refuses code that fails as
    soon as it is imported.
    """

    least_tier: Literal["no_files", "landlock"] = "landlock"
    cpu_seconds: Positive = 2
    wall_seconds: Annotated[float, Field(gt=0.0)] = 3.0
    memory_mb: Annotated[int, Field(ge=16)] = 512
    check_runs: bool = False

    @model_validator(mode="after")
    def _time_to_use_its_cpu(self) -> Self:
        if self.wall_seconds < self.cpu_seconds:
            raise ValueError(
                f"wall_seconds ({self.wall_seconds:g}) is below cpu_seconds ({self.cpu_seconds}), which needs that long"
            )
        return self


class Ledger(Section):
    """How replies reach the `replies` table: two waves at most are lost when the driver is killed.

    When the job is asked to stop, the waves under way may take `stop_within` seconds to end.
    """

    wave_size: Positive = 4096
    stop_within: Annotated[float, Field(ge=0.0)] = 600.0


class Spark(Section):
    """What spark-submit is told. `master` may be left to SPARK_SUBMIT_ARGS or spark-defaults.conf."""

    master: str | None = None
    conf: dict[str, bool | int | float | str] = {}

    @field_validator("conf")
    @classmethod
    def _names_are_sparks(cls, conf: dict[str, Any]) -> dict[str, Any]:
        for name in conf:
            if not name.startswith("spark."):
                raise ValueError(f"{name!r} is no Spark property; their names begin with 'spark.'")
        return conf

    def properties(self) -> dict[str, str]:
        """Return `conf` as Spark writes values: `true`, not `True`."""
        return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in self.conf.items()}


class Config(Section):
    """One run of Genetic-Instruct.

    `samples_per_generation` pairs are accepted in each of `generations` generations, in equal shares by each of
    `colonies` colonies, in at most `max_rounds` rounds and of at most `max_candidates` candidates a generation.
    """

    store: Annotated[str, Field(min_length=1)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    seeds: Annotated[str, Field(min_length=1)]
    generations: Positive
    colonies: Positive = 1
    samples_per_generation: Positive
    max_rounds: Positive = 20
    max_candidates: Positive | None = None
    acceptance: str = "judge"
    operators: Operators = Operators()
    engines: Annotated[dict[str, Engine], Field(min_length=1)]
    roles: Roles
    dedup: Dedup = Dedup()
    filters: Filters = Filters()
    decontamination: Decontamination = Decontamination()
    sandbox: Sandbox = Sandbox()
    ledger: Ledger = Ledger()
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

    @field_validator("acceptance")
    @classmethod
    def _acceptance_is_known(cls, acceptance: str) -> str:
        if ACCEPTANCE.fullmatch(acceptance) is None:
            raise ValueError("must be judge, tests, judge_and_tests, or fitness>=X with X from 0 to 1")
        return acceptance

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
        wants = {
            f"acceptance: {self.acceptance}": self.accepts_by_tests,
            f"roles.coder.samples: {self.roles.coder.samples}": self.roles.coder.samples > 1,
        }
        for what, wanted in wants.items():
            if wanted and self.roles.tester is None:
                raise ValueError(f"{what} needs roles.tester, which writes the tests")
        if self.roles.coder.repair and not self.accepts_by_tests:
            raise ValueError("roles.coder.repair: true is for acceptance: tests or judge_and_tests")
        return self

    @model_validator(mode="after")
    def _roles_name_engines(self) -> Self:
        for role, settings in self.roles.played().items():
            name = settings.engine
            if name not in self.engines:
                raise ValueError(
                    f"roles.{role}.engine: no engine is named {name!r}; engines has {sorted(self.engines)}"
                )
        return self

    @model_validator(mode="after")
    def _paraphrases_name_an_engine(self) -> Self:
        paraphrases = self.decontamination.paraphrases
        if paraphrases is not None and paraphrases.judge is not None and paraphrases.judge.engine not in self.engines:
            raise ValueError(
                f"decontamination.paraphrases.judge.engine: no engine is named {paraphrases.judge.engine!r};"
                f" engines has {sorted(self.engines)}"
            )
        return self

    @model_validator(mode="after")
    def _replies_fit(self) -> Self:
        asked = {f"roles.{role}": settings for role, settings in self.roles.played().items()}
        paraphrases = self.decontamination.paraphrases
        if paraphrases is not None and paraphrases.judge is not None:
            asked["decontamination.paraphrases.judge"] = paraphrases.judge
        for key, settings in asked.items():
            limit = self.engines[settings.engine].max_model_len
            if settings.max_tokens >= limit:
                raise ValueError(
                    f"{key}.max_tokens: {settings.max_tokens} leaves no room for the prompt; it must be below"
                    f" engines.{settings.engine}.max_model_len ({limit})"
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

    @property
    def accepts_by_judge(self) -> bool:
        """Whether the Judge's verdict decides, alone or with tests."""
        return self.acceptance in {"judge", "judge_and_tests"}

    @property
    def accepts_by_tests(self) -> bool:
        """Whether tests decide, alone or with the Judge."""
        return self.acceptance in {"tests", "judge_and_tests"}

    @property
    def least_fitness(self) -> float | None:
        """The P(Yes) that is enough; None where fitness does not decide."""
        floor = self.acceptance.removeprefix("fitness>=")
        return None if floor == self.acceptance else float(floor)

    @property
    def runs_code(self) -> bool:
        """Whether a run needs the sandbox."""
        return self.roles.tester is not None or self.sandbox.check_runs

    def engine_of(self, role: Role) -> Engine:
        """Return the engine that plays a role, as in `used_engines`."""
        return self.used_engines()[self.roles.of(role).engine]

    def judge_of(self, paraphrases: Paraphrases) -> RoleSettings:
        """Return who is asked whether two problems are the same, and how: as the Judge, unless told otherwise."""
        return paraphrases.judge if paraphrases.judge is not None else self.roles.judge

    def used_engines(self) -> dict[str, Engine]:
        """Return the engines that a run asks, in the configuration's order, with `sleep` decided.

        They play a role, or are asked about paraphrases.
        Engines sleep when those that are served here do not fit into the memory side by side.
        """
        names = {settings.engine for settings in self.roles.played().values()}
        tests = self.decontamination
        if tests.paraphrases is not None and tests.has_test_sets:
            names.add(self.judge_of(tests.paraphrases).engine)
        used = {name: engine for name, engine in self.engines.items() if name in names}
        served = [engine for engine in used.values() if not engine.urls]
        crowded = len(served) > 1 and sum(engine.memory_share for engine in served) > 1.0
        return {
            name: engine if engine.sleep is not None else engine.model_copy(update={"sleep": crowded})
            for name, engine in used.items()
        }

    def meaning(self) -> dict[str, Any]:
        """Return the part of the configuration that decides what is generated, as plain data.

        Left out is where tables, seeds and test sets lie, how many generations are asked for, and how engines and Spark
        are run.
        """
        data = self.model_dump(mode="json", exclude={"store", "seeds", "generations", "ledger", "spark", "engines"})
        data["dedup"].pop("audit")
        if self.max_candidates is None:
            data.pop("max_candidates")
        if self.operators.selection == "uniform":
            data["operators"] = {key: data["operators"][key] for key in data["operators"] if key not in _OF_SELECTION}
        for benchmark in data["decontamination"]["benchmarks"].values():
            benchmark.pop("path")
        for role in ("coder", "judge"):
            data["roles"][role].pop("prompt")
        for role, prompt in self.roles.own_prompts().items():
            data["roles"][role]["prompt"] = prompt.version
        asked = [settings for settings in data["roles"].values() if settings is not None]
        paraphrases = data["decontamination"]["paraphrases"]
        if paraphrases is not None and paraphrases["judge"] is not None:
            asked.append(paraphrases["judge"])
        for settings in asked:
            settings["engine"] = self.engines[settings["engine"]].model_dump(include={"model", "dtype", "args"})
        return data

    def fingerprint(self) -> str:
        """Return a short hash of `meaning()`: equal for two configurations that ask for the same thing."""
        canonical = json.dumps(self.meaning(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]
