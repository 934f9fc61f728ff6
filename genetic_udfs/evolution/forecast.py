"""What the rest of a run will take, from what was seen so far: plain arithmetic, and what it assumes.

The rounds of each generation are gone through as a run does, with the yield that was seen in place of chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from genetic_udfs.config import Config
from genetic_udfs.evolution.operators.slots import quotas, slots_by_colony

# Of a colony's share, what is too little to count as a pair that is lacking: sums of fractions are not exact.
_NOTHING: Final = 1e-9


@dataclass(frozen=True)
class RoleSeen:
    """What a role has taken so far; `seconds` are those in which it had requests under way."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True)
class Seen:
    """What is known: so many slots bore candidates, of which so many passed every stage, and took this.

    `text_bytes` are those of the texts that the tables have of it, `gpus` those that the executors hold together, None
    where Spark manages none.
    """

    slots: int
    candidates: int
    passed: int
    roles: Mapping[str, RoleSeen]
    text_bytes: int
    gpus: int | None = None


@dataclass(frozen=True)
class RoleForecast:
    """What a role will take; `money` is None where its engine has no price."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    money: float | None = None


@dataclass(frozen=True)
class Forecast:
    """What a run will take: slots, the pairs that it is expected to accept of those wanted, and this by role."""

    slots: int
    accepted: int
    wanted: int
    roles: Mapping[str, RoleForecast]
    text_bytes: int

    @property
    def money(self) -> float | None:
        """The sum of the roles' money; None where no engine has a price."""
        known = [role.money for role in self.roles.values() if role.money is not None]
        return sum(known) if known else None

    @property
    def seconds(self) -> float:
        """The sum of the roles' seconds: in a round they come after one another."""
        return sum(role.seconds for role in self.roles.values())


def forecast(config: Config, seen: Seen, generations: int, tokens_per_second: float | None = None) -> Forecast | None:
    """Return what so many generations will take; None if nothing has passed so far, which says nothing of the yield.

    Args:
        config: of the run.
        seen: what is known.
        generations: how many are to be made.
        tokens_per_second: output tokens of all engines together; as seen, by role, unless given.
    """
    if not seen.passed or not seen.slots:
        return None
    slots, accepted = generation_of(config, seen.passed / seen.slots, seen.candidates / seen.slots)
    scale = slots * generations / seen.slots
    roles = {
        name: _scaled(config, name, role, scale, tokens_per_second, seen.gpus) for name, role in seen.roles.items()
    }
    return Forecast(
        slots=slots * generations,
        accepted=round(accepted * generations),
        wanted=config.samples_per_generation * generations,
        roles=roles,
        text_bytes=round(seen.text_bytes * scale),
    )


def _scaled(
    config: Config, name: str, role: RoleSeen, scale: float, tokens_per_second: float | None, gpus: int | None
) -> RoleForecast:
    seconds = (role.completion_tokens / tokens_per_second if tokens_per_second else role.seconds) * scale
    prompt_tokens, completion_tokens = role.prompt_tokens * scale, role.completion_tokens * scale
    money = None
    settings = {str(known): each for known, each in config.roles.assigned().items()}.get(name)
    if settings is not None and (engine := config.engines[settings.engine]).has_price:
        money = (engine.hourly(gpus) or 0.0) * seconds / 3600
        money += engine.price.of(prompt_tokens, completion_tokens) if engine.price is not None else 0.0
    return RoleForecast(round(role.requests * scale), round(prompt_tokens), round(completion_tokens), seconds, money)


def generation_of(config: Config, passes: float, candidates: float) -> tuple[int, float]:
    """Return how many slots a generation takes, and how many pairs it accepts.

    Args:
        config: of the run.
        passes: candidates of a slot that pass every stage.
        candidates: candidates of a slot.
    """
    needed: dict[int, float] = dict(quotas(config.samples_per_generation, config.colonies))
    used, accepted = 0, 0.0
    for _ in range(config.max_rounds):
        counts = slots_by_colony(needed, accepted, used)
        if config.max_candidates is not None:
            counts = _within(counts, (config.max_candidates - used * candidates) / candidates)
        if not sum(counts.values()):
            break
        for colony, count in counts.items():
            gained = min(needed[colony], count * passes)
            needed[colony] = needed[colony] - gained if needed[colony] - gained > _NOTHING else 0
            accepted += gained
        used += sum(counts.values())
    return used, accepted


def seen_of(costs: Sequence[Mapping[str, float]]) -> dict[str, RoleSeen]:
    """Return what each role has taken, summed up over rows of `generations.costs`."""
    found: dict[str, RoleSeen] = {}
    for cost in costs:
        role = str(cost["role"])
        before = found.get(role, RoleSeen(0, 0, 0, 0.0))
        found[role] = RoleSeen(
            before.requests + int(cost["requests"]),
            before.prompt_tokens + int(cost["prompt_tokens"]),
            before.completion_tokens + int(cost["completion_tokens"]),
            before.seconds + cost["seconds"],
        )
    return found


def _within(counts: Mapping[int, int], room: float) -> dict[int, int]:
    """Return the slots of colonies, shortened in proportion to how many there is room for."""
    total = sum(counts.values())
    share = min(1.0, max(0.0, room) / total) if total else 0.0
    return {colony: int(count * share) for colony, count in counts.items()}
