"""What a report shows of a store, in plain values, none of which grows with the store but by its generations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

# Of the interval from 0 to 1, in which fitness and similarity are counted.
BINS: Final = 20
# Stages that are shown, the last of the run.
MAX_STAGES: Final = 60
# Letters that are shown of a drawn candidate's texts, of a relative's instruction, and of the configuration.
TEXT_LETTERS: Final = 2_000
CODE_LETTERS: Final = 3_000
RELATIVE_LETTERS: Final = 160
CONFIGURATION_LETTERS: Final = 100_000
# Parents that are shown of a drawn candidate, and of each of these.
PARENTS: Final = (8, 3)


@dataclass(frozen=True)
class GenerationFigures:
    """A finished generation, as in `generations`."""

    number: int
    asked: int
    accepted: int
    shortfall: int
    population: int
    seconds: float


@dataclass(frozen=True)
class Distance:
    """Distances to the nearest: their mean, the ends of its interval, and the 5th percentile."""

    mean: float
    low: float
    high: float
    p5: float


@dataclass(frozen=True)
class Diversity:
    """How diverse a generation is, as in `generations.diversity`."""

    generation: int
    sample: int
    model: str | None
    distinct_3: float | None
    distinct_3_low: float | None
    distinct_3_high: float | None
    nearest_other: Distance | None
    nearest_earlier: Distance | None
    topics: float | None
    gini: float | None
    lineage_entropy: float | None


@dataclass(frozen=True)
class Outcome:
    """Candidates that had the same operator, task and end in a generation; `fitness` is the sum over `rated` ones.

    `judged` are those that the Judge was asked about.
    """

    generation: int
    operator: str
    task: str | None
    reason: str | None
    count: int
    fitness: float
    rated: int
    judged: int = 0

    @property
    def accepted(self) -> bool:
        """Whether they are in the population."""
        return self.reason is None


@dataclass(frozen=True)
class Cost:
    """What a role was asked in a generation, as in `generations.costs`, or in one of its stages."""

    generation: int
    role: str
    requests: int
    errors: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    money: float | None

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.prompt_tokens + self.completion_tokens


class Stage(NamedTuple):
    """What a role was asked in a stage of a round, which its `name` tells from the others."""

    round: int
    name: str
    cost: Cost


@dataclass(frozen=True)
class Use:
    """How an engine was used in a role's stages of a generation, by its own metrics, averaged over their seconds."""

    generation: int
    role: str
    servers: int
    slots: int
    running: float
    tokens_per_second: float
    kv_cache: float


@dataclass(frozen=True)
class Length:
    """Words of the texts accepted in a generation: the median and the nine tenths' mark."""

    generation: int
    instruction: tuple[int, int]
    response: tuple[int, int]


@dataclass(frozen=True)
class Seed:
    """A seed: how many candidates have it as a parent, and how many of these were accepted."""

    id: str
    instruction: str
    tried: int
    accepted: int


@dataclass(frozen=True)
class Relative:
    """A parent, or a parent's parent, of a candidate; so many of its own parents are `not_shown`."""

    id: str
    generation: int
    made_by: str
    instruction: str
    parents: tuple["Relative", ...]
    not_shown: int


@dataclass(frozen=True)
class Sample:
    """A candidate that was drawn; texts are cut where they are long, and so many parents are `not_shown`.

    `language` is that of `code`; None where that is a reply without code.
    """

    id: str
    generation: int
    operator: str
    task: str | None
    reason: str | None
    detail: str | None
    fitness: float | None
    pass_rate: float | None
    instruction: str
    code: str
    language: str | None
    parents: tuple[Relative, ...]
    not_shown: int


@dataclass(frozen=True)
class StoreFigures:
    """All that a report shows of a store.

    `fitness` and `similarities` are counts by bin of width 1/`BINS`; the former by whether candidates were accepted.
    `contaminated` are candidates by what they hold, `models` replies by role and model, `depths` accepted pairs by
    generation and mutations since the last seed or crossover, `stages` are the last `MAX_STAGES`, `audits`
    near-duplicate pairs found by the audit of each generation, and those of them that were caught.
    """

    root: str
    configuration: str
    versions: Mapping[str, str]
    generations: Sequence[GenerationFigures]
    outcomes: Sequence[Outcome]
    fitness: Mapping[bool, Sequence[int]]
    similarities: Sequence[int]
    contaminated: Sequence[tuple[str, int]]
    audits: Sequence[tuple[int, int, int]]
    diversity: Sequence[Diversity]
    costs: Sequence[Cost]
    stages: Sequence[Stage]
    uses: Sequence[Use]
    models: Sequence[tuple[str, str, int]]
    lengths: Sequence[Length]
    depths: Mapping[tuple[int, int], int]
    seeds: Sequence[Seed]
    samples: Sequence[Sample]

    @property
    def candidates(self) -> int:
        """How many candidates there were."""
        return sum(one.count for one in self.outcomes)

    @property
    def accepted(self) -> int:
        """How many of them were accepted."""
        return sum(one.count for one in self.outcomes if one.accepted)
