"""The prompt templates, one a file, what renders them, and the users' own in their place.

Each template says what is constant first, so that an engine's prefix cache serves every request of a role.
"""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, Final, get_args

from jinja2 import FunctionLoader, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from genetic_udfs.config import MutationTask, OwnPrompt
from genetic_udfs.config.templates import render_text, sandbox

MUTATION_TASKS: Final[tuple[str, ...]] = get_args(MutationTask)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    # Not jinja2's PackageLoader: it finds nothing in a zip file under a relative path, as executors have this package.
    return sandbox(FunctionLoader(_source))


def _source(file: str) -> str | None:
    found = files(__package__).joinpath(file)
    return found.read_text(encoding="utf-8") if found.is_file() else None


def render(name: str, own: str | None = None, *, language: str = "Python", **values: Any) -> str:
    """Fill the template `name` with values, or the one whose text is given in its place.

    `language` is what solutions are written in, as a sentence calls it; empty for any.
    """
    values["language"] = language
    if own is not None:
        return render_text(own, **values)
    return _environment().get_template(f"{name}.j2").render(**values).strip()


@cache
def template_version(name: str) -> str:
    """Return a short hash of a template and of those it is built on: the prompt's version."""
    environment, digest, pending = _environment(), hashlib.sha256(), [f"{name}.j2"]
    assert environment.loader is not None
    while pending:
        source = environment.loader.get_source(environment, pending.pop())[0]
        digest.update(source.encode())
        pending += [found for found in meta.find_referenced_templates(environment.parse(source)) if found]
    return digest.hexdigest()[:12]


def prompt_version(name: str, own: OwnPrompt | None) -> str:
    """Return the version of the template `name`, or of the user's own in its place."""
    return template_version(name) if own is None else own.version
