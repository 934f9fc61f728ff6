"""What a report says of a store: its figures as sentences, tables and charts. Pure; the page is `page.py`'s."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from genetic_udfs.reporting.amounts import duration, format_total, share
from genetic_udfs.reporting.report.charts import Chart, Table, bars, histogram, stacked
from genetic_udfs.reporting.report.figures import Distance, Diversity, Outcome, Seed, StoreFigures

# Generations that tables and charts show; of more, the last.
_GENERATIONS: Final = 40


@dataclass(frozen=True)
class Section:
    """A part of the report, under a heading: sentences, then charts, then tables with their titles."""

    id: str
    heading: str
    texts: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[tuple[str, Table]] = ()


def sentence(store: StoreFigures) -> str:
    """Say what a run came to."""
    made = [one for one in store.generations if one.number > 0]
    tokens = sum(cost.prompt_tokens + cost.completion_tokens for cost in store.costs)
    seeds = store.generations[0].population
    money = format_total(cost.money for cost in store.costs if cost.requests)
    price = "" if money is None else f" for {money}"
    return (
        f"{store.accepted:,} pairs were accepted of {store.candidates:,} candidates"
        f" ({share(store.accepted, store.candidates)}) in {len(made)} generations from {seeds:,} seeds, with"
        f" {tokens:,} tokens in {duration(sum(one.seconds for one in made))}{price}."
    )


def sections(store: StoreFigures) -> list[Section]:
    """Return the parts of the report that have something to show."""
    parts = [_acceptance(store), _operators(store), _fitness(store), _costs(store), _duplicates(store)]
    parts += [_diversity(store.diversity), _shape(store), _seeds(store.seeds)]
    return [part for part in parts if part.charts or part.tables or part.texts]


def _acceptance(store: StoreFigures) -> Section:
    shown = [one.number for one in store.generations if one.number > 0][-_GENERATIONS:]
    rows: dict[str, dict[str, int]] = {}
    for number in shown:
        rows[f"generation {number}"] = {"accepted": 0}
    for one in store.outcomes:
        if one.generation in shown:
            counts = rows[f"generation {one.generation}"]
            end = one.reason or "accepted"
            counts[end] = counts.get(end, 0) + one.count
    reasons = _totals(store.outcomes, lambda one: one.reason or "")
    reasons.pop("", None)
    worst = max(reasons, key=lambda reason: reasons[reason], default=None)
    rejected = store.candidates - store.accepted
    text = f"{share(store.accepted, store.candidates)} of all candidates were accepted."
    if worst is not None:
        text += f" The most frequent reason to reject one is {worst}: {share(reasons[worst], rejected)} of them."
    texts = []
    if len(store.generations) - 1 > _GENERATIONS:
        texts.append(f"The last {_GENERATIONS} of {len(store.generations) - 1} generations are shown.")
    short = [f"{one.number} by {one.shortfall:,}" for one in store.generations if one.shortfall > 0]
    if short:
        texts.append(f"Generations that fell short of their samples: {', '.join(short[-_GENERATIONS:])}.")
    table = Table(
        ("generation", "candidates", "accepted", "acceptance", "population", "time"),
        [
            (
                str(one.number),
                f"{one.asked:,}",
                f"{one.accepted:,}",
                share(one.accepted, one.asked),
                f"{one.population:,}",
                duration(one.seconds),
            )
            for one in store.generations[-_GENERATIONS:]
        ],
    )
    chart = stacked("Candidates of each generation by how they ended", text, rows, "generation")
    return Section("acceptance", "Acceptance", texts, [chart], [("Generations", table)])


def _operators(store: StoreFigures) -> Section:
    groups: dict[str, list[Outcome]] = {}
    for one in store.outcomes:
        groups.setdefault(one.operator if one.task is None else f"{one.operator}: {one.task}", []).append(one)
    yields, rows = {}, []
    for name, own in sorted(groups.items()):
        count = sum(one.count for one in own)
        accepted = sum(one.count for one in own if one.accepted)
        rated = sum(one.rated for one in own if one.accepted)
        fitness = sum(one.fitness for one in own if one.accepted)
        yields[name] = accepted / count
        rows.append((name, f"{count:,}", f"{accepted:,}", f"{accepted / count:.0%}", _mean(fitness, rated)))
    shown = {name: f"{value:.0%}" for name, value in yields.items()}
    best = max(yields, key=lambda name: yields[name], default="none")
    text = f"The share of candidates that was accepted; the highest is that of {best}."
    chart = bars("Acceptance by operator and task", text, yields, shown, "operator")
    table = Table(("operator", "candidates", "accepted", "acceptance", "mean fitness of accepted ones"), rows)
    return Section("operators", "Operators and tasks", charts=[chart], tables=[("Yield", table)])


def _fitness(store: StoreFigures) -> Section:
    rated = {name: sum(store.fitness[accepted]) for name, accepted in (("accepted", True), ("rejected", False))}
    if not sum(rated.values()):
        return Section("fitness", "Fitness", ["No candidate has a fitness: the Judge's engine gave no probabilities."])
    text = (
        f"The probability that the Judge gave to Yes, of {rated['accepted']:,} accepted and {rated['rejected']:,}"
        " rejected candidates that it was asked about."
    )
    series = {"accepted": store.fitness[True], "rejected": store.fitness[False]}
    return Section("fitness", "Fitness", charts=[histogram("Fitness of candidates", text, series, "fitness")])


def _costs(store: StoreFigures) -> Section:
    tokens: dict[str, int] = {}
    rows = []
    is_priced = any(cost.money is not None for cost in store.costs)
    for role in dict.fromkeys(cost.role for cost in store.costs):
        own = [cost for cost in store.costs if cost.role == role]
        prompt, output = sum(cost.prompt_tokens for cost in own), sum(cost.completion_tokens for cost in own)
        seconds, requests = sum(cost.seconds for cost in own), sum(cost.requests for cost in own)
        tokens[role] = prompt + output
        rows.append(
            (
                role,
                f"{requests:,}",
                f"{sum(cost.errors for cost in own):,}",
                f"{prompt:,}",
                f"{output:,}",
                duration(seconds),
                f"{output / seconds:,.0f}" if seconds else "-",
                f"{(prompt + output) / store.accepted:,.0f}" if store.accepted else "-",
                *([format_total(cost.money for cost in own if cost.requests) or "-"] if is_priced else []),
            )
        )
    if not rows:
        return Section("costs", "Tokens and time")
    most = max(tokens, key=lambda role: tokens[role])
    text = f"Prompt and output tokens; the {most} has {share(tokens[most], sum(tokens.values()))} of them."
    chart = bars("Tokens by role", text, tokens, {role: f"{count:,}" for role, count in tokens.items()}, "role")
    headings = ("role", "requests", "errors", "prompt tokens", "output tokens", "time", "output tokens/s")
    priced = ["cost"] if is_priced else []
    tables = [("Roles", Table((*headings, "tokens for each accepted pair", *priced), rows))]
    if store.uses:
        tables.append(
            (
                "Engines, by their own metrics",
                Table(
                    ("generation", "role", "servers", "requests at once", "tokens/s", "highest share of the KV cache"),
                    [
                        (
                            str(use.generation),
                            use.role,
                            str(use.servers),
                            f"{use.running:.0f} of {use.slots}",
                            f"{use.tokens_per_second:,.0f}",
                            f"{use.kv_cache:.0%}",
                        )
                        for use in store.uses[-3 * _GENERATIONS :]
                    ],
                ),
            )
        )
    tables.append(("Models", Table(("role", "model", "replies"), [(r, m, f"{n:,}") for r, m, n in store.models])))
    return Section("costs", "Tokens and time", charts=[chart], tables=tables)


def _duplicates(store: StoreFigures) -> Section:
    reasons = _totals(store.outcomes, lambda one: one.reason or "")
    counts = {
        name: reasons.get(name, 0) for name in ("duplicate", "near_duplicate", "semantic_duplicate", "contaminated")
    }
    semantic = counts["semantic_duplicate"]
    texts = [
        f"{counts['duplicate']:,} candidates repeat the words of another instruction, {counts['near_duplicate']:,} are"
        " near-duplicates of one,"
        + (f" {semantic:,} say the same in other words," if semantic else "")
        + f" {counts['contaminated']:,} hold an item of a test set."
    ]
    pairs, caught = sum(audit[1] for audit in store.audits), sum(audit[2] for audit in store.audits)
    if pairs:
        texts.append(f"The audits' samples had {pairs:,} pairs of near-duplicates; {caught:,} of them were found.")
    charts = []
    if sum(store.similarities):
        text = "Jaccard similarity of word shingles to the instruction that was there first."
        series = {"candidates": store.similarities}
        charts.append(histogram("Similarity of rejected near-duplicates", text, series, "similarity"))
    tables = []
    if store.contaminated:
        found = [(what, f"{count:,}") for what, count in store.contaminated]
        tables.append(("Test items found, the most frequent first", Table(("rule and item", "candidates"), found)))
    return Section("duplicates", "Near-duplicates and contamination", texts, charts, tables)


def _diversity(found: Sequence[Diversity]) -> Section:
    if not found:
        return Section("diversity", "Diversity and novelty")
    texts = [
        f"Of up to {max(one.sample for one in found):,} instructions of each generation; generation 0 are the seeds."
        " Cosine distances between embeddings, to the nearest other of the sample and to the nearest of a sample of all"
        " earlier ones, with the interval of the mean by the bootstrap, and their 5th percentile; that of the share of"
        " distinct 3-grams is by the jackknife."
    ]
    if not any(one.model for one in found):
        texts.append("There was no model to embed instructions, so no distances.")
    headings = ("generation", "distinct 3-grams", "nearest other", "5%", "nearest earlier", "5%")
    rows = [
        (
            str(one.generation),
            _share(one.distinct_3, one.distinct_3_low, one.distinct_3_high),
            *_distance(one.nearest_other),
            *_distance(one.nearest_earlier),
            _number(one.topics, ".0%"),
            _number(one.gini, ".2f"),
            _number(one.lineage_entropy, ".1f"),
        )
        for one in found[-_GENERATIONS:]
    ]
    descent = ("seeds' topics with descendants", "Gini of offspring by seed", "entropy of lineages, bits")
    table = Table((*headings, *descent), rows)
    return Section("diversity", "Diversity and novelty", texts, tables=[("Diversity of each generation", table)])


def _share(share: float | None, low: float | None, high: float | None) -> str:
    said = _number(share, ".1%")
    return said if low is None or high is None else f"{said} ({low:.1%} to {high:.1%})"


def _distance(found: Distance | None) -> tuple[str, str]:
    if found is None:
        return "-", "-"
    return f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})", f"{found.p5:.3f}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _shape(store: StoreFigures) -> Section:
    if not store.lengths:
        return Section("shape", "Length and depth of descent")
    lengths = Table(
        ("generation", "instruction: median", "90%", "response: median", "90%"),
        [
            (str(one.generation), *(f"{words:,}" for words in (*one.instruction, *one.response)))
            for one in store.lengths[-_GENERATIONS:]
        ],
    )
    depths: dict[str, dict[str, int]] = {}
    deepest = sorted({depth for _, depth in store.depths})
    for number in sorted({generation for generation, _ in store.depths})[-_GENERATIONS:]:
        counts = {f"depth {depth}": store.depths.get((number, depth), 0) for depth in deepest}
        depths[f"generation {number}"] = {name: count for name, count in counts.items() if count}
    text = "Mutations since the last seed or crossover, of the accepted pairs of each generation."
    chart = stacked("Depth of descent", text, depths, "generation")
    return Section(
        "shape", "Length and depth of descent", charts=[chart], tables=[("Words of accepted pairs", lengths)]
    )


def _seeds(seeds: Sequence[Seed]) -> Section:
    rows = [
        (
            seed.id,
            " ".join(seed.instruction.split()),
            f"{seed.tried:,}",
            f"{seed.accepted:,}",
            share(seed.accepted, seed.tried),
        )
        for seed in seeds
    ]
    if not rows:
        return Section("seeds", "Most fruitful seeds")
    table = Table(("seed", "instruction", "candidates", "accepted", "acceptance"), rows)
    title = "Seeds with the most accepted children"
    return Section("seeds", "Most fruitful seeds", tables=[(title, table)])


def _totals(outcomes: Iterable[Outcome], key: Callable[[Outcome], str]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for one in outcomes:
        totals[key(one)] = totals.get(key(one), 0) + one.count
    return totals


def _mean(total: float, number: int) -> str:
    return f"{total / number:.2f}" if number else "-"
