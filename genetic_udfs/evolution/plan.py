"""The stages of a generation as a configuration sets them, in words, in the order in which they come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from genetic_udfs.config import EMBEDDING_MODEL, Config, EmbeddingModel, Role
from genetic_udfs.config.operators import CROSSOVER, MUTATION
from genetic_udfs.evolution.operators.slots import quotas
from genetic_udfs.store.schema import (
    CANDIDATES,
    DEDUP_INDEX,
    DEDUP_MANIFEST,
    EMBEDDINGS,
    GENERATIONS,
    POPULATION,
    REPLIES,
    RUNS,
)


@dataclass(frozen=True)
class PlannedStage:
    """A stage: what it does, with which settings, and the engines that it asks, if it asks any."""

    name: str
    does: str
    engine: str | None = None


def stages_of(config: Config, test_sets: Sequence[str]) -> list[PlannedStage]:
    """Return the stages that every round goes through, and what is done at the end of a generation.

    Args:
        config: of the run.
        test_sets: what the test sets are, a text each.
    """
    return [*_offspring(config, test_sets), *_solutions(config, test_sets), *_decision(config)]


def tables_of(config: Config) -> list[str]:
    """Return the tables that a run writes."""
    derived = [DEDUP_INDEX, DEDUP_MANIFEST, *([] if config.embedding_model is None else [EMBEDDINGS])]
    return [POPULATION, CANDIDATES, REPLIES, GENERATIONS, RUNS, *derived]


def _offspring(config: Config, test_sets: Sequence[str]) -> Iterator[PlannedStage]:
    operators, filters, dedup = config.operators, config.filters, config.dedup
    share = operators.crossover_share
    by = config.diversity_model if config.selects_by_embedding else None
    yield PlannedStage(
        "draw parents",
        f"{CROSSOVER} of {operators.crossover_parents} parents ({share:.0%}), {MUTATION} of one ({1 - share:.0%}),"
        f" {operators.selection} draws{'' if by is None else f', by embeddings of {by.model}'}",
        _engine_of(by),
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
            _engine_of(config.semantic_model),
        )
    if test_sets:
        yield _test_sets(config, test_sets)


def _test_sets(config: Config, test_sets: Sequence[str]) -> PlannedStage:
    paraphrases, does = config.decontamination.paraphrases, f"{'; '.join(test_sets)}: by shared words"
    if paraphrases is None:
        return PlannedStage("test sets", does)
    engines = (config.judge_of(paraphrases).engine, _engine_of(config.paraphrases_model))
    return PlannedStage(
        "test sets",
        f"{does}, and as a paraphrase of one of the {paraphrases.nearest} items that are nearest by"
        f" {paraphrases.model}, at a cosine from {paraphrases.similarity:g}, if the Judge says so",
        ", ".join(filter(None, engines)),
    )


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
    each = quotas(config.samples_per_generation, config.colonies).values()
    quota = f"{min(each):,}" if min(each) == max(each) else f"{min(each):,} or {max(each):,}"
    limit = "" if config.max_candidates is None else f", of {config.max_candidates:,} candidates"
    yield PlannedStage(
        "accept",
        f"by {config.acceptance}, {quota} for each colony ({config.colonies}); rounds repeat until all are full,"
        f" {config.max_rounds} at most{limit}",
    )
    diversity = config.diversity
    if diversity.sample:
        yield PlannedStage(
            "measure diversity",
            f"once a generation, of up to {diversity.sample:,} pairs: distinct 3-grams, and distances between"
            f" embeddings by {diversity.model}{', if it is installed' if diversity.model == EMBEDDING_MODEL else ''}",
            _engine_of(config.diversity_model),
        )


def _engine_of(model: EmbeddingModel | None) -> str | None:
    return None if model is None else model.engine_name or None


def _asking(config: Config, role: Role, wants: str) -> PlannedStage:
    settings = config.roles.of(role)
    limit = "as many tokens as fit" if settings.max_tokens is None else f"{settings.max_tokens} tokens"
    sampling = f"temperature {settings.temperature:g}, {limit}"
    return PlannedStage(f"ask the {role.capitalize()}", f"{wants}; {sampling}", settings.engine)
