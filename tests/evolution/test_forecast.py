"""What the rest of a run will take: the rounds that it goes through at the yield that was seen."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from genetic_udfs.config import Config, Price
from genetic_udfs.evolution.forecast import GenerationCounts, RoleSeen, Seen, forecast, generation_of


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


NOTHING = GenerationCounts(0, 0, 0)
SEEN = Seen(
    slots=10,
    candidates=20,
    passed=5,
    roles={("coder", "any"): RoleSeen(16, 1600, 800, 4.0), ("judge", "any"): RoleSeen(8, 2000, 40, 1.0)},
    row_bytes=5000,
    pair_bytes=100.5,
    seed_bytes=70,
)


@pytest.mark.parametrize(
    ("passes", "changed", "slots", "accepted"),
    [
        (1.0, {}, 100, 100),  # one round
        (2.0, {}, 100, 100),  # crossovers bear several, but a slot is taken to bear one
        (0.5, {}, 205, 100),  # what is lacking by chance takes rounds of its own
        (0.5, {"colonies": 4}, 214, 100),
        (0.25, {}, 435, 100),
        (0.5, {"max_rounds": 1}, 100, 50),
        (0.05, {"max_rounds": 3}, 100 + 950 + 475, 76.25),  # a round asks for ten times what is lacking at most
        (0.5, {"max_candidates": 150}, 150, 75),
    ],
)
def test_a_generation_goes_through_rounds_until_it_is_full(
    passes: float, changed: dict[str, Any], slots: int, accepted: float
) -> None:
    chance = np.random.default_rng(1)
    found = np.array([generation_of(config(**changed), passes, 1.0, chance, NOTHING) for _ in range(400)])
    assert found.mean(axis=0)[:2] == pytest.approx([slots, accepted], rel=0.03)


def test_a_generation_begins_with_the_yield_of_the_one_before() -> None:
    chance = np.random.default_rng(1)
    found = generation_of(config(max_rounds=1), 0.5, 1.0, chance, GenerationCounts(slots=200, accepted=100, passed=100))
    assert found.slots == 200 and 85 <= found.accepted <= 100 and found.passed >= found.accepted


def test_what_was_seen_is_scaled_to_the_slots() -> None:
    found = forecast(config(), SEEN, generations=2)
    assert found is not None
    assert (found.accepted, found.wanted) == (200, 200)
    assert found.low < 400 < found.slots + 40 and found.slots - 40 < 420 < found.high
    scale = found.slots / SEEN.slots
    assert found.row_bytes == round(5000 * scale + 100.5 * 200) + 70
    goes_on = forecast(config(), SEEN, generations=2, goes_on=True)
    assert goes_on is not None
    assert goes_on.row_bytes == round(500 * goes_on.slots + 100.5 * goes_on.accepted)  # the seeds are there already
    coder = found.roles["coder", "any"]
    assert [coder.requests, coder.prompt_tokens, coder.completion_tokens] == pytest.approx(
        [16 * scale, 1600 * scale, 800 * scale], abs=0.5
    )
    assert (coder.seconds, found.seconds) == (pytest.approx(4 * scale), pytest.approx(5 * scale))
    faster = forecast(config(), SEEN, generations=2, tokens_per_second=1000)
    assert faster is not None and found.given_seconds is None
    assert (faster.seconds, faster.given_seconds) == (found.seconds, pytest.approx(840 * scale / 1000))


def test_from_few_slots_less_is_known() -> None:
    few = forecast(config(), SEEN, generations=2)
    many = forecast(config(), replace(SEEN, slots=1000, candidates=2000, passed=500), generations=2)
    assert few is not None and many is not None
    assert few.high - few.low > 4 * (many.high - many.low)
    assert many.low > 350 and many.high < 500
    assert forecast(config(), SEEN, generations=2) == few  # drawn by the seed


def test_of_slots_that_all_passed_some_may_fail_yet() -> None:
    spreads = {}
    for passed in (7, 8):
        found = forecast(config(), replace(SEEN, slots=8, candidates=8, passed=passed), generations=2)
        assert found is not None
        spreads[passed] = (found.low, found.slots, found.high)
    assert 200 <= spreads[8][0] < spreads[8][1] < spreads[8][2] < spreads[7][2]
    assert spreads[8][1] == pytest.approx(2 * 100 / 0.975, rel=0.03)  # the median of Beta(8.5, 0.5)
    assert spreads[8][2] == pytest.approx(2 * 100 / 0.79, rel=0.08)  # its 5th percentile
    several = forecast(config(), replace(SEEN, slots=8, candidates=16, passed=9), generations=2)
    assert several is not None and 200 <= several.low < several.high
    all_of_several = forecast(config(), replace(SEEN, slots=8, candidates=16, passed=16), generations=2)
    assert all_of_several is not None and (all_of_several.low, all_of_several.high) == (200, 200)


def test_forecasts_are_neither_too_high_nor_too_low_and_say_how_far_they_are_off() -> None:
    small, chance = config(samples_per_generation=12, colonies=2), np.random.default_rng(2)
    ratios, within = [], 0
    for _ in range(200):
        passed = int(chance.binomial(24, 0.3))
        found = forecast(small, Seen(24, 24, passed, {}, 0), generations=2)
        first = generation_of(small, 0.3, 1.0, chance, NOTHING)
        took = first.slots + generation_of(small, 0.3, 1.0, chance, first).slots
        assert found is not None
        ratios.append(found.slots / took)
        within += found.low <= took <= found.high
    assert 0.85 < float(np.median(ratios)) < 1.15
    assert within >= 165


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
    scale = found.slots / SEEN.slots
    assert found.roles["coder", "any"].money == pytest.approx(scale * (1600 * 1e-4 + 800 * 2e-4 + 4 * 0.01), rel=1e-3)
    assert found.money == pytest.approx(sum(role.money or 0 for role in found.roles.values()))
    fast = forecast(
        priced.model_copy(update={"engines": {**priced.engines, priced.roles.coder.engine: price}}), SEEN, 2, 1000
    )
    assert fast is not None  # an hour of the engine costs by the hours at the tokens/s given
    assert fast.roles["coder", "any"].money == pytest.approx(scale * (1600 * 1e-4 + 800 * 2e-4 + 0.8 * 0.01), rel=1e-3)
    on_eight = forecast(
        priced.model_copy(update={"engines": {**priced.engines, priced.roles.coder.engine: price}}),
        replace(SEEN, gpus=8),
        2,
    )
    assert on_eight is not None
    assert on_eight.roles["coder", "any"].money == pytest.approx(
        scale * (1600 * 1e-4 + 800 * 2e-4 + 8 * 4 * 0.01), rel=1e-3
    )


def test_what_a_paraphrase_judge_is_asked_costs_what_its_engine_does() -> None:
    def priced(completion: float) -> dict[str, Any]:
        return {"model": "some/model", "price": {"prompt": 0.0, "completion": completion}}

    both = config(
        engines={"any": priced(1e6), "other": priced(1.0)},
        decontamination={"paraphrases": {"judge": {"engine": "other"}}},
    )
    roles = {("judge", engine): RoleSeen(8, 2000, 40, 1.0) for engine in ("any", "other", "gone")}
    found = forecast(both, replace(SEEN, roles=roles), generations=2)
    assert found is not None
    scale = found.slots / SEEN.slots
    # The role's own engine takes the place of one that is not in the configuration any more.
    assert [role.money for role in found.roles.values()] == pytest.approx([40 * scale, 40e-6 * scale, 40 * scale])
    moved = forecast(both, replace(SEEN, roles={("coder", "other"): RoleSeen(8, 2000, 40, 1.0)}), generations=2)
    assert moved is not None  # what another role asks now is not what this one does
    assert moved.roles["coder", "other"].money == pytest.approx(40 * moved.slots / SEEN.slots)


def test_a_generation_with_a_cap_counts_candidates_not_slots() -> None:
    found = forecast(config(max_candidates=100), SEEN, generations=1)
    assert found is not None and (found.slots, found.low, found.high) == (50, 50, 50)
    assert 15 <= found.accepted <= 30


def test_of_nothing_that_passed_nothing_follows() -> None:
    assert forecast(config(), Seen(10, 20, 0, {}, 0), generations=1) is None
