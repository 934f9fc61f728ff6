"""One generation: rounds of offspring, each through every stage, until every colony has its share.

A row that fails at a stage goes on with its `reason` set, so that every attempt ends in `candidates`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from genetic_udfs.config import Paraphrases
from genetic_udfs.config.operators import CROSSOVER, MUTATION, SELECTION_BY_EMBEDDING
from genetic_udfs.config.roles import REPAIR
from genetic_udfs.data.text import content_hash
from genetic_udfs.decontamination import BenchmarkItem, contamination
from genetic_udfs.dedup.columns import INDEXED
from genetic_udfs.evolution.agreement import compare, reject_same_behaviour
from genetic_udfs.evolution.difficulty import with_solve_rate
from genetic_udfs.evolution.duplicates import reject_duplicates, reject_semantic_duplicates
from genetic_udfs.evolution.filters.columns import rejection_of
from genetic_udfs.evolution.operators.cap import within_cap
from genetic_udfs.evolution.operators.draws import draw
from genetic_udfs.evolution.operators.parents import SLOT_KEY, with_operator, with_parents
from genetic_udfs.evolution.operators.selection import Scores, by_novelty, by_rarity
from genetic_udfs.evolution.operators.slots import quotas, slots, slots_by_colony
from genetic_udfs.evolution.population_embeddings import embeddings
from genetic_udfs.evolution.population_index import index_of, indexed
from genetic_udfs.evolution.quota import accept, passed_by_colony
from genetic_udfs.evolution.requests import with_replies
from genetic_udfs.evolution.round import Round, asked, checkpoint, not_rejected, reject, with_columns_of, with_prompt
from genetic_udfs.evolution.run import Run
from genetic_udfs.evolution.verification import check_runs, choose, failed_solutions, verify
from genetic_udfs.roles import columns as role_columns
from genetic_udfs.roles.prompts import prompt_version
from genetic_udfs.runtime.arrow import local_frame
from genetic_udfs.runtime.row_udf import row_udf
from genetic_udfs.store.schema import (
    ACCEPTED,
    CANDIDATES,
    CANDIDATES_SCHEMA,
    CONTAMINATED,
    OVER_QUOTA,
)


def make_generation(
    run: Run, population: DataFrame, size: int, generation: int, items: Sequence[BenchmarkItem]
) -> DataFrame:
    """Return every candidate of a generation, decided, with the columns of `candidates`.

    Args:
        run: the run.
        population: the population at the generation's start.
        size: its number of individuals.
        generation: number of the generation, from 1.
        items: the test sets.
    """
    quota = quotas(run.config.samples_per_generation, run.config.colonies)
    decided = local_frame(run.spark, [], CANDIDATES_SCHEMA)
    accepted: dict[int, int] = {}
    index = known = indexed(run.store, generation)
    used = attempts = 0
    before = yield_before(run, generation)
    for number in range(run.config.max_rounds):
        needed = {colony: share - accepted.get(colony, 0) for colony, share in quota.items()}
        counts = slots_by_colony(needed, sum(accepted.values()), used, before)
        if counts and (cap := run.config.max_candidates) is not None:
            counts = within_cap(run.spark, counts, cap - attempts, generation, number, run.config)
            if not counts:
                run.progress.note(f"generation {generation}: max_candidates ({cap}) leaves no room after {attempts}")
        if not counts:
            break
        used += sum(counts.values())
        own = decided.filter(F.col("status") == ACCEPTED)
        this = Round(run, generation, number, population, size, own, index, needed, counts, items)
        made = make_round(this)
        decided = decided.unionByName(made.candidates)
        accepted = {colony: accepted.get(colony, 0) + made.accepted.get(colony, 0) for colony in quota}
        attempts += made.attempts
        run.progress.note(
            f"generation {generation}, round {number}: {sum(accepted.values())} of {sum(quota.values())} accepted"
        )
        if sum(accepted.values()) < sum(quota.values()):
            index = known.unionByName(index_accepted(this, made.candidates))
    return decided


def yield_before(run: Run, generation: int) -> tuple[int, int]:
    """Return how many candidates of the generation before passed every stage, and how many slots it took."""
    if generation == 1:
        return 0, 0  # seeds are no candidates
    passed = F.count_if((F.col("status") == ACCEPTED) | (F.col("reason") == OVER_QUOTA))
    taken = F.count_distinct("round", "colony", "slot")
    before = run.store.read(CANDIDATES).filter(F.col("generation") == generation - 1).agg(passed, taken)
    row = before.first()
    assert row is not None
    return row[0], row[1]


def index_accepted(this: Round, made: DataFrame) -> DataFrame:
    """Make rows of the near-duplicate index of what a round has accepted, once; return those of all rounds so far."""
    rows = index_of(this.run.store, this.run.config, made.filter(F.col("status") == ACCEPTED))
    this.run.scratch.checkpoint(rows, f"{this.name}/index", max_bytes=this.max_bytes)
    of_rounds = indexed_in_rounds(this.run, this.generation)
    assert of_rounds is not None
    return of_rounds


def indexed_in_rounds(run: Run, generation: int) -> DataFrame | None:
    """Return what `index_accepted` has made in this process, by any round of a generation; None without any."""
    return run.scratch.read(f"generation-{generation}/round-*/index", INDEXED)


class RoundResult(NamedTuple):
    """What a round has made: its candidates, decided, the number of all, and of those accepted by colony."""

    candidates: DataFrame
    attempts: int
    accepted: dict[int, int]


def make_round(this: Round) -> RoundResult:
    """Take the slots of a round through every stage."""
    passed = (
        slots(this.run.spark, this.slots, this.generation, this.number)
        .transform(with_operator, this.run.config)
        .transform(draw_parents, this)
        .transform(ask_instructor, this)
        .transform(read_instructions, this)
        .transform(reject_unfit, this)
        .transform(checkpoint, this, "reading and filtering")
        .transform(reject_duplicates, this)
        .transform(reject_semantic_duplicates, this)
        .transform(reject_test_problems, this)
        .transform(ask_coder, this)
        .transform(examine, this)
        .transform(repair, this)
        .transform(choose, this)
        .transform(reject_same_behaviour, this)
        .transform(judge_chosen, this)
        .transform(decide, this)
        .transform(checkpoint, this, "deciding", passed_by_colony(this))
    )
    found = this.run.scratch.observed(passed)
    counts = {colony: found[str(colony)] for colony in this.slots}
    accepted = {colony: min(count, this.needed[colony]) for colony, count in counts.items()}
    return RoundResult(passed.transform(accept, counts, this.needed), found["rows"], accepted)


def examine(rows: DataFrame, this: Round) -> DataFrame:
    """Take solutions through every stage that may refuse them."""
    return (
        rows.transform(reject_test_solutions, this)
        .transform(check_runs, this)
        .transform(compare, this)
        .transform(ask_judge, this)
        .transform(verify, this)
        .transform(with_solve_rate, this)
    )


def draw_parents(rows: DataFrame, this: Round) -> DataFrame:
    """Add the `parents` of each slot, and `depth`: one more than the parent's for a mutation, else 0."""
    own = this.accepted.withColumn(
        "index", F.row_number().over(Window.partitionBy("colony").orderBy("round", "slot", "item")) - 1
    )
    depth = F.when(F.col("operator") == MUTATION, F.get("parents", F.lit(0))["depth"] + 1).otherwise(0)
    count = sum(this.slots.values())
    found = with_parents(rows, this.population, own, this.size, this.run.config, scores_of(this), count=count)
    return found.withColumn("depth", depth)


def scores_of(this: Round) -> Scores | None:
    """Return what a tournament is decided by, None where it is fitness, or there are none."""
    config = this.run.config
    if config.operators.selection not in SELECTION_BY_EMBEDDING:
        return None
    known = embeddings(this.run.store, this.generation)
    return by_novelty(known, config.seed) if config.operators.selection == "novelty" else by_rarity(known)


def ask_instructor(rows: DataFrame, this: Round) -> DataFrame:
    """Ask for instructions; a slot without parents is not asked."""
    settings = this.run.config.operators
    own = this.run.config.own_prompts()
    template = F.coalesce(
        *(
            F.when(F.coalesce("task", "operator") == name, prompt_version(name, own.get(name)))
            for name in (*settings.weights(), CROSSOVER)
        )
    )
    prompt = role_columns.instructor_prompt(
        "operator", "task", "parents", settings.crossover_instructions, own, this.run.config.language
    )
    sample = draw(this.run.config.seed, "instructor", *(F.col(name) for name in SLOT_KEY))
    prompts = rows.withColumns({"prompt": prompt, "template": template, "sample": sample})
    return asked(prompts, this, "instructor")


def read_instructions(rows: DataFrame, this: Round) -> DataFrame:
    """Part replies into candidates, one row each, with `item`, `id`, `instruction`, `reason` and `detail`."""
    wanted = F.when(F.col("operator") == MUTATION, 1).otherwise(this.run.config.operators.crossover_instructions)
    read = role_columns.offspring_of("operator", "request_id", "reply", wanted)
    # Of where the text comes from, and the text: rows of two stores that have one id have one content, too.
    origin = F.concat_ws("\x1e", F.coalesce("request_id", F.concat_ws("/", *SLOT_KEY)), "item", "reply.text")
    return (
        rows.select("*", F.posexplode(read).alias("item", "read"))
        .withColumns({name: F.col(f"read.{name}") for name in ("instruction", "reason", "detail")})
        .withColumns(
            {
                "id": F.substring(F.sha2(origin, 256), 1, 32),
                "raw_reply": F.when(F.col("reason").isNotNull(), F.col("reply.text")),
            }
        )
        .withColumnRenamed("request_id", "instructor_request")
        .drop("read", "reply")
    )


def reject_unfit(rows: DataFrame, this: Round) -> DataFrame:
    """Apply the rules for instructions, and add `content_hash`; of `parents`, ids are left.

    Their texts are done with, and no later stage carries them.
    """
    hashed = row_udf(content_hash, StringType())("instruction")
    found = rejection_of("instruction", "parents", "task", this.run.config.filters)
    return reject(rows, found).withColumns(
        {
            "content_hash": F.when(F.col("instruction") != "", hashed),
            "parents": F.transform("parents", lambda parent: parent["id"]),
        }
    )


def reject_test_problems(rows: DataFrame, this: Round) -> DataFrame:
    """Reject instructions that hold an item of a test set, or are one in other words if the settings look for that."""
    if not this.items:
        return rows
    rows = checkpoint(rows, this, "dropping duplicates")
    paraphrases = this.run.config.decontamination.paraphrases
    return reject_contaminated(rows, this, ["instruction"], paraphrases).transform(checkpoint, this, "contamination")


def reject_test_solutions(rows: DataFrame, this: Round) -> DataFrame:
    """Reject replies of the Coder that hold an item: its solution in the code, or its problem in what stands around."""
    if not this.items:
        return rows
    return (
        rows.transform(checkpoint, this, "reading solutions")
        .transform(reject_contaminated, this, ["code", "response"])
        .transform(checkpoint, this, "contamination of solutions")
    )


def reject_contaminated(
    rows: DataFrame, this: Round, texts: list[str], paraphrases: Paraphrases | None = None
) -> DataFrame:
    """Reject rows whose texts hold an item of a test set; with `paraphrases`, an engine is asked about the first."""
    run = this.run
    new = rows.filter(not_rejected()).select("id", *texts)

    def ask(questions: DataFrame) -> DataFrame:
        settings = None if paraphrases is None else run.config.judge_of(paraphrases)
        return with_replies(
            run, "judge", questions, this.generation, this.number, purpose="same problem", settings=settings
        )

    found = contamination(
        new,
        this.items,
        texts=texts,
        paraphrases=paraphrases,
        model=run.config.paraphrases_model,
        ask=ask,
        checkpoint=lambda rows, name: checkpoint(rows, this, name),
    )
    detail = F.format_string("%s of %s %s", "contamination_rule", "contaminated_by", "contaminated_item")
    contaminated = F.struct(F.lit(CONTAMINATED).alias("reason"), detail.alias("detail"))
    return (
        rows.join(found, "id", "left")
        .transform(reject, F.when(F.col("contaminated_by").isNotNull(), contaminated))
        .drop("contaminated_by", "contaminated_item", "contamination_rule")
    )


def ask_coder(rows: DataFrame, this: Round) -> DataFrame:
    """Ask for solutions, a row each, and add `solution` (0..), `attempt`, `response` (the whole reply) and `code`."""
    settings = this.run.config.roles.coder
    wanted = F.sequence(F.lit(0), F.when(not_rejected(), settings.samples - 1).otherwise(0))
    further = F.substring(F.sha2(F.concat_ws("/", "id", "solution"), 256), 1, 32)
    identity = F.when(F.col("solution") == 0, F.col("id")).otherwise(further)
    samples = rows.withColumn("solution", F.explode(wanted)).withColumns({"attempt": F.lit(1), "id": identity})
    prompt = role_columns.coder_prompt("instruction", settings.prompt, this.run.config.language)
    prompts = with_prompt(samples, prompt, prompt_version("coder", settings.prompt), "solution")
    return read_solutions(asked(prompts, this, "coder"), this)


def read_solutions(replied: DataFrame, this: Round) -> DataFrame:
    """Add `response`, `code`, its `language`, lines and branches, and `reasoning` of the Coder's replies."""
    names = {"code": "code", "language": "language", "lines": "code_lines", "branches": "code_branches"}
    return (
        replied.withColumn("read", role_columns.code_of("instruction", "reply", this.run.config.language))
        .withColumns({name: F.col("read")[field] for field, name in names.items()})
        .withColumns({"response": F.col("reply.text"), "reasoning": F.col("reply.reasoning")})
        .transform(reject, F.col("read"))
        .withColumnRenamed("request_id", "coder_request")
        .drop("read", "reply")
    )


def repair(rows: DataFrame, this: Round) -> DataFrame:
    """Have the Coder repair the best of an instruction's solutions, once, where all have failed their tests."""
    if not this.run.config.roles.coder.repair:
        return rows
    again = replace(this, attempt=2)
    checkpointed = checkpoint(rows, this, "before repair")
    failed = failed_solutions(checkpointed, this)
    version = prompt_version(REPAIR, this.run.config.roles.coder.repair_prompt)
    prompts = with_prompt(failed, F.col("repair_prompt"), version).drop("repair_prompt")
    repaired = read_solutions(asked(prompts, again, "coder"), again).transform(examine, again)
    return checkpointed.unionByName(repaired, allowMissingColumns=True)


def ask_judge(rows: DataFrame, this: Round) -> DataFrame:
    """Ask for verdicts, and reject by them; where something else decides, the Judge is not asked here."""
    config = this.run.config
    if config.acceptance == "tests" or config.accepts_by_execution:
        return rows
    return with_verdicts(rows, this).transform(reject, judged(config.min_fitness)).drop("read", "reply")


def judge_chosen(rows: DataFrame, this: Round) -> DataFrame:
    """Where execution decides, ask for a verdict on what it has left, which stands beside the pair; reject nothing."""
    if not this.run.config.accepts_by_execution:
        return rows
    return with_verdicts(checkpoint(rows, this, "choosing"), this).drop("read", "reply")


def with_verdicts(rows: DataFrame, this: Round) -> DataFrame:
    """Add `verdict` (no verdict counts as No), `fitness`, which is P(Yes), and the `read` `reply`."""
    own = this.run.config.roles.judge.prompt
    prompt = role_columns.judge_prompt("instruction", "response", own, this.run.config.language)
    prompts = with_prompt(rows, prompt, prompt_version("judge", own))
    return (
        asked(prompts, this, "judge")
        .withColumns({"read": role_columns.verdict_of("reply"), "fitness": role_columns.fitness_of("reply")})
        .withColumn("verdict", F.col("read.verdict"))
        .withColumnRenamed("request_id", "judge_request")
    )


def judged(min_fitness: float | None) -> Column:
    """Return why the Judge's `read` reply refuses a row: its verdict, or a `fitness` that is too low."""
    if min_fitness is None:
        return F.col("read")
    said = F.when(F.col("fitness").isNull(), "there is no P(Yes)").otherwise(
        F.format_string("P(Yes) is %.3f", "fitness")
    )
    low = F.struct(
        F.lit("low_fitness").alias("reason"),
        F.concat(said, F.lit(f", and {min_fitness:g} is wanted")).alias("detail"),
    )
    failed = F.struct(F.col("read.reason").alias("reason"), F.col("read.detail").alias("detail"))
    return F.when(F.col("read.reason") == "engine_error", failed).when(
        F.col("reply").isNotNull() & ~F.coalesce(F.col("fitness") >= min_fitness, F.lit(False)), low
    )


def decide(rows: DataFrame, this: Round) -> DataFrame:
    """Reject what lost its reply, and make candidates of all rows."""
    rows = with_columns_of(CANDIDATES_SCHEMA, rows)
    lost = F.struct(F.lit("no_reply").alias("reason"), F.lit("the ledger has no reply to the request").alias("detail"))
    unanswered = F.col("code").isNull()
    if this.run.config.acceptance != "tests" and not this.run.config.accepts_by_execution:
        unanswered = unanswered | F.col("verdict").isNull()
    return (
        rows.transform(reject, F.when(unanswered, lost))
        .withColumn("run_id", F.lit(this.run.id))
        .select(*CANDIDATES_SCHEMA.fieldNames())
    )
