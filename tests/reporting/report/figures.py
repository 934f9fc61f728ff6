"""Figures of a small store, written down, with texts that mean harm."""

from dataclasses import replace

from genetic_udfs.reporting.report.figures import (
    BINS,
    Cost,
    Distance,
    Diversity,
    GenerationFigures,
    Length,
    Outcome,
    Relative,
    Sample,
    Seed,
    Stage,
    StoreFigures,
    Use,
)

HOSTILE = (
    """</pre></script><script>document.title = "broken"</script>"""
    """<img src=x onerror="document.title='broken'">\x00\u202eabc"""
)


def relative(id_: str, *parents: Relative, not_shown: int = 0, text: str = HOSTILE) -> Relative:
    return Relative(id_, 0, "seed", f"Write {id_} {text}", parents, not_shown)


def sample(number: int, reason: str | None = None, text: str = HOSTILE) -> Sample:
    return Sample(
        id=f"id-{number}",
        generation=1 + number % 2,
        operator="mutation" if number % 3 else "crossover",
        task="reasoning" if number % 3 else None,
        reason=reason,
        detail=None if reason is None else f"detail {text}",
        fitness=0.5,
        pass_rate=None,
        instruction=f"Instruction {number} {text}",
        code=f"def f{number}():  # {text}\n    return '<b>'\n",
        language="python",
        parents=(relative("p", relative("q", not_shown=2)),),
        not_shown=29,
    )


FIGURES = StoreFigures(
    root="/data/<store>",
    configuration=f"seed: 1 # {HOSTILE}",
    versions={"vllm": "0.32.0"},
    generations=[
        GenerationFigures(0, 0, 0, 0, 3, 1.0),
        GenerationFigures(1, 10, 4, 2, 7, 75.0),
        GenerationFigures(2, 5, 4, 0, 11, 4000.0),
    ],
    outcomes=[
        Outcome(1, "crossover", None, None, 4, 3.2, 4),
        Outcome(1, "mutation", "reasoning", "judged_no", 6, 0.6, 6),
        Outcome(2, "mutation", "reasoning", None, 4, 3.6, 4),
        Outcome(2, "mutation", HOSTILE, "near_duplicate", 1, 0.0, 0),
    ],
    fitness={True: [0] * (BINS - 1) + [8], False: [6] + [0] * (BINS - 1)},
    similarities=[0] * (BINS - 1) + [1],
    contaminated=[(f"ngram of {HOSTILE}", 3)],
    audits=[(1, 5, 4)],
    diversity=[
        Diversity(0, 3, None, 0.95, None, None, None, None, 1.0, 0.0, 0.0),
        Diversity(
            1,
            4,
            HOSTILE,
            0.9,
            0.85,
            0.95,
            Distance(0.31, 0.3, 0.32, 0.05),
            Distance(0.2, 0.1, 0.3, 0.01),
            0.5,
            0.4,
            1.5,
        ),
    ],
    costs=[Cost(1, "coder", 10, 1, 1000, 500, 10.0, 1.5), Cost(2, "judge", 5, 0, 400, 100, 5.0, None)],
    stages=[
        Stage(0, "coder", Cost(1, "coder", 8, 1, 900, 450, 9.0, 1.5)),
        Stage(1, "coder of repaired solutions", Cost(1, "coder", 2, 0, 100, 50, 1.0, None)),
    ],
    uses=[Use(1, "coder", 2, 64, 31.0, 50.0, 0.25)],
    models=[("coder", HOSTILE, 15)],
    lengths=[Length(1, (20, 40), (100, 300)), Length(2, (25, 50), (120, 350))],
    depths={(1, 0): 4, (2, 1): 4},
    seeds=[Seed("seed-1", HOSTILE, 9, 6)],
    samples=[sample(n) for n in range(4)] + [sample(n, "judged_no") for n in range(4, 10)],
)
OTHER = replace(FIGURES, root="/data/other", samples=[sample(20)])
