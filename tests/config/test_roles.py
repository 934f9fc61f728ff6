"""What of a role's settings is sent, what is part of a request's identity, and what is refused."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from genetic_udfs.config import RoleSettings
from genetic_udfs.roles.sampling import sampling_key, sampling_of


def test_what_is_not_set_leaves_the_identity_of_requests_as_it_was_before_there_was_such_a_key() -> None:
    assert (
        sampling_key(RoleSettings(engine="e"))
        == '{"temperature": 0.7, "top_p": 1.0, "max_tokens": 1024, "regex": null}'
    )
    assert sampling_key(RoleSettings(engine="e", prefill="def", regex="a+")) == (
        '{"temperature": 0.7, "top_p": 1.0, "max_tokens": 1024, "prefill": "def", "regex": "a+"}'
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("system", "Be strict."),
        ("top_k", 20),
        ("min_p", 0.05),
        ("stop", ["END"]),
        ("presence_penalty", 1.5),
        ("frequency_penalty", -0.5),
        ("repetition_penalty", 1.05),
        ("json_schema", {"type": "object"}),
        ("extra", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("max_tokens", None),
    ],
)
def test_what_is_set_is_part_of_the_identity_and_of_what_is_asked(key: str, value: Any) -> None:
    settings = RoleSettings.model_validate({"engine": "e", key: value})
    assert json.loads(sampling_key(settings))[key] == value
    assert getattr(sampling_of(settings), key) == value


def test_the_order_in_which_extra_is_written_is_no_part_of_the_identity() -> None:
    extra = {"b": {"y": 1, "x": [{"d": 1, "c": 2}]}, "a": None}
    turned = {"a": None, "b": {"x": [{"c": 2, "d": 1}], "y": 1}}
    keys = [sampling_key(RoleSettings(engine="e", extra=each)) for each in (extra, turned)]
    assert (
        keys[0]
        == keys[1]
        == sampling_key(RoleSettings(engine="e"))[:-1]
        + (', "extra": {"a": null, "b": {"x": [{"c": 2, "d": 1}], "y": 1}}}')
    )
    schemas: list[dict[str, Any]] = [{"b": 1, "a": 2}, {"a": 2, "b": 1}]
    assert len({sampling_key(RoleSettings(engine="e", json_schema=schema)) for schema in schemas}) == 2


def test_one_text_may_stand_for_a_list_of_ends() -> None:
    assert RoleSettings.model_validate({"engine": "e", "stop": "END"}).stop == ["END"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"extra": {"temperature": 1}}, "'temperature' is set by roles.ROLE.temperature"),
        ({"extra": {"stream": True}}, "'stream' is set by the job"),
        ({"extra": {"system": "Be brief"}}, "'system' is set by roles.ROLE.system"),
        ({"extra": {"guided_choice": ["Yes", "No"]}}, "'guided_choice' is set by roles.ROLE.regex"),
        ({"extra": {"max_completion_tokens": 5}}, "engines.NAME.max_tokens_field"),
        ({"extra": {"since": {1}}}, "cannot be sent as JSON"),
        ({"json_schema": {}, "regex": "a"}, "leave one of them out"),
        ({"stop": []}, "at least 1 item"),
        ({"stop": [""]}, "at least 1 character"),
        ({"top_k": 0}, "greater than 0"),
        ({"min_p": 1.5}, "less than or equal to 1"),
        ({"presence_penalty": 3}, "less than or equal to 2"),
        ({"repetition_penalty": 0}, "greater than 0"),
        ({"max_tokens": 0}, "greater than 0"),
    ],
)
def test_what_cannot_be_asked_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RoleSettings.model_validate({"engine": "e", **settings})
