"""What a server says of itself: the few of vLLM's metrics that tell how it works. Acting on them is not here."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from genetic_udfs.engine.server import http

_SAMPLE: Final = re.compile(r"^(vllm:\w+)(?:\{[^}]*\})? (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class ServerMetrics:
    """Requests that run and that wait now, the share of the KV cache in use, and counts since the server's start.

    `prefix_queries` and `prefix_hits` are tokens of prompts: all, and those found in the prefix cache.
    """

    running: float = 0.0
    waiting: float = 0.0
    kv_cache_usage: float = 0.0
    prompt_tokens: float = 0.0
    generation_tokens: float = 0.0
    prefix_queries: float = 0.0
    prefix_hits: float = 0.0
    preemptions: float = 0.0


async def fetch_metrics(socket: Path, timeout: float = 5.0) -> ServerMetrics | None:
    """Return what the server on a socket says; None when it does not, which may have any reason."""
    try:
        status, text = await http(socket, "GET", "/metrics", timeout)
    except (OSError, aiohttp.ClientError):
        return None
    return parse_metrics(text) if status == 200 else None


def parse_metrics(text: str) -> ServerMetrics:
    """Return what a page of metrics says; what is missing counts as 0.

    The engines of a server, as with data parallelism, are summed, but for the cache's usage: the fullest counts.
    """
    values: defaultdict[str, list[float]] = defaultdict(list)
    for name, value in _SAMPLE.findall(text):
        values[name].append(float(value))
    return ServerMetrics(
        running=sum(values["vllm:num_requests_running"]),
        waiting=sum(values["vllm:num_requests_waiting"]),
        kv_cache_usage=max(values["vllm:kv_cache_usage_perc"], default=0.0),
        prompt_tokens=sum(values["vllm:prompt_tokens_total"]),
        generation_tokens=sum(values["vllm:generation_tokens_total"]),
        prefix_queries=sum(values["vllm:prefix_cache_queries_total"]),
        prefix_hits=sum(values["vllm:prefix_cache_hits_total"]),
        preemptions=sum(values["vllm:num_preemptions_total"]),
    )
