"""Prompt templates: the sandbox that they are rendered in, and the check of a template that a user gives.

Seeds and replies go into a template as values, never as templates. `{% system %}`, `{% user %}` and `{% assistant %}`
begin a turn of a chat (`turns.py`).
"""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from genetic_udfs.config.turns import MARK, SPEAKERS, fault_in, mark, turns_of
from genetic_udfs.errors import ConfigurationError


class _Turns(Extension):
    tags = set(SPEAKERS)

    def parse(self, parser: Parser) -> nodes.Node:
        tag = next(parser.stream)
        return nodes.Output([nodes.TemplateData(mark(tag.value))], lineno=tag.lineno)


def sandbox(loader: BaseLoader | None = None) -> ImmutableSandboxedEnvironment:
    """Return an environment in which a template can change nothing, and a value that is missing is an error."""
    made = ImmutableSandboxedEnvironment(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        autoescape=False,
        extensions=[_Turns],
        finalize=_without_marks,
    )
    # What is random would make another request of a candidate each time, and each would be paid for.
    made.filters.pop("random")
    made.globals.pop("lipsum")
    return made


def render_text(template: str, **values: Any) -> str:
    """Fill a template, given as its text, with values."""
    return _compiled(template).render(**values).strip()


def check_template(template: str, values: Mapping[str, Any], optional: Collection[str] = ()) -> None:
    """Refuse a template that cannot be rendered, or that leaves something out.

    Args:
        template: its text.
        values: what it is given, with examples of it; it has to use all of these, and nothing else.
        optional: those of them that it may leave out.

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
    used, given = meta.find_undeclared_variables(parsed), set(values)
    required = [name for name in values if name not in optional]
    if unknown := sorted(used - given):
        raise ConfigurationError(
            f"uses {', '.join(unknown)}, but a prompt of this role is given {_named(values)} alone"
        )
    if missing := [name for name in required if name not in used]:
        raise ConfigurationError(
            f"does not use {', '.join(missing)}; a prompt of this role has to show {_named(required)}"
        )
    # A text that it may leave out may be empty.
    empty = {name: "" if name in optional and isinstance(value, str) else value for name, value in values.items()}
    try:
        fault = fault_in(turns_of(render_text(template, **values)))
        render_text(template, **empty)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ConfigurationError(f"cannot be rendered: {type(error).__name__}: {error}") from None
    if fault is not None:
        raise ConfigurationError(fault)


def _named(variables: Collection[str]) -> str:
    return ", ".join(f"{{{{ {name} }}}}" for name in variables)


def _without_marks(value: Any) -> Any:
    return value.replace(MARK, "") if isinstance(value, str) else value


@cache
def _compiled(template: str) -> Template:
    return sandbox().from_string(template)
