"""What a report says of a store: its figures as sentences, tables and charts. Pure; the page is `page.py`'s."""

from collections.abc import Callable, Iterable, Sequence

from genetic_udfs.reporting.amounts import counted, duration, format_total, share
from genetic_udfs.reporting.labels import operator_label
from genetic_udfs.reporting.report.charts import Table, bars, histogram, stacked
from genetic_udfs.reporting.report.costs import cost_section
from genetic_udfs.reporting.report.diversity import diversity_section
from genetic_udfs.reporting.report.figures import Outcome, Seed, StoreFigures
from genetic_udfs.reporting.report.section import GENERATIONS, Section
from genetic_udfs.store.schema import CONTAMINATED, DUPLICATE, NEAR_DUPLICATE, SEMANTIC_DUPLICATE


def sentence(store: StoreFigures) -> str:
    """Say what a run came to."""
    made = [one for one in store.generations if one.number > 0]
    tokens = sum(cost.tokens for cost in store.costs)
    seeds = store.generations[0].population
    money = format_total(cost.money for cost in store.costs if cost.requests)
    price = "" if money is None else f" for {money}"
    generations, verb = counted(len(made), "generation"), "was" if store.accepted == 1 else "were"
    return (
        f"{counted(store.accepted, 'pair')} {verb} accepted of {counted(store.candidates, 'candidate')}"
        f" ({share(store.accepted, store.candidates)}) in {generations} from {counted(seeds, 'seed')}, with"
        f" {counted(tokens, 'token')} in {duration(sum(one.seconds for one in made))}{price}."
    )


def sections(store: StoreFigures) -> list[Section]:
    """Return the parts of the report that have something to show."""
    parts = [_acceptance(store), _operators(store), _fitness(store), cost_section(store), _duplicates(store)]
    parts += [diversity_section(store.diversity), _shape(store), _seeds(store.seeds)]
    return [part for part in parts if part.charts or part.tables or part.texts]


def _acceptance(store: StoreFigures) -> Section:
    shown = [one.number for one in store.generations if one.number > 0][-GENERATIONS:]
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
    if len(store.generations) - 1 > GENERATIONS:
        texts.append(f"The last {GENERATIONS} of {len(store.generations) - 1} generations are shown.")
    short = [f"{one.number} by {one.shortfall:,}" for one in store.generations if one.shortfall > 0]
    if short:
        texts.append(f"Generations that fell short of their samples: {', '.join(short[-GENERATIONS:])}.")
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
            for one in store.generations[-GENERATIONS:]
        ],
    )
    chart = stacked("Candidates of each generation by how they ended", text, rows, "generation")
    return Section("acceptance", "Acceptance", texts, [chart], [("Generations", table)])


def _operators(store: StoreFigures) -> Section:
    groups: dict[str, list[Outcome]] = {}
    for one in store.outcomes:
        groups.setdefault(operator_label(one.operator, one.task), []).append(one)
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
        asked = any(one.judged for one in store.outcomes)
        why = "the Judge's engine gave no probabilities" if asked else "the Judge was asked about none"
        return Section("fitness", "Fitness", [f"No candidate has a fitness: {why}."])
    text = (
        f"The probability that the Judge gave to Yes, of {rated['accepted']:,} accepted and {rated['rejected']:,}"
        " rejected candidates that it was asked about."
    )
    series = {"accepted": store.fitness[True], "rejected": store.fitness[False]}
    return Section("fitness", "Fitness", charts=[histogram("Fitness of candidates", text, series, "fitness")])


def _duplicates(store: StoreFigures) -> Section:
    reasons = _totals(store.outcomes, lambda one: one.reason or "")
    repeats, near, semantic, contaminated = (
        reasons.get(name, 0) for name in (DUPLICATE, NEAR_DUPLICATE, SEMANTIC_DUPLICATE, CONTAMINATED)
    )
    texts = [
        f"Of the candidates {repeats:,} repeat the words of another instruction, {near:,} are near-duplicates of one,"
        + (f" {semantic:,} say the same in other words," if semantic else "")
        + f" {contaminated:,} hold an item of a test set."
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


def _shape(store: StoreFigures) -> Section:
    if not store.lengths:
        return Section("shape", "Length and depth of descent")
    lengths = Table(
        ("generation", "instruction: median", "90%", "response: median", "90%"),
        [
            (str(one.generation), *(f"{words:,}" for words in (*one.instruction, *one.response)))
            for one in store.lengths[-GENERATIONS:]
        ],
    )
    depths: dict[str, dict[str, int]] = {}
    deepest = sorted({depth for _, depth in store.depths})
    for number in sorted({generation for generation, _ in store.depths})[-GENERATIONS:]:
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
