"""The prompt templates, one a file, and what renders them.

Seeds and replies go into them as values, never as templates. Each template says what is constant first, so that an
engine's prefix cache serves every request of a role.
"""

import hashlib
from functools import cache
from typing import Any, Final, get_args

from jinja2 import PackageLoader, StrictUndefined, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from genetic_udfs.config import MutationTask

MUTATION_TASKS: Final[tuple[str, ...]] = get_args(MutationTask)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=PackageLoader("genetic_udfs.roles", "prompts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        autoescape=False,
    )


def render(name: str, **values: Any) -> str:
    """Fill the template `name` with values."""
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
