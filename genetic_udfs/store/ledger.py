"""The ledger: every reply of a model, kept before anything is made of it, so that none is ever paid for twice."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from pyspark import inheritable_thread_target
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from genetic_udfs.engine.columns import REPLY_FIELDS
from genetic_udfs.runtime.stopping import graceful_section
from genetic_udfs.store.schema import REJUDGE, REPLIES
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store

# The tail of a wave, where few of its requests still run, is filled by the next wave. Spark's FIFO scheduling gives
# that one only what the first leaves free.
_WAVES_AT_ONCE: Final = 2


# Columns of a plan beside the rows' own: what replies are joined by, and whether the reply that is there is of this
# stage (null where there is none).
_KEY: Final = "_request_key"
_IN_STAGE: Final = "_in_stage"

# Folder of the scratch space with the requests of plans that take several waves.
_WAVES: Final = "waves"
# Folder of the scratch space with the replies of single waves.
_REPLIES: Final = "replies"
# Folder of the scratch space with those of a plan's requests that have a reply.
_ANSWERED: Final = "answered"
_PLANNED: Final = StructType([StructField("request_id", StringType())])


@dataclass(frozen=True)
class Stage:
    """A role's turn, and what its rows of `replies` have in common.

    `label` tells it from the others in which the role is asked in a round. `identity_role` is the role that is part of
    its requests' identity: no stage of another one has an equal request.
    """

    label: str
    role: str
    generation: int
    round: int | None
    identity_role: str

    @property
    def place(self) -> list[str]:
        """Where it belongs, for people."""
        return [f"generation {self.generation}", *([] if self.round is None else [f"round {self.round}"])]

    @property
    def name(self) -> str:
        """Its name in commits and in the scratch space."""
        return "/".join([*self.place, self.label]).replace(" ", "-")

    def has(self) -> Column:
        """Tell whether a row of `replies` is of this stage, or of another one of its role in the round."""
        return (
            (F.col("generation") == self.generation)
            & (F.col("role") == self.role)
            & F.col("round").eqNullSafe(F.lit(self.round))
        )

    def may_share(self) -> Column:
        """Tell whether a row of `replies` may be of a request of this stage: a second judge's may be of the Judge's."""
        # Delta would skip files of an IN by its lowest and highest value.
        of_role = (F.col("role") == self.identity_role) | (F.col("role") == REJUDGE)
        return (F.col("generation") == self.generation) & of_role


@dataclass(frozen=True)
class Plan:
    """A stage's rows, and which of them are to be asked.

    `missing` counts the rows whose request has no reply, equal requests each time; `here` those whose request was
    answered in this stage already, `elsewhere` in another one of the generation. `max_bytes` is an upper estimate of
    the rows' size with their replies; None where it is unknown.
    """

    stage: Stage
    rows: DataFrame
    missing: int
    here: int
    elsewhere: int
    max_bytes: int | None

    @property
    def is_new(self) -> bool:
        """Whether none of its requests was answered before, so that each is asked once, by this run."""
        return not self.here and not self.elsewhere


@dataclass(frozen=True)
class Ledger:
    """The `replies` table, as the stages of one run use it."""

    store: Store
    scratch: Scratch
    run_id: str
    wave_size: int
    _answered_before: dict[int, DataFrame | None] = field(default_factory=dict, repr=False, compare=False)

    def plan(self, rows: DataFrame, stage: Stage, max_bytes: int | None = None) -> Plan:
        """Keep a stage's rows in the scratch space, with which of their requests have a reply already.

        What a plan has is taken as answered by the plans after it: record it, or end.

        Requests that ended in an error in an earlier run are asked again.

        Args:
            rows: any columns, with `request_id` (null where nothing is asked).
            stage: the stage.
            max_bytes: an upper estimate of the rows' size with their replies; None where it is unknown.
        """
        # A key for rows that ask nothing, too: equal ones, nulls among them, would all come to one task.
        keyed = rows.withColumn(_KEY, F.coalesce("request_id", F.xxhash64(*rows.columns).cast("string")))
        answered = self._answered(stage)  # read before this plan is kept: it must not find itself
        kept = self.scratch.checkpoint(
            keyed,
            f"{_plans_of(stage)}/{stage.name.replace('/', '.')}",
            {"requests": F.count("request_id")},
            max_bytes=max_bytes,
        )
        requests = self.scratch.observed(kept)["requests"]
        found = None if answered is None or not requests else self._found(answered, kept, stage, max_bytes)
        if found is None:
            return Plan(stage, kept.withColumn(_IN_STAGE, F.lit(None).cast("boolean")), requests, 0, 0, max_bytes)
        seen = self.scratch.observed(found)
        here, elsewhere = seen["here"], seen["elsewhere"]
        with_found = kept.join(found.select(_KEY, _IN_STAGE), _KEY, "left")
        return Plan(stage, with_found, requests - here - elsewhere, here, elsewhere, max_bytes)

    def _found(self, answered: DataFrame, kept: DataFrame, stage: Stage, max_bytes: int | None) -> DataFrame | None:
        """Return which of a plan's requests have a reply, as `_KEY` and `_IN_STAGE`; None if none has.

        Keys alone are shuffled for it. The rows, which have their prompts, are joined with what is found: in a round
        after others that is little, and goes to every executor.
        """
        wanted = kept.filter(F.col("request_id").isNotNull()).groupBy(_KEY).agg(F.count(F.lit(1)).alias("times"))
        by_request = answered.join(wanted, _KEY).groupBy(_KEY, "times").agg(F.max(_IN_STAGE).alias(_IN_STAGE))
        found = self.scratch.checkpoint(
            by_request,
            f"{_ANSWERED}/{stage.name}",
            {
                "here": F.sum(F.when(F.col(_IN_STAGE), F.col("times")).otherwise(0)),
                "elsewhere": F.sum(F.when(F.col(_IN_STAGE), 0).otherwise(F.col("times"))),
            },
            max_bytes=max_bytes,
        )
        return found if self.scratch.count(found) else None

    def _answered(self, stage: Stage) -> DataFrame | None:
        """Return the requests of a generation and role that have a reply, as `_KEY`, and `_IN_STAGE`; None if none has.

        These are the requests of this run's plans so far, and those that earlier runs have answered: none asks Delta
        but the first of a generation. Those of plans count as those of other stages: looked for in all, their replies
        are found in any. A request may stand in several rows.
        """
        found = []
        before = self._before(stage.generation)
        if before is not None:
            found.append(before.filter(stage.may_share()).select("request_id", stage.has().alias(_IN_STAGE)))
        planned = self.scratch.read(f"{_plans_of(stage)}/*", _PLANNED)
        if planned is not None:
            found.append(planned.filter(F.col("request_id").isNotNull()).withColumn(_IN_STAGE, F.lit(False)))
        return reduce(DataFrame.unionAll, found).withColumnRenamed("request_id", _KEY) if found else None

    def _before(self, generation: int) -> DataFrame | None:
        """Return what earlier runs have answered in a generation, None if nothing; its first plan of this run reads it.

        What failed in another run may pass now, and is not among it; what fails in this one is of a plan, and was tried
        as often as is of use.
        """
        if generation not in self._answered_before:
            of_generation = (F.col("generation") == generation) & F.col("error").isNull()
            rows = self.store.read(REPLIES).filter(of_generation).select("request_id", "role", "generation", "round")
            kept = None if rows.isEmpty() else self.scratch.checkpoint(rows, f"{_requests_of(generation)}/before")
            self._answered_before[generation] = kept
        return self._answered_before[generation]

    def with_replies(self, plan: Plan, recorded: DataFrame | None = None) -> DataFrame:
        """Return a stage's rows with `reply`: the reply's fields, null where nothing was asked.

        Args:
            plan: the stage's plan.
            recorded: what `record` has returned for it.
        """
        if plan.is_new:
            if recorded is None:
                is_own = plan.stage.has() & (F.col("run_id") == self.run_id)
                recorded = self.store.read(REPLIES).filter(is_own)
            replies = recorded.select(F.col("request_id").alias(_KEY), _reply().alias("reply"))
        else:
            replies = self._first_replies(plan)
        return plan.rows.join(replies, _KEY, "left").drop(_KEY, _IN_STAGE)

    def _first_replies(self, plan: Plan) -> DataFrame:
        """Return the first reply to each of a stage's requests, of this stage or of others, as `_KEY` and `reply`.

        A request has two only after a second driver on the same store, or an error that was asked again; an answer
        goes before an error.
        """
        table = self.store.read(REPLIES)
        found = table.filter(plan.stage.has())
        if plan.elsewhere:
            wanted = plan.rows.filter(~F.col(_IN_STAGE)).select("request_id").distinct()
            others = table.filter(plan.stage.may_share() & ~plan.stage.has())
            found = found.unionByName(others.join(wanted, "request_id", "left_semi"))
        order = F.struct(F.col("error").isNotNull().alias("failed"), "sent_at", "run_id", "attempt")
        first = F.min_by(_reply(), order)
        return found.groupBy(F.col("request_id").alias(_KEY)).agg(first.alias("reply"))

    def record(
        self, plan: Plan, ask: Callable[[DataFrame], DataFrame], before_wave: Callable[[], None] = lambda: None
    ) -> DataFrame | None:
        """Have a stage's requests answered in waves, each appended in one commit; one that was begun is finished.

        A single wave whose replies the driver can keep is collected before it is appended, so that `with_replies` need
        not read it back.

        Args:
            plan: which requests have no reply yet.
            ask: turns requests, each once, into rows of the `replies` table, calling the engine.
            before_wave: called before a wave is sent; what it raises ends the stage once waves under way are committed.

        Returns:
            The rows that were appended, from the scratch space; None where they are in the table alone.

        Raises:
            Stopped: if the process was asked to stop; the waves that were under way then are committed.
        """
        waves = max(1, -(-plan.missing // self.wave_size))
        requests = (
            plan.rows.filter(_is_missing()).select("request_id", "prompt", "template").dropDuplicates(["request_id"])
        )
        if waves > 1:
            self._record_waves(plan.stage, requests, waves, ask, before_wave)
            return None
        # Others are read from the table with those that were answered before.
        is_kept = plan.is_new and self.scratch.has_room(plan.max_bytes)
        with graceful_section():
            before_wave()
            answered = ask(requests)
            if is_kept:
                self.store.before_commit()  # an append looks before it asks, too
                answered = self.scratch.checkpoint(answered, f"{_REPLIES}/{plan.stage.name}", max_bytes=plan.max_bytes)
            self._append(plan.stage, answered, 0)
        return answered if is_kept else None

    def _record_waves(
        self,
        stage: Stage,
        requests: DataFrame,
        waves: int,
        ask: Callable[[DataFrame], DataFrame],
        before_wave: Callable[[], None],
    ) -> None:
        """Have requests answered in `waves` waves, two at once; `ask`, `before_wave` and errors as of `record`."""
        wave_of = F.pmod(F.xxhash64("request_id"), F.lit(waves)).cast("int")
        by_wave = requests.withColumn("wave", wave_of).repartition("wave")
        dealt = self.scratch.checkpoint(by_wave, f"{_WAVES}/{stage.name}", by="wave")
        self.store.create(REPLIES)
        failed = threading.Event()

        @inheritable_thread_target(self.store.spark)
        def answer(wave: int) -> None:
            if failed.is_set():
                return  # nothing more is asked for
            try:
                with graceful_section():
                    before_wave()
                    self._append(stage, ask(dealt.filter(F.col("wave") == wave).drop("wave")), wave)
            except BaseException:
                failed.set()
                raise

        with ThreadPoolExecutor(_WAVES_AT_ONCE) as pool:
            list(pool.map(answer, range(waves)))

    def _append(self, stage: Stage, answered: DataFrame, wave: int) -> None:
        self.store.append(
            REPLIES,
            answered,
            transaction=None,  # a later start asks for what is not there
            run_id=self.run_id,
            stage=stage.name,
            wave=wave,
        )


def _reply() -> Column:
    return F.struct(*REPLY_FIELDS)


def _requests_of(generation: int) -> str:
    """Return the folder of the scratch space with what is known of a generation's requests."""
    return f"requests/generation-{generation}"


def _plans_of(stage: Stage) -> str:
    """Return the folder of the scratch space with the plans of a stage's generation and role."""
    return f"{_requests_of(stage.generation)}/{stage.identity_role}"


def _is_missing() -> Column:
    """Tell whether a row of a plan has a request without a reply."""
    return F.col("request_id").isNotNull() & F.col(_IN_STAGE).isNull()
