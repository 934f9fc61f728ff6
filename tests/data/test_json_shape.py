"""Which JSON lines columns can hold as they are, and what is said of those that they cannot."""

import json

import pytest

from genetic_udfs.data.json_shape import Fact, facts_of, fault_of


def fault(*lines: str) -> str | None:
    return fault_of(facts_of(line.encode() for line in lines))


@pytest.mark.parametrize(
    "lines",
    [
        ['{"a": 1, "b": {"x": null}}', '{"a": 2.5, "b": {"x": {"y": "t"}}}', '{"c": []}'],
        ['{"a": {}}', '{"a": {"x": 1}}'],
        ['{"a": {"Key": 1}, "b": {"key": 1}}'],
        ['{"a.b": {"x": 1}, "a": {"b": "text"}}'],
        ['{"straße": 1, "strasse": 2}'],
        ['{"a": [[1], [], [2.0]]}', "", " \t\r", '{"a": null}'],
        ['{"a": 9007199254740993}', '{"a": 99999999999999999999999999999999999999}', '{"b": 0.5}'],
        ['{"a": 0.1}', '{"a": 0.10000000000000001}', '{"a": 1E22}', '{"a": 18446744073709551616}', '{"a": -0.0}'],
        ['{"a": NaN}', '{"a": -Infinity}', '{"a": 3.141592653589793116}', '{"a": 5e-324}'],
        ['{"a": "\\ud83d\\ude00 \\u0000"}'],
        ['{"a":' * 64 + "1" + "}" * 64],
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
        (['[{"a": 1}]'], "a line is no JSON object: [{"),
        (['{"a": 1}', "3"], "a line is no JSON object: 3"),
        (['{"a": 1}', '{"a": 2} {"a": 3}'], 'a line is no JSON object: {"a": 2} {"a": 3}'),
        (['{"a": 1} garbage'], 'a line is no JSON object: {"a": 1} garbage'),
        (["{'a': 1}"], "a line is no JSON object: {'a': 1}"),
        (['{"a": 1}', '\ufeff{"a": 1}'], "a line is no JSON object: '\\ufeff{"),
        (["\x0b"], r"a line is no JSON object: '\x0b'"),
        (['{"a":' * 65 + "1" + "}" * 65], 'a line is nested in more than 64 levels: {"a":'),
        (["[" * 100_000], "a line is nested in more than 64 levels: [[["),
        (['{"a": {"": 1}}'], "a line has the key 'a.', which no column can have as its name"),
        (['{"a": {"b\\udfff": 1}}'], r"a line has the key 'a.b\udfff', which no column can have as its name"),
        (['{"a\\u0000b": 1}'], r"a line has the key 'a\x00b', which no column can have as its name"),
        (['{"a": ["b\\ud800 c"]}'], r"the key 'a.[]' holds half a character, which no column can hold: 'b\ud800 c'"),
        (['{"a": 9007199254740993}', '{"a": 0.5}'], "the key 'a' holds 9007199254740993 here and a number with a"),
        (['{"a": [-9007199254740993, NaN]}'], "the key 'a.[]' holds -9007199254740993 here and a number with a"),
        ([f'{{"a": {10**38}}}'], f"the key 'a' holds {10**38}, which no column of numbers holds exactly"),
        (['{"a": 1' + "0" * 5000 + "}"], "the key 'a' holds 1000"),
        (['{"a": 3.14159265358979323846}'], "the key 'a' holds 3.14159265358979323846, which no column of numbers"),
        (['{"a": 9007199254740993.0}'], "the key 'a' holds 9007199254740993.0, which no column of numbers"),
        (['{"a": 1e400}'], "the key 'a' holds 1e400, which no column of numbers"),
        (['{"a": 1e-400}'], "the key 'a' holds 1e-400, which no column of numbers"),
    ],
)
def test_what_columns_cannot_hold_is_named(lines: list[str], said: str) -> None:
    assert (fault(*lines) or "").startswith(said)


def test_bytes_that_are_no_utf8_are_named() -> None:
    assert fault_of(facts_of([b'{"a": "\xe9"}'])) == 'a line is no UTF-8 text: {"a": "\ufffd"}'


def test_a_fact_is_given_once_and_of_what_no_column_holds_one_example() -> None:
    lines = [json.dumps({"a": number}).encode() for number in (1, 1, 2, 10**38, 10**39)]
    number = f"{10**38}, which no column of numbers holds exactly; make it a text"
    assert sorted(facts_of([*lines, b"x", b"y"])) == [
        Fact("", "is no JSON object", "x"),
        Fact("", "key", "a"),
        Fact("\0a", "kind", "a number"),
        Fact("\0a", "no value", number),
    ]
