"""The summary at the end of a run."""

import io

from pyspark.sql import Row
from rich.console import Console

from genetic_udfs.reporting.summary import print_summary


def test_the_summary_gives_counts_reasons_costs_and_a_shortfall() -> None:
    cost = Row(
        role="coder",
        requests=20,
        errors=1,
        prompt_tokens=100,
        completion_tokens=500,
        seconds=10.0,
        request_seconds=40.0,
    )
    idle = Row(
        role="judge", requests=0, errors=0, prompt_tokens=0, completion_tokens=0, seconds=0.0, request_seconds=0.0
    )
    generation = Row(
        generation=1,
        asked=20,
        accepted=5,
        shortfall=3,
        rounds=2,
        reasons={"judged_no": 15},
        costs=[cost, idle],
        engines=[
            Row(role="coder", seconds=30.0, running=40.0, max_num_seqs=64),
            Row(role="coder", seconds=10.0, running=20.0, max_num_seqs=64),
        ],
        judge=Row(yes_passed=30, yes_failed=6, no_passed=4, no_failed=10, kappa=0.51, brier=0.2),
        diversity=Row(
            distinct_3=0.9137,
            distinct_3_low=0.9,
            distinct_3_high=0.93,
            nearest_other=Row(mean=0.4126, low=0.4, high=0.42, p5=0.1),
            nearest_earlier=None,
            topics=0.875,
            gini=0.617,
            lineage_entropy=2.04,
        ),
        audit=Row(texts=40, pairs=9, caught=8),
        population_size=25,
        seconds=12.4,
    )
    out = io.StringIO()
    print_summary(Console(file=out, width=120), [generation], "/store", "sql.py conf")
    lines = [" ".join(line.replace("│", " ").split()) for line in out.getvalue().splitlines()]
    for line in (
        "asked 20",
        "accepted 5",
        "judged_no 15 (75%)",
        "acceptance 25%",
        "audit 8 of 9 pairs",
        "judge and tests 40 of 50 agree",
        "Yes: 30 passed, 6 failed",
        "No: 4 passed, 10 failed",
        "kappa 0.51",
        "Brier 0.20",
        "distinct 3-grams 91.4% ± 1.5%",
        "nearest other 0.413 ± 0.010, p5 0.100",
        "seeds' topics 88%",
        "Gini of offspring 0.62",
        "lineages, bits 2.0",
        "population 25",
        "1 coder 20 1 100 500 50 35 of 64",
    ):
        assert line in lines
    assert "1 judge 0 0 0 0 0 -" in lines
    assert not any(line.startswith("nearest earlier") for line in lines)
    assert any(line.startswith("Generation 1 fell short by 3 in 2 rounds") for line in lines)
    assert lines[-2].startswith("Tables: /store/population, candidates, ")
    assert lines[-1].startswith('Try: sql.py conf "SELECT')


def test_tables_of_a_schema_are_named_as_sql_names_them() -> None:
    out = io.StringIO()
    print_summary(Console(file=out, width=120), [], "catalog:lake.genetic", "sql")
    assert "Tables: lake.genetic.population, candidates, " in out.getvalue()


def test_the_summary_says_what_replies_cost_where_engines_have_a_price() -> None:
    cost = {"requests": 2, "errors": 0, "prompt_tokens": 1, "completion_tokens": 1, "seconds": 1.0}
    generation = Row(
        generation=1,
        asked=2,
        accepted=1,
        shortfall=0,
        rounds=1,
        reasons={},
        costs=[Row(role="coder", money=1234.5, **cost), Row(role="judge", money=None, **cost)],
        engines=[],
        audit=None,
        judge=None,
        diversity=None,
        population_size=2,
        seconds=1.0,
    )
    out = io.StringIO()
    print_summary(Console(file=out, width=120), [generation], "/store", "sql.py conf")
    lines = [" ".join(line.replace("│", " ").split()) for line in out.getvalue().splitlines()]
    assert "1 coder 2 0 1 1 1 - 1,234.50" in lines
    assert "1 judge 2 0 1 1 1 - -" in lines
    assert "all at least 1,234.50" in lines
