"""Reads a configuration file with its overrides into a `Config`, and says what is wrong with it in its own terms."""

import difflib
import math
import os
import re
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, get_args
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from genetic_udfs.config import Config, MutationTask
from genetic_udfs.config.embedding import EMBEDDING_KEYS, names_folder
from genetic_udfs.config.operators import CROSSOVER, Operators
from genetic_udfs.config.roles import REPAIR
from genetic_udfs.errors import ConfigurationError

_PATH_KEYS: Final = ("store", "seeds")
_SPARK_CONF: Final = "spark.conf."
# What a prompt is given, with an example of each; it has to show all but those that are optional.
_MUTATION: Final = {"instruction": "text"}
_PROMPT_VALUES: dict[str, dict[str, Any]] = {
    CROSSOVER: {"count": 2},  # and `examples`
    **dict.fromkeys(get_args(MutationTask), _MUTATION),
    "coder": {"instruction": "text", "entry_point": "name"},
    "judge": {"instruction": "text", "response": "text"},
    "tester": {"instruction": "text", "code": "text", "names": ["name"], "count": 2, "shows_code": True},
    REPAIR: {"instruction": "text", "code": "text", "test": "text", "status": "text", "message": "text"},
}
_TEST_SETS: Final = "decontamination.sets="
# Every prompt is also given the language of the solutions, as a sentence calls it.
_LANGUAGE: Final = {"language": "Python"}
_OPTIONAL: Final = ("count", "entry_point", "names", "shows_code", "status", "message", "language")


def load_config(path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Read a YAML file and overrides of the form `a.b=c` (the value is YAML) into a validated configuration.

    Relative paths in the file are taken from the file's own folder, those in overrides from the working directory.

    Raises:
        ConfigurationError: naming the file, the key, what was given and what is allowed.
    """
    file = Path(path)
    data = _read_yaml(file)
    sets = _name_test_sets(data, file)
    _anchor_paths(data, file.resolve().parent)
    for override in overrides:
        _apply(data, override)
        if override.startswith(_TEST_SETS):  # in the place of those that there are
            data["decontamination"].pop("benchmarks", None)
            sets = _name_test_sets(data, file)
    _read_prompts(data, file)
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        lines = [f"{file}: {_explain(detail, sets)}" for detail in error.errors(include_url=False)]
        raise ConfigurationError("\n".join(lines)) from None


class _UniqueKeys(yaml.SafeLoader):
    """A safe YAML loader that refuses a key given twice instead of silently taking the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                line = key_node.start_mark.line + 1
                raise ConfigurationError(f"{node.start_mark.name}: line {line}: the key {key!r} is given twice")
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)


def _read_yaml(file: Path) -> dict[str, Any]:
    text = _read_text(file, str(file))
    loader = None
    try:
        loader = _UniqueKeys(text)  # reads the first characters already
        loader.name = str(file)
        data = loader.get_single_data()
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"{file}: is not valid YAML: {error}") from None
    finally:
        if loader is not None:
            loader.dispose()
    if not isinstance(data, dict):
        raise ConfigurationError(f"{file}: must be a mapping of keys to values, such as `generations: 2`")
    return data


def _read_text(file: Path, where: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{where}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{where}: is not UTF-8 text (byte {error.start})") from None


def _name_test_sets(data: dict[str, Any], file: Path) -> str:
    """Take `decontamination.sets`, a list of test sets with their names, as `benchmarks`; return which is given."""
    tests = data.get("decontamination")
    if not isinstance(tests, dict) or "sets" not in tests:
        return "benchmarks"
    where, sets = f"{file}: decontamination.sets", tests.pop("sets")
    if "benchmarks" in tests:
        raise ConfigurationError(f"{where}: test sets are given as `benchmarks`, too; leave one of the two out")
    named: dict[str, Any] = {}
    for test_set in sets if isinstance(sets, list) else [None]:
        if not isinstance(test_set, dict) or not isinstance(name := test_set.get("name"), str):
            raise ConfigurationError(f"{where}: must be a list such as [{{name: mbpp, path: mbpp.jsonl, form: mbpp}}]")
        if name in named:
            raise ConfigurationError(f"{where}: two test sets are named {name!r}")
        named[name] = {key: value for key, value in test_set.items() if key != "name"}
    tests["benchmarks"] = named
    return "sets"


def _anchor_paths(data: dict[str, Any], folder: Path) -> None:
    for key in _PATH_KEYS:
        if isinstance(data.get(key), str):
            data[key] = _absolute(data[key], folder)
    engines = data.get("engines")
    for engine in engines.values() if isinstance(engines, dict) else ():
        if isinstance(engine, dict) and str(engine.get("model", "")).startswith(("./", "../", "~")):
            engine["model"] = _absolute(engine["model"], folder)
    for _, holder, key in _prompts(data):
        if isinstance(holder[key], str):
            holder[key] = _absolute(holder[key], folder)
    for _, test_set in _named(data.get("decontamination"), "benchmarks"):
        if isinstance(test_set, dict) and isinstance(test_set.get("path"), str):
            test_set["path"] = _absolute(test_set["path"], folder)
    for key in EMBEDDING_KEYS:
        section: Any = data
        for name in key.split(".")[:-1]:
            section = section.get(name) if isinstance(section, dict) else None
        if isinstance(section, dict) and isinstance(model := section.get("model"), str) and names_folder(model):
            section["model"] = _absolute(model, folder)


def _prompts(data: dict[str, Any]) -> list[tuple[str, dict[str, Any], str]]:
    """Return where prompts of the user's stand: the key, the section that has it, and its name there."""
    roles = data.get("roles")
    found: list[tuple[str, dict[str, Any], str]] = []
    for role, settings in roles.items() if isinstance(roles, dict) else ():
        if not isinstance(settings, dict):
            continue
        if role in ("coder", "judge", "tester") and settings.get("prompt") is not None:
            found.append((f"roles.{role}.prompt", settings, "prompt"))
        if role == "coder" and settings.get("repair_prompt") is not None:
            found.append(("roles.coder.repair_prompt", settings, "repair_prompt"))
        elif role == "instructor" and isinstance(prompts := settings.get("prompts"), dict):
            found += [(f"roles.instructor.prompts.{name}", prompts, name) for name in prompts if name in _PROMPT_VALUES]
    operators = data.get("operators")
    for name, task in _named(operators, "tasks"):
        if isinstance(task, dict) and task.get("prompt") is not None:
            found.append((f"operators.tasks.{name}.prompt", task, "prompt"))
    return found


def _named(section: object, key: str) -> list[tuple[str, Any]]:
    named = section.get(key) if isinstance(section, dict) else None
    return list(named.items()) if isinstance(named, dict) else []


def _values_of(key: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return what the prompt under a key of a configuration is given."""
    if key.startswith("operators."):
        return _MUTATION | _LANGUAGE
    section, name = key.split(".")[-2:]
    if name == CROSSOVER:
        examples = [f"text {number}" for number in range(_crossover_parents(data.get("operators")))]
        return {"examples": examples} | _PROMPT_VALUES[CROSSOVER] | _LANGUAGE
    return _PROMPT_VALUES[{"prompt": section, "repair_prompt": REPAIR}.get(name, name)] | _LANGUAGE


def _crossover_parents(operators: object) -> int:
    """Return how many parents a crossover has; the default where that is wrong, which is said when all is checked."""
    given = operators.get("crossover_parents") if isinstance(operators, dict) else None
    try:
        return Operators.model_validate({} if given is None else {"crossover_parents": given}).crossover_parents
    except ValidationError:
        return Operators().crossover_parents


def _read_prompts(data: dict[str, Any], file: Path) -> None:
    """Put the text of each prompt that is the user's beside its path.

    Raises:
        ConfigurationError: naming the key and the prompt's file.
    """
    for key, holder, name in _prompts(data):
        path = holder[name]
        where = f"{file}: {key}"
        if not isinstance(path, str):
            raise ConfigurationError(f"{where}: must be the path of a Jinja2 file (given: {_as_written(path)})")
        from genetic_udfs.config.templates import check_template  # few configurations have prompts of their own

        text = _read_text(Path(path), f"{where}: {path}")
        try:
            check_template(text, _values_of(key, data), _OPTIONAL)
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}: {path}: {error}") from None
        holder[name] = {"path": path, "text": text}


def from_working_directory(path: str) -> str:
    """Return a path that was given on the command line as an absolute one; a URI stays as it is."""
    return _absolute(path, Path.cwd())


def _absolute(value: str, folder: Path) -> str:
    if not value or len(urlsplit(value).scheme) > 1:
        return value
    return os.path.normpath(folder / Path(value).expanduser())


def _apply(data: dict[str, Any], override: str) -> None:
    dotted, equals, text = override.partition("=")
    # A Spark property's name has dots of its own.
    keys = ["spark", "conf", dotted.removeprefix(_SPARK_CONF)] if dotted.startswith(_SPARK_CONF) else dotted.split(".")
    if not equals or not all(keys):
        raise ConfigurationError(f"--set {override}: must have the form key.of.the.setting=value")
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"--set {override}: the value is not valid YAML: {error}") from None
    is_path = (
        dotted in _PATH_KEYS
        or keys[-1] in ("prompt", "repair_prompt")
        or keys[:-1] == ["roles", "instructor", "prompts"]
    )
    if dotted in EMBEDDING_KEYS:
        is_path = isinstance(value, str) and names_folder(value)
    if isinstance(value, str) and (is_path or (keys[-1] == "model" and value[:1] in {".", "~"})):
        value = _absolute(value, Path.cwd())
    section: Any = data
    for key in keys[:-1]:
        section = section.setdefault(key, {})
        if not isinstance(section, dict):
            raise ConfigurationError(f"--set {override}: {key!r} is not a section and has no keys")
    section[keys[-1]] = value


def _explain(detail: ErrorDetails, sets: str) -> str:
    """Return what is wrong, by the key that the user wrote; `sets` is that of the test sets."""
    key = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    key = re.sub(r"^decontamination\.benchmarks\b", f"decontamination.{sets}", key)
    if detail["type"] == "extra_forbidden":
        allowed = _allowed_keys(detail["loc"][:-1])
        close = difflib.get_close_matches(str(detail["loc"][-1]), allowed, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{key}: unknown key; {hint}allowed: {', '.join(allowed)}"
    if detail["type"] == "missing":
        return f"{key}: is missing and has no default"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] in {"dict_type", "model_type"}:
        message = "must be a mapping of keys to values"
    if detail["type"] == "model_type":
        message += f"; allowed: {', '.join(_allowed_keys(detail['loc']))}"
    if not detail["loc"]:
        return message
    given = detail["input"]
    shown = "" if isinstance(given, Mapping) else f" (given: {_as_written(given)})"
    return f"{key}: {message}{shown}"


def _as_written(given: Any) -> str:
    """Return a value as YAML has it, cut off where it is long; a text in quotes."""
    text = repr(given) if isinstance(given, str) else yaml.safe_dump(given, default_flow_style=True, width=math.inf)
    return text.removesuffix("...\n").strip()[:80]


def _allowed_keys(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the section at a location, following fields, and mappings of names to sections."""
    section: type[BaseModel] = Config
    for part in location:
        field = section.model_fields.get(str(part))
        if field is None:
            continue
        kinds = (field.annotation, *get_args(field.annotation))
        section = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), section)
    return sorted(section.model_fields)
