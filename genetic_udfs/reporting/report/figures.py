"""What a report shows of a store, in plain values, none of which grows with the store but by its generations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Of the interval from 0 to 1, in which fitness and similarity are counted.
BINS = 20


@dataclass(frozen=True)
class Generation:
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
    """Candidates that had the same operator, task and end in a generation; `fitness` is the sum over `rated` ones."""

    generation: int
    operator: str
    task: str | None
    reason: str | None
    count: int
    fitness: float
    rated: int

    @property
    def accepted(self) -> bool:
        """Whether they are in the population."""
        return self.reason is None


@dataclass(frozen=True)
class Cost:
    """What a role was asked in a generation, as in `generations.costs`."""

    generation: int
    role: str
    requests: int
    errors: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    money: float | None


@dataclass(frozen=True)
class Use:
    """How an engine was used in a role's stages of a generation, by its own metrics, averaged over their seconds."""

    generation: int
    role: str
    seconds: float
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
    """A parent, or a parent's parent, of a candidate; `more` says that it has parents which are not shown."""

    id: str
    generation: int
    made_by: str
    instruction: str
    parents: tuple["Relative", ...]
    more: bool


@dataclass(frozen=True)
class Sample:
    """A candidate that was drawn; texts are cut where they are long."""

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
    parents: tuple[Relative, ...]


@dataclass(frozen=True)
class StoreFigures:
    """All that a report shows of a store.

    `fitness` and `similarities` are counts by bin of width 1/`BINS`; the former by whether candidates were accepted.
    `contaminated` are candidates by what they hold, `models` replies by role and model, `depths` accepted pairs by
    generation and mutations since the last seed or crossover, `audits` near-duplicate pairs found by the audit of each
    generation, and those of them that were caught.
    """

    root: str
    configuration: str
    versions: Mapping[str, str]
    generations: Sequence[Generation]
    outcomes: Sequence[Outcome]
    fitness: Mapping[bool, Sequence[int]]
    similarities: Sequence[int]
    contaminated: Sequence[tuple[str, int]]
    audits: Sequence[tuple[int, int, int]]
    diversity: Sequence[Diversity]
    costs: Sequence[Cost]
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
