"""What the rest of a run will take: the rounds that it goes through at the yield that was seen."""

from dataclasses import replace
from typing import Any

import pytest

from genetic_udfs.config import Config, Price
from genetic_udfs.evolution.forecast import RoleSeen, Seen, forecast, generation_of, seen_of


def config(**changed: Any) -> Config:
    settings = {
        "store": "unused",
        "seeds": "unused",
        "generations": 3,
        "samples_per_generation": 100,
        "engines": {"any": {"model": "any/model"}, "other": {"model": "other/model"}},
        "roles": {role: {"engine": "any"} for role in ("instructor", "coder", "judge")},
        **changed,
    }
    return Config.model_validate(settings)


SEEN = Seen(
    slots=10,
    candidates=20,
    passed=5,
    roles={"coder": RoleSeen(16, 1600, 800, 4.0), "judge": RoleSeen(8, 2000, 40, 1.0)},
    text_bytes=5000,
)


@pytest.mark.parametrize(
    ("passes", "changed", "slots", "accepted"),
    [
        (1.0, {}, 100, 100),  # one round
        (2.0, {}, 100, 100),  # crossovers bear several, but a slot is taken to bear one
        (0.5, {}, 200, 100),
        (0.5, {"colonies": 4}, 200, 100),
        (0.25, {}, 400, 100),
        (0.5, {"max_rounds": 1}, 100, 50),
        (0.05, {"max_rounds": 3}, 100 + 950 + 475, 76.25),  # a round asks for ten times what is lacking at most
        (0.5, {"max_candidates": 150}, 150, 75),
    ],
)
def test_a_generation_goes_through_rounds_until_it_is_full(
    passes: float, changed: dict[str, Any], slots: int, accepted: float
) -> None:
    found = generation_of(config(**changed), passes, candidates=1.0)
    assert found == (pytest.approx(slots, abs=5), pytest.approx(accepted, abs=3))


def test_what_was_seen_is_scaled_to_the_slots() -> None:
    found = forecast(config(), SEEN, generations=2)
    assert found is not None
    assert (found.slots, found.accepted, found.wanted, found.text_bytes) == (400, 200, 200, 200_000)
    coder = found.roles["coder"]
    assert (coder.requests, coder.prompt_tokens, coder.completion_tokens) == (640, 64_000, 32_000)
    assert (coder.seconds, found.seconds) == (pytest.approx(160), pytest.approx(200))
    faster = forecast(config(), SEEN, generations=2, tokens_per_second=1000)
    assert faster is not None and faster.seconds == pytest.approx(33.6)


def test_what_it_costs_is_forecast_where_engines_have_a_price() -> None:
    plain = forecast(config(), SEEN, generations=2)
    assert plain is not None and plain.money is None
    priced = config()
    engine = priced.engines[priced.roles.coder.engine]
    price = engine.model_copy(update={"price": Price(prompt=100.0, completion=200.0), "gpu_hour": 36.0})
    found = forecast(
        priced.model_copy(update={"engines": {**priced.engines, priced.roles.coder.engine: price}}), SEEN, 2
    )
    assert found is not None
    assert found.roles["coder"].money == pytest.approx(64_000 * 1e-4 + 32_000 * 2e-4 + 160 * 0.01)
    assert found.money == pytest.approx(sum(role.money or 0 for role in found.roles.values()))
    on_eight = forecast(
        priced.model_copy(update={"engines": {**priced.engines, priced.roles.coder.engine: price}}),
        replace(SEEN, gpus=8),
        2,
    )
    assert on_eight is not None
    assert on_eight.roles["coder"].money == pytest.approx(64_000 * 1e-4 + 32_000 * 2e-4 + 8 * 160 * 0.01)


def test_a_generation_with_a_cap_counts_candidates_not_slots() -> None:
    found = forecast(config(max_candidates=100), SEEN, generations=1)
    assert found is not None and (found.slots, found.accepted) == (50, 25)


def test_of_nothing_that_passed_nothing_follows() -> None:
    assert forecast(config(), Seen(10, 20, 0, {}, 0), generations=1) is None


def test_costs_are_summed_by_role() -> None:
    cost = {"role": "coder", "requests": 2, "prompt_tokens": 10, "completion_tokens": 5, "seconds": 1.5}
    assert seen_of([cost, cost, {**cost, "role": "judge"}]) == {
        "coder": RoleSeen(4, 20, 10, 3.0),
        "judge": RoleSeen(2, 10, 5, 1.5),
    }
