"""The report's part on what replies took: tokens, time and money by role and by stage, and how engines were used."""

from collections.abc import Sequence

from genetic_udfs.reporting.amounts import duration, format_money, format_total, share
from genetic_udfs.reporting.report.charts import Chart, Table, bars, stacked
from genetic_udfs.reporting.report.figures import MAX_STAGES, Cost, StoreFigures, Use
from genetic_udfs.reporting.report.section import GENERATIONS, Section

_ID, _HEADING = "costs", "Tokens and time"


def cost_section(store: StoreFigures) -> Section:
    """Return the part; it is empty where no role was asked."""
    roles = {
        role: [cost for cost in store.costs if cost.role == role]
        for role in dict.fromkeys(cost.role for cost in store.costs)
    }
    if not roles:
        return Section(_ID, _HEADING)
    tables = [("Roles", _of_roles(roles, store.accepted))]
    if store.stages:
        tables.append(("The last stages" if len(store.stages) == MAX_STAGES else "Stages", _of_stages(store)))
    if store.uses:
        tables.append(("Engines, by their own metrics", _of_engines(store.uses)))
    models = [(role, model, f"{replies:,}") for role, model, replies in store.models]
    tables.append(("Models", Table(("role", "model", "replies"), models)))
    return Section(_ID, _HEADING, charts=[_by_role(roles), _by_generation(store.costs)], tables=tables)


def _by_role(roles: dict[str, list[Cost]]) -> Chart:
    tokens = {role: sum(cost.tokens for cost in own) for role, own in roles.items()}
    most = max(tokens, key=lambda role: tokens[role])
    text = f"Prompt and output tokens; the {most} has {share(tokens[most], sum(tokens.values()))} of them."
    return bars("Tokens by role", text, tokens, {role: f"{count:,}" for role, count in tokens.items()}, "role")


def _by_generation(costs: Sequence[Cost]) -> Chart:
    shown = sorted({cost.generation for cost in costs})[-GENERATIONS:]
    rows: dict[str, dict[str, int]] = {f"generation {number}": {} for number in shown}
    for cost in costs:
        if cost.generation in shown:
            rows[f"generation {cost.generation}"][cost.role] = cost.tokens
    text = "Prompt and output tokens, and the share that each role has of them."
    return stacked("Tokens of each generation by role", text, rows, "generation")


def _of_roles(roles: dict[str, list[Cost]], accepted: int) -> Table:
    is_priced = any(cost.money is not None for own in roles.values() for cost in own)
    rows = []
    for role, own in roles.items():
        prompt, output = sum(cost.prompt_tokens for cost in own), sum(cost.completion_tokens for cost in own)
        seconds = sum(cost.seconds for cost in own)
        rows.append(
            (
                role,
                f"{sum(cost.requests for cost in own):,}",
                f"{sum(cost.errors for cost in own):,}",
                f"{prompt:,}",
                f"{output:,}",
                duration(seconds),
                f"{output / seconds:,.0f}" if seconds else "-",
                f"{(prompt + output) / accepted:,.0f}" if accepted else "-",
                *([format_total(cost.money for cost in own if cost.requests) or "-"] if is_priced else []),
            )
        )
    headings = ("role", "requests", "errors", "prompt tokens", "output tokens", "time", "output tokens/s")
    return Table((*headings, "tokens for each accepted pair", *(["cost"] if is_priced else [])), rows)


def _of_stages(store: StoreFigures) -> Table:
    is_priced = any(stage.cost.money is not None for stage in store.stages)
    headings = ("generation", "round", "stage", "requests", "prompt tokens", "output tokens", "time")
    rows = [
        (
            str(cost.generation),
            str(number),
            name,
            *(f"{count:,}" for count in (cost.requests, cost.prompt_tokens, cost.completion_tokens)),
            duration(cost.seconds),
            *([format_money(cost.money)] if is_priced else []),
        )
        for number, name, cost in store.stages
    ]
    return Table((*headings, *(["cost"] if is_priced else [])), rows)


def _of_engines(uses: Sequence[Use]) -> Table:
    headings = ("generation", "role", "servers", "requests at once", "tokens/s", "highest share of the KV cache")
    rows = [
        (
            str(use.generation),
            use.role,
            str(use.servers),
            f"{use.running:.0f} of {use.slots}",
            f"{use.tokens_per_second:,.0f}",
            f"{use.kv_cache:.0%}",
        )
        for use in uses[-3 * GENERATIONS :]
    ]
    return Table(headings, rows)
