"""Which JSON lines columns can hold as they are, and what is said of those that they cannot."""

import json

import pytest

from genetic_udfs.data.json_shape import Fact, facts_of, fault_of


def fault(*lines: str) -> str | None:
    return fault_of(facts_of(lines))


@pytest.mark.parametrize(
    "lines",
    [
        ['{"a": 1, "b": {"x": null}}', '{"a": 2.5, "b": {"x": {"y": "t"}}}', '{"c": []}'],
        ['{"a": {}}', '{"a": {"x": 1}}'],
        ['{"a": {"Key": 1}, "b": {"key": 1}}'],
        ['{"a.b": {"x": 1}, "a": {"b": "text"}}'],
        ['{"a": [[1], [], [2.0]]}', "", "no json", '{"a": null}'],
        ["[" * 100_000],
    ],
)
def test_columns_hold_what_has_one_type_by_key(lines: list[str]) -> None:
    assert fault(*lines) is None


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['{"key": 2}', '{"Key": 1}'], "the keys 'Key' and 'key' differ by case alone; rename one"),
        (['{"m": [{"x": {"id": 1}}]}', '{"m": [{"x": {"ID": 1}}]}'], "the keys 'm.[].x.ID' and 'm.[].x.id' differ"),
        (['{"a": {}}', '{"a": null}'], "the key 'a' holds nothing but empty objects"),
        (['{"a": [{}]}'], "the key 'a.[]' holds nothing but empty objects"),
        (['{"a": 1}', '{"a": "1"}'], "the key 'a' holds a number here and a text there"),
        (['{"a": true}', '{"a": {"x": 1}}'], "the key 'a' holds a truth value here and an object there"),
        (['{"a": [1, "x"]}'], "the key 'a.[]' holds a number here and a text there"),
        (['{"a": {"b": 1, "b": 2}}'], "a line has the key 'a.b' twice in one object"),
        (['[{"a": 1}]'], "a line is no JSON object"),
        (['{"a": 1}', "3"], "a line is no JSON object"),
    ],
)
def test_what_columns_cannot_hold_is_named(lines: list[str], said: str) -> None:
    assert (fault(*lines) or "").startswith(said)


def test_a_fact_is_given_once() -> None:
    assert sorted(facts_of([json.dumps({"a": 1})] * 3)) == [Fact("", "key", "a"), Fact("\0a", "kind", "a number")]
