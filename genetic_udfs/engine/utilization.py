"""How an engine was used during a stage: its servers' metrics, summed up on the driver."""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from genetic_udfs.engine.metrics import ServerMetrics

STALE: Final = 15.0  # seconds after which what a server or a feeder last said is not about now


@dataclass(frozen=True)
class EngineUtilization:
    """What the servers of an engine did in a stage, as their own metrics tell.

    Args:
        seconds: Time between the first and the last that was heard of them.
        servers: How many there were, with those that took the place of one that died or was stopped.
        restarts: How many of them took another's place.
        max_num_seqs: How many sequences they could work on at once, those of one executor counted once.
        running_now: Requests they work on now.
        waiting_now: Requests they have and have not begun.
        running: The same over the stage, averaged over time and summed over the servers.
        waiting: Requests that were not begun, averaged and summed alike.
        tokens_per_second: Tokens generated a second.
        kv_cache_usage: The highest share of the KV cache in use that was seen.
        prefix_cache_hit_rate: Share of the prompts' tokens found in the prefix cache; None if none was looked up.
        preemptions: How often a sequence was put off because the KV cache was full.
    """

    seconds: float
    servers: int
    restarts: int
    max_num_seqs: int
    running_now: float
    waiting_now: float
    running: float
    waiting: float
    tokens_per_second: float
    kv_cache_usage: float
    prefix_cache_hit_rate: float | None
    preemptions: int

    def describe(self) -> list[str]:
        """Return what a person wants to see of it while the stage runs."""
        facts = [f"running {self.running_now:.0f} of {self.max_num_seqs}", f"{self.waiting_now:.0f} waiting"]
        facts.append(f"KV cache {self.kv_cache_usage:.0%}")
        if self.prefix_cache_hit_rate is not None:
            facts.append(f"prefix hits {self.prefix_cache_hit_rate:.0%}")
        if self.preemptions:
            facts.append(f"{self.preemptions} preemptions")
        if self.restarts:
            facts.append(f"{self.restarts} restart{'s' if self.restarts > 1 else ''}")
        return facts

    def is_underutilized(self, running: float) -> bool:
        """Whether `running` requests at once leave half of the engine without work, and none waits for it."""
        return running < self.max_num_seqs / 2 and self.waiting_now < 1


@dataclass
class ServerWatch:
    """One server's metrics during a stage: the first, the last and what lies between."""

    executor: str
    max_num_seqs: int
    first: ServerMetrics
    since: float = field(default_factory=lambda: time.monotonic())
    last: ServerMetrics = field(init=False)
    last_seen: float = field(init=False)
    running: float = 0.0  # requests times seconds, as `waiting`
    waiting: float = 0.0
    kv_cache_usage: float = 0.0

    def __post_init__(self) -> None:
        self.last, self.last_seen = self.first, self.since
        self.kv_cache_usage = self.first.kv_cache_usage

    def take(self, metrics: ServerMetrics) -> None:
        """Add what the server says now."""
        now = time.monotonic()
        self.running += (self.last.running + metrics.running) / 2 * (now - self.last_seen)
        self.waiting += (self.last.waiting + metrics.waiting) / 2 * (now - self.last_seen)
        self.kv_cache_usage = max(self.kv_cache_usage, metrics.kv_cache_usage)
        self.last, self.last_seen = metrics, now


def engine_utilization(watches: Collection[ServerWatch]) -> EngineUtilization | None:
    """Sum up the servers of a stage; None before any was heard of."""
    if not watches:
        return None
    now = time.monotonic()
    present = [watch for watch in watches if now - watch.last_seen < STALE]
    # An executor has one server of an engine at a time, though several one after another if they die.
    capacity = {watch.executor: watch.max_num_seqs for watch in watches}
    seconds = max(watch.last_seen for watch in watches) - min(watch.since for watch in watches)
    generated = sum(watch.last.generation_tokens - watch.first.generation_tokens for watch in watches)
    queries = sum(watch.last.prefix_queries - watch.first.prefix_queries for watch in watches)
    hits = sum(watch.last.prefix_hits - watch.first.prefix_hits for watch in watches)
    return EngineUtilization(
        seconds=seconds,
        servers=len(watches),
        restarts=len(watches) - len(capacity),
        max_num_seqs=sum(capacity.values()),
        running_now=sum(watch.last.running for watch in present),
        waiting_now=sum(watch.last.waiting for watch in present),
        running=sum(watch.running for watch in watches) / seconds if seconds > 0 else 0.0,
        waiting=sum(watch.waiting for watch in watches) / seconds if seconds > 0 else 0.0,
        tokens_per_second=generated / seconds if seconds > 0 else 0.0,
        kv_cache_usage=max(watch.kv_cache_usage for watch in watches),
        prefix_cache_hit_rate=hits / queries if queries > 0 else None,
        preemptions=round(sum(watch.last.preemptions - watch.first.preemptions for watch in watches)),
    )
