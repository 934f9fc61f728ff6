"""The stages of a generation as a configuration sets them, in words, in the order in which they come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from genetic_udfs.config import Config, Role
from genetic_udfs.config.operators import CROSSOVER, MUTATION


@dataclass(frozen=True)
class PlannedStage:
    """A stage: what it does, with which settings, and the engine that it asks, if it asks one."""

    name: str
    does: str
    engine: str | None = None


def stages_of(config: Config, test_sets: Sequence[str]) -> list[PlannedStage]:
    """Return the stages that every round goes through.

    Args:
        config: of the run.
        test_sets: what the test sets are, a text each.
    """
    return [*_offspring(config, test_sets), *_solutions(config, test_sets), *_decision(config)]


def _offspring(config: Config, test_sets: Sequence[str]) -> Iterator[PlannedStage]:
    operators, filters, dedup = config.operators, config.filters, config.dedup
    share = operators.crossover_share
    yield PlannedStage(
        "draw parents",
        f"{CROSSOVER} of {operators.crossover_parents} parents ({share:.0%}), {MUTATION} of one ({1 - share:.0%}),"
        f" {operators.selection} draws",
    )
    yield _asking(config, "instructor", f"an instruction; a crossover asks for {operators.crossover_instructions}")
    yield PlannedStage(
        "filter",
        f"{filters.min_words} to {filters.max_words} words; leaks of the prompt, solutions, repeats; at most"
        f" {operators.max_depth} mutations after one another",
    )
    yield PlannedStage(
        "near-duplicates",
        f"Jaccard similarity of {dedup.shingle_words} words from {dedup.threshold:g}, found by {dedup.bands} bands of"
        f" {dedup.rows} rows, against the population and each other",
    )
    if dedup.semantic is not None:
        yield PlannedStage(
            "semantic duplicates",
            f"cosine of embeddings by {dedup.semantic.model} from {dedup.semantic.threshold:g}, against the population"
            " and each other",
            None if config.semantic_model is None else config.semantic_model.engine_name or None,
        )
    if test_sets:
        paraphrases = config.decontamination.paraphrases
        engine = None if paraphrases is None else config.judge_of(paraphrases).engine
        also = "" if paraphrases is None else ", and as a paraphrase"
        yield PlannedStage("test sets", f"{'; '.join(test_sets)}: by shared words{also}", engine)


def _solutions(config: Config, test_sets: Sequence[str]) -> Iterator[PlannedStage]:
    samples = config.roles.coder.samples
    yield _asking(config, "coder", "a solution" if samples == 1 else f"{samples} solutions of each instruction")
    if test_sets:
        yield PlannedStage("test sets", "code and reply, by shared words")
    sandboxed = f"in the sandbox, {config.sandbox.least_tier} at least"
    if config.checks_runs:
        yield PlannedStage("import the code", sandboxed)
    if config.compares_solutions:
        rejects = "; rejects what fails an example or agrees with no other" if config.accepts_by_execution else ""
        yield PlannedStage(
            "compare solutions", f"the instruction's own examples, and calls with drawn arguments, {sandboxed}{rejects}"
        )
    verdict = _asking(config, "judge", "Yes or No, and the probability of Yes as fitness")
    if config.acceptance != "tests" and not config.accepts_by_execution:
        yield verdict
    tester = config.roles.tester
    if tester is not None:
        yield _asking(config, "tester", f"{tester.tests} tests of each solution, written from the {tester.tests_from}")
        yield PlannedStage("run tests", sandboxed)
    if config.roles.coder.repair:
        yield _asking(config, "coder", "a repair of the best solution, where all have failed")
    if samples > 1:
        done, alike = ("tests passed", "pass the same") if tester else ("calls answered", "return the same")
        yield PlannedStage("choose", f"one solution, by the number of {done} times that of the solutions that {alike}")
    if config.accepts_by_execution:
        yield PlannedStage("same function", "what returns the same as an accepted pair's solution is rejected")
        yield replace(verdict, does=f"{verdict.does}; rejects nothing")


def _decision(config: Config) -> Iterator[PlannedStage]:
    each = config.samples_per_generation / config.colonies
    limit = "" if config.max_candidates is None else f", of {config.max_candidates:,} candidates"
    yield PlannedStage(
        "accept",
        f"by {config.acceptance}, {each:,.0f} for each colony ({config.colonies}); rounds repeat until all are full,"
        f" {config.max_rounds} at most{limit}",
    )


def _asking(config: Config, role: Role, wants: str) -> PlannedStage:
    settings = config.roles.of(role)
    limit = "as many tokens as fit" if settings.max_tokens is None else f"{settings.max_tokens} tokens"
    sampling = f"temperature {settings.temperature:g}, {limit}"
    return PlannedStage(f"ask the {role.capitalize()}", f"{wants}; {sampling}", settings.engine)
