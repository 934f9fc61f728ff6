"""Prompt templates: the sandbox that they are rendered in, and the check of a template that a user gives.

Seeds and replies go into a template as values, never as templates.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from genetic_udfs.errors import ConfigurationError


def sandbox(loader: BaseLoader | None = None) -> ImmutableSandboxedEnvironment:
    """Return an environment in which a template can change nothing, and a value that is missing is an error."""
    made = ImmutableSandboxedEnvironment(loader=loader, undefined=StrictUndefined, trim_blocks=True, autoescape=False)
    # What is random would make another request of a candidate each time, and each would be paid for.
    made.filters.pop("random")
    made.globals.pop("lipsum")
    return made


def render_text(template: str, **values: Any) -> str:
    """Fill a template, given as its text, with values."""
    return _compiled(template).render(**values).strip()


def check_template(template: str, variables: Sequence[str]) -> None:
    """Refuse a template that cannot be rendered, or that leaves something out.

    Args:
        template: its text.
        variables: what it is given; it has to use all of these, and nothing else.

    Raises:
        ConfigurationError: saying what is wrong, with the line where one is at fault.
    """
    try:
        parsed = sandbox().parse(template)
        _compiled(template)
    except TemplateSyntaxError as error:
        raise ConfigurationError(f"line {error.lineno}: is no valid Jinja2: {error.message}") from None
    if any(True for _ in meta.find_referenced_templates(parsed)):
        raise ConfigurationError("includes, imports or extends another template; a prompt is one file")
    used, given = meta.find_undeclared_variables(parsed), set(variables)
    allowed = ", ".join(f"{{{{ {name} }}}}" for name in variables)
    if unknown := sorted(used - given):
        raise ConfigurationError(f"uses {', '.join(unknown)}, but a prompt of this role is given {allowed} alone")
    if missing := [name for name in variables if name not in used]:
        raise ConfigurationError(f"does not use {', '.join(missing)}; a prompt of this role has to show {allowed}")
    try:
        render_text(template, **dict.fromkeys(variables, "text"))
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ConfigurationError(f"cannot be rendered: {type(error).__name__}: {error}") from None


@cache
def _compiled(template: str) -> Template:
    return sandbox().from_string(template)
