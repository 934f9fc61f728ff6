"""The columns of every table, in one place: names, types and what they hold.

Tables: `population` (accepted individuals), `candidates` (every attempt), `replies` (the ledger of model replies),
`generations` (one row a finished generation), `runs` (one row a start of the job), `verdicts` (what another judge said
of a generation's candidates), `dedup_index` and `dedup_manifest` (what a search for near-duplicates needs of the
population), `embeddings` (what selection for diversity, and a search by meaning, need of it).
"""

from typing import Final

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from genetic_udfs.engine.columns import REPLY_FIELDS

# To be raised with every change of a table's columns or of what they hold. Each table carries the version that it was
# made with or brought to, in a property; tables from before there was one are version 1.
SCHEMA_VERSION: Final = 6
SCHEMA_VERSION_PROPERTY: Final = "genetic_udfs.schema_version"

POPULATION: Final = "population"
CANDIDATES: Final = "candidates"
REPLIES: Final = "replies"
GENERATIONS: Final = "generations"
RUNS: Final = "runs"
VERDICTS: Final = "verdicts"
DEDUP_INDEX: Final = "dedup_index"
DEDUP_MANIFEST: Final = "dedup_manifest"
EMBEDDINGS: Final = "embeddings"

# What identifies an instruction, each of whose solutions is a row of `candidates`: every colony numbers its slots
# from 0.
INSTRUCTION_KEY: Final = ("generation", "round", "colony", "slot", "item")

# What `operator` holds beside the operators of `config.operators`, and what `status` holds.
SEED: Final = "seed"
ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"

# What `role` in `replies` holds beside the roles of `config.roles`: the judge of `verdicts`, whose costs are not the
# generation's.
REJUDGE: Final = "rejudge"

# What keys of `versions` in `runs` begin with that name a test set; their values say what its items were.
TEST_SET: Final = "test set "

# Values of `reason` that the search for near-duplicates gives, by words and by meaning.
DUPLICATE: Final = "duplicate"
NEAR_DUPLICATE: Final = "near_duplicate"
SEMANTIC_DUPLICATE: Final = "semantic_duplicate"

# The value of `reason` of what holds an item of a test set.
CONTAMINATED: Final = "contaminated"

# The value of `reason` of code that returns the same as another pair's.
SAME_BEHAVIOUR: Final = "same_behaviour"

# The value of `reason` of code that the Coder may repair.
FAILED_TESTS: Final = "failed_tests"

# The value of `reason` of what passed every stage, and was not needed any more.
OVER_QUOTA: Final = "over_quota"


def _struct(**columns: DataType) -> StructType:
    return StructType([StructField(name, data_type) for name, data_type in columns.items()])


_string, _int, _long, _double = StringType(), IntegerType(), LongType(), DoubleType()

# The tests that count (null where there are none, or they were rejected), how each ended (`passed`, `failed`,
# `error:TYPE`, ...), who says so (`outside` of the code, or `together` with it), how many were passed and their share,
# and what the code was confined by.
_TESTED: Final = {
    "tests": ArrayType(_string),
    "tests_status": ArrayType(_string),
    "tests_decided_by": ArrayType(_string),
    "tests_passed": _int,
    "pass_rate": _double,
    "sandbox_tier": _string,
}

# How hard an instruction is: the share of the Coder's samples that pass all of its tests (null without tests), and of
# the solution itself the lines of code and the branches (McCabe's decisions), null without code.
_DIFFICULTY: Final = {"solve_rate": _double, "code_lines": _int, "code_branches": _int}

# `agreement` is the share of the Coder's solutions of the instruction that return the same as this one for drawn
# arguments, `behaviour` a hash of these and of what it returns; null where they were not compared.
# `reasoning` is what the Coder thought before its `response`; null where it did not. `language` is that of `code`, null
# in rows from before there was another than Python.
# `population.ordinal` is 0..N-1 without a gap, so a uniform draw is a join on an integer.
# `colony` is null for seeds, which belong to all; `depth` counts the mutations since the last seed or crossover.
_INDIVIDUAL: Final = {
    "id": _string,
    "generation": _int,
    "colony": _int,
    "instruction": _string,
    "response": _string,
    "code": _string,
    "parents": ArrayType(_string),
    "operator": _string,
    "task": _string,
    "depth": _int,
    "verdict": BooleanType(),
    "fitness": _double,
    **_TESTED,
    "agreement": _double,
    "behaviour": _string,
    "reasoning": _string,
    **_DIFFICULTY,
    "language": _string,
    "content_hash": _string,
    "run_id": _string,
}

POPULATION_SCHEMA: Final = _struct(**_INDIVIDUAL, ordinal=_long)

# `reason` is null for accepted rows, `detail` what a person needs to understand the reason. `duplicate_of` and
# `similarity` name the partner of a duplicate; of a semantic one the latter is the cosine, else Jaccard's. `raw_reply`
# is kept where a reply could not be parsed. `solution` is which of the Coder's samples it is (0..), `attempt` is 2 for
# one that was repaired after it had failed its tests.
CANDIDATES_SCHEMA: Final = _struct(
    **_INDIVIDUAL,
    round=_int,
    slot=_int,
    item=_int,
    solution=_int,
    attempt=_int,
    status=_string,
    reason=_string,
    detail=_string,
    duplicate_of=_string,
    similarity=_double,
    raw_reply=_string,
    instructor_request=_string,
    coder_request=_string,
    judge_request=_string,
    tester_request=_string,
)

# `stage` tells apart the stages in which a role is asked in a round: the role's name, or what else it is asked for; it
# is null in rows from before it was kept. `money` is what the tokens cost, `hourly` what the engine costs an hour while
# a stage asks it; null where no price is set.
REPLIES_SCHEMA: Final = _struct(
    request_id=_string,
    role=_string,
    generation=_int,
    round=_int,
    stage=_string,
    engine=_string,
    model=_string,
    sampling=_string,
    template=_string,
    **REPLY_FIELDS,
    money=_double,
    hourly=_double,
    run_id=_string,
)

# `seconds` is the time that a role's stages took, each from its first request to its last reply; `request_seconds` sums
# up the requests' own. `money` is what its tokens cost, and its engine in that time; null where no price is set.
ROLE_COST: Final = _struct(
    role=_string,
    requests=_long,
    errors=_long,
    prompt_tokens=_long,
    completion_tokens=_long,
    seconds=_double,
    request_seconds=_double,
    money=_double,
)

# What the servers of a stage's engine said of themselves, for endpoints nothing: requests running and waiting at once,
# averaged over time and summed over servers; the highest share of the KV cache in use; the share of the prompts' tokens
# found in the prefix cache (null if none was looked up).
ENGINE_USE: Final = _struct(
    round=_int,
    role=_string,
    seconds=_double,
    servers=_int,
    restarts=_int,
    max_num_seqs=_int,
    running=_double,
    waiting=_double,
    tokens_per_second=_double,
    kv_cache_usage=_double,
    prefix_cache_hit_rate=_double,
    preemptions=_long,
)

# Of a sample of a generation's texts and the population: pairs of near-duplicates, and those of which one was rejected.
AUDIT: Final = _struct(texts=_long, pairs=_long, caught=_long)

# Candidates that the Judge and tests have both decided, by both (`yes_failed`: the Judge's Yes, a test that failed).
# `kappa` is Cohen's, null where the Judge said one and the same of all; `brier` is the mean squared error of P(Yes).
JUDGE_AND_TESTS: Final = _struct(
    yes_passed=_long, yes_failed=_long, no_passed=_long, no_failed=_long, kappa=_double, brier=_double
)

# Cosine distances of a sample's instructions to the nearest others: their mean with the interval that 95% of bootstrap
# samples lie in, and their 5th percentile.
DISTANCE: Final = _struct(mean=_double, low=_double, high=_double, p5=_double)

# Of a drawn sample of a generation's instructions: the share of distinct ones among all runs of three words, with its
# 95% interval by the jackknife, and by `model` (null where none could be had, and with it the distances) how far each
# is from the nearest of the sample, and of a sample of all earlier generations. Of the whole generation, by descent:
# the share of the seeds' topics of which a seed is an ancestor, Gini's coefficient of what the seeds have contributed,
# and the entropy in bits of the operators that lead from the seeds to its members, by their first parents.
DIVERSITY: Final = _struct(
    sample=_long,
    model=_string,
    distinct_3=_double,
    distinct_3_low=_double,
    distinct_3_high=_double,
    nearest_other=DISTANCE,
    nearest_earlier=DISTANCE,
    topics=_double,
    gini=_double,
    lineage_entropy=_double,
)

# `engines`, `run_id` and `seconds` are those of the run that finished the generation, `fingerprint` and `shortfall`
# those of the configuration that decided it.
GENERATIONS_SCHEMA: Final = _struct(
    generation=_int,
    population_version=_long,
    population_size=_long,
    run_id=_string,
    fingerprint=_string,
    rounds=_int,
    asked=_long,
    accepted=_long,
    shortfall=_long,
    reasons=MapType(_string, _long),
    costs=ArrayType(ROLE_COST),
    engines=ArrayType(ENGINE_USE),
    audit=AUDIT,
    judge=JUDGE_AND_TESTS,
    diversity=DIVERSITY,
    seconds=_double,
    finished_at=TimestampType(),
)

# What a search for near-duplicates needs of the population: of each individual whose instruction is not blank. `packed`
# is the instruction's normal form, compressed.
DEDUP_INDEX_SCHEMA: Final = _struct(
    generation=_int,
    id=_string,
    content_hash=_string,
    keys=ArrayType(_long),
    sample_key=_long,
    packed=BinaryType(),
)

# What the index was computed by, in one row: it is of no use to anything else. `layout` counts changes of its columns,
# `family` is a hash of the coefficients
# of MLlib's hash functions, `text` the version of the normal form.
DEDUP_MANIFEST_SCHEMA: Final = _struct(
    layout=_int, text=_string, seed=_long, shingle_words=_int, bands=_int, rows=_int, family=_string
)

# The embedding of each individual's instruction by `model`, as `embedding.landmarks` packs it. `cluster` is the number
# of the landmark among the seeds that is nearest to it, `level` how hard it is by its solution's branches (null for a
# seed).
EMBEDDINGS_SCHEMA: Final = _struct(
    generation=_int, id=_string, model=_string, vector=BinaryType(), cluster=_int, level=_int
)

# `forked_from` is null but in a fork's copies of the runs that made what it has taken over: then "STORE@GENERATION".
RUNS_SCHEMA: Final = _struct(
    run_id=_string,
    started_at=TimestampType(),
    ended_at=TimestampType(),
    fingerprint=_string,
    configuration=_string,
    fixed=_string,
    versions=MapType(_string, _string),
    outcome=_string,
    forked_from=_string,
)

# `id` and `generation` are those of a candidate, whose own verdict stays as it is. `verdict` is null, with a `reason`,
# where the engine gave no reply; no verdict in a reply counts as No. `judged_at` is when the judge was asked.
VERDICTS_SCHEMA: Final = _struct(
    id=_string,
    generation=_int,
    model=_string,
    template=_string,
    verdict=BooleanType(),
    fitness=_double,
    reason=_string,
    request_id=_string,
    run_id=_string,
    judged_at=TimestampType(),
)
