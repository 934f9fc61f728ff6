"""A template of a user's is checked before anything starts, and what it is given are values."""

import pytest

from genetic_udfs.config.templates import check_template, render_text
from genetic_udfs.errors import ConfigurationError

JUDGE = {"instruction": "text", "response": "text"}


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ instruction }}\n{{ response", "line 2: is no valid Jinja2: unexpected end of template"),
        ("{{ instruction | shout }}{{ response }}", "line 1: is no valid Jinja2: No filter named 'shout'"),
        ("{{ instruction }}", "does not use response; a prompt of this role has to show {{ instruction }}, {{ resp"),
        ("{{ instruction }}{{ response }}{{ code }}", "uses code, but a prompt of this role is given"),
        ("{% include 'x' %}{{ instruction }}{{ response }}", "includes, imports or extends another template"),
        ("{{ instruction.words }}{{ response }}", "cannot be rendered: UndefinedError: 'str object' has no attribute"),
        ("{{ instruction }}{{ response + 1 }}", "cannot be rendered: TypeError"),
        ("{{ instruction.__class__ }}{{ response }}", "cannot be rendered: SecurityError"),
        ("{{ instruction }}{{ response }}{{ lipsum() }}", "uses lipsum"),
        ("{{ instruction }}{{ response }}{{ [1, 2] | random }}", "No filter named 'random'"),
    ],
)
def test_what_is_wrong_with_a_template_is_said(template: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_template(template, JUDGE)
    assert told in str(caught.value)


def test_what_is_optional_may_be_left_out() -> None:
    check_template("{{ instruction }}", JUDGE, ["response"])
    with pytest.raises(ConfigurationError, match="cannot be rendered: UndefinedError"):
        check_template("{{ instruction }}{{ response[0] }}", JUDGE, ["response"])  # where it is empty
    with pytest.raises(ConfigurationError, match="does not use instruction; a prompt of this role has to show"):
        check_template("{{ response }}", JUDGE, ["response"])


def test_a_template_that_shows_everything_is_taken() -> None:
    check_template("{% set text = instruction %}{{ text }}{% if response %}: {{ response | upper }}{% endif %}", JUDGE)


def test_values_are_never_templates() -> None:
    assert render_text(" {{ instruction }}! ", instruction="{{ 7 * 7 }}{% x %}") == "{{ 7 * 7 }}{% x %}!"
