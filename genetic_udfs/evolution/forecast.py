"""What the rest of a run will take, from what was seen so far: plain arithmetic, and what it assumes.

The rounds of each generation are gone through as a run does, many times, with drawn yields: what is lacking by chance
takes rounds of its own, so a run of a few samples takes a quarter more than the mean yield says. The forecast is the
median.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genetic_udfs.config import Config, Engine
from genetic_udfs.evolution.operators.slots import quotas, slots_by_colony

# Runs that are drawn, and the percentiles of their slots that nine of ten lie between.
_TRIES: Final = 200
_INTERVAL: Final = (5, 95)


RoleEngine = tuple[str, str]
"""The names of a role and of the engine that was asked as it."""


@dataclass(frozen=True)
class RoleSeen:
    """What a role has taken of an engine so far; `seconds` are those of its stages, first request to last reply."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True)
class Seen:
    """What is known: so many slots bore candidates, of which so many passed every stage, and took this.

    `roles` has what each role took of each engine: the Judge's may be another for paraphrases than for solutions.
    Bytes are those of rows before compression: `row_bytes` of the slots' candidates and replies, `pair_bytes` of each
    accepted pair in the population and what is derived from it, `seed_bytes` of all seeds there. `gpus` are those that
    the executors hold together, None where Spark manages none.
    """

    slots: int
    candidates: int
    passed: int
    roles: Mapping[RoleEngine, RoleSeen]
    row_bytes: int
    pair_bytes: float = 0.0
    seed_bytes: int = 0
    gpus: int | None = None


@dataclass(frozen=True)
class RoleForecast:
    """What a role will take.

    `seconds` are at the tokens/s seen, `given_seconds` at those that were given, by which `money` then goes; this is
    None where its engine has no price.
    """

    requests: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    given_seconds: float | None = None
    money: float | None = None


@dataclass(frozen=True)
class Forecast:
    """What a run will take: slots, the pairs that it is expected to accept of those wanted, and by role and engine.

    `low` and `high` are the slots between which nine of ten drawn runs lie; all else grows with them.
    """

    slots: int
    low: int
    high: int
    accepted: int
    wanted: int
    roles: Mapping[RoleEngine, RoleForecast]
    row_bytes: int

    @property
    def money(self) -> float | None:
        """The sum of the roles' money; None where no engine has a price."""
        known = [role.money for role in self.roles.values() if role.money is not None]
        return sum(known) if known else None

    @property
    def seconds(self) -> float:
        """The sum of the roles' seconds: in a round they come after one another."""
        return sum(role.seconds for role in self.roles.values())

    @property
    def given_seconds(self) -> float | None:
        """The same at the tokens/s that were given; None without."""
        known = [role.given_seconds for role in self.roles.values() if role.given_seconds is not None]
        return sum(known) if known else None


def forecast(
    config: Config, seen: Seen, generations: int, tokens_per_second: float | None = None, *, goes_on: bool = False
) -> Forecast | None:
    """Return what so many generations will take; None if nothing has passed so far, which says nothing of the yield.

    Args:
        config: of the run.
        seen: what is known.
        generations: how many are to be made.
        tokens_per_second: output tokens of all engines together, at which seconds are reckoned beside those seen.
        goes_on: whether what is known is of the run's own generations, so that the first begins with their yield.
    """
    if not seen.passed or not seen.slots:
        return None
    chance = np.random.default_rng(config.seed)
    totals = np.array(
        [_run_of(config, generations, passes, seen, chance, goes_on=goes_on) for passes in _yields(seen, chance)]
    )
    slots = round(float(np.median(totals[:, 0])))
    low, high = np.percentile(totals[:, 0], _INTERVAL)
    scale = slots / seen.slots
    roles = {
        names: _scaled(config, names, role, scale, tokens_per_second, seen.gpus) for names, role in seen.roles.items()
    }
    accepted = round(float(np.median(totals[:, 1])))
    return Forecast(
        slots=slots,
        low=round(float(low)),
        high=round(float(high)),
        accepted=accepted,
        wanted=config.samples_per_generation * generations,
        roles=roles,
        row_bytes=round(seen.row_bytes * scale + seen.pair_bytes * accepted) + (0 if goes_on else seen.seed_bytes),
    )


def _scaled(
    config: Config, names: RoleEngine, role: RoleSeen, scale: float, tokens_per_second: float | None, gpus: int | None
) -> RoleForecast:
    seconds = role.seconds * scale
    given_seconds = role.completion_tokens / tokens_per_second * scale if tokens_per_second else None
    prompt_tokens, completion_tokens = role.prompt_tokens * scale, role.completion_tokens * scale
    money = None
    if (engine := _engine_from_now_on(config, *names)) is not None and engine.has_price:
        money = (engine.hourly(gpus) or 0.0) * (seconds if given_seconds is None else given_seconds) / 3600
        money += engine.price.of(prompt_tokens, completion_tokens) if engine.price is not None else 0.0
    return RoleForecast(
        round(role.requests * scale), round(prompt_tokens), round(completion_tokens), seconds, given_seconds, money
    )


def _engine_from_now_on(config: Config, role: str, engine: str) -> Engine | None:
    """Return the engine that a role asks now, where it asked one; paraphrases may have a judge of their own."""
    own = {str(known): settings.engine for known, settings in config.roles.assigned().items()}.get(role, "")
    paraphrases = config.decontamination.paraphrases
    of_paraphrases = paraphrases is not None and role == "judge" and engine == config.judge_of(paraphrases).engine
    return config.used_engines().get(engine if of_paraphrases else own)


def _yields(seen: Seen, chance: np.random.Generator) -> NDArray[np.float64]:
    """Return drawn numbers of pairs that a slot bears, as what was seen leaves it open (Jeffreys' prior).

    That is the share of slots that bear one; where pairs are more than slots, the share of candidates that pass, times
    those of a slot.
    """
    tried, each = (seen.slots, 1.0) if seen.passed <= seen.slots else (seen.candidates, seen.candidates / seen.slots)
    return each * chance.beta(seen.passed + 0.5, tried - seen.passed + 0.5, _TRIES)


def _run_of(
    config: Config, generations: int, passes: float, seen: Seen, chance: np.random.Generator, *, goes_on: bool
) -> tuple[int, int]:
    """Return how many slots a drawn run takes, and how many pairs it accepts."""
    slots = accepted = 0
    made = GenerationCounts(seen.slots, 0, seen.passed) if goes_on else GenerationCounts(0, 0, 0)
    for _ in range(generations):
        made = generation_of(config, passes, seen.candidates / seen.slots, chance, made)
        slots, accepted = slots + made.slots, accepted + made.accepted
    return slots, accepted


class GenerationCounts(NamedTuple):
    """A drawn generation: the slots that it takes, the pairs that it accepts, and those that passed every stage."""

    slots: int
    accepted: int
    passed: int


def generation_of(
    config: Config, passes: float, candidates: float, chance: np.random.Generator, before: GenerationCounts
) -> GenerationCounts:
    """Return a drawn generation.

    Args:
        config: of the run.
        passes: candidates of a slot that pass every stage.
        candidates: candidates of a slot.
        chance: draws how many pass.
        before: the generation before, by whose yield the first round goes; without slots nothing is known.
    """
    needed = quotas(config.samples_per_generation, config.colonies)
    used = accepted = in_all = 0
    for _ in range(config.max_rounds):
        counts = slots_by_colony(needed, accepted, used, (before.passed, before.slots))
        if config.max_candidates is not None:
            counts = _within(counts, (config.max_candidates - used * candidates) / candidates)
        if not sum(counts.values()):
            break
        drawn = chance.binomial([*counts.values()], passes % 1).tolist()
        for (colony, count), borne in zip(counts.items(), drawn, strict=True):
            passed = count * int(passes) + borne
            in_all += passed
            gained = min(needed[colony], passed)
            needed[colony] -= gained
            accepted += gained
        used += sum(counts.values())
    return GenerationCounts(used, accepted, in_all)


def _within(counts: Mapping[int, int], room: float) -> dict[int, int]:
    """Return the slots of colonies, shortened in proportion to how many there is room for."""
    total = sum(counts.values())
    share = min(1.0, max(0.0, room) / total) if total else 0.0
    return {colony: int(count * share) for colony, count in counts.items()}
