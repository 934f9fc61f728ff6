from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from genetic_udfs.engine.placement import Placement, place_for


@dataclass(frozen=True)
class Resident:
    name: str
    memory_share: float
    is_wanted: bool = False
    wanted_since: float = 0.0


def test_nobody_gives_way_where_there_is_room() -> None:
    assert place_for(0.4, [Resident("a", 0.3), Resident("b", 0.3)]) == Placement()
    assert place_for(1.0, []) == Placement()


def test_the_longest_unwanted_gives_way_and_no_more_than_needed() -> None:
    old, new = Resident("old", 0.4, wanted_since=1.0), Resident("new", 0.4, wanted_since=2.0)
    assert place_for(0.5, [new, old]) == Placement(to_evict=(old,))
    assert place_for(1.0, [new, old]) == Placement(to_evict=(old, new))


def test_who_is_wanted_stays_and_is_waited_for() -> None:
    busy, idle = Resident("busy", 0.6, is_wanted=True), Resident("idle", 0.3)
    assert place_for(0.4, [busy, idle]) == Placement(to_evict=(idle,))
    assert place_for(0.5, [busy, idle]) == Placement(waited_for=(busy,))


def test_an_engine_larger_than_the_memory_still_gets_all_of_it() -> None:
    idle = Resident("idle", 1.0)
    assert place_for(1.0, [idle]) == Placement(to_evict=(idle,))


@given(
    st.floats(0.05, 1.0),
    st.lists(
        st.builds(Resident, st.text(max_size=3), st.floats(0.05, 1.0), st.booleans(), st.floats(0, 9)), max_size=6
    ),
)
def test_the_memory_is_never_given_away_twice(share: float, awake: list[Resident]) -> None:
    room = place_for(share, awake)
    assert not any(one.is_wanted for one in room.to_evict)
    left = list(awake)
    for one in room.to_evict:
        left.remove(one)
    if room.waited_for:
        assert sum(one.memory_share for one in awake if one.is_wanted) + share > 1.0
    else:
        assert not left or sum(one.memory_share for one in left) + share <= 1.0 + 1e-6
