"""What a server says of itself: the few of vLLM's metrics that tell whether it works. Acting on them is not here."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from genetic_udfs.engine.server import http_get

_SAMPLE = re.compile(r"^(vllm:\w+)(?:\{[^}]*\})? (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Gauges:
    """Requests that run and that wait, and all tokens so far, of prompts and of answers."""

    running: float
    waiting: float
    tokens: float


async def read_gauges(socket: Path, timeout: float = 5.0) -> Gauges | None:
    """Return what the server on a socket says; None when it does not, which may have any reason."""
    try:
        status, text = await http_get(socket, "/metrics", timeout)
    except (OSError, EOFError, ValueError):
        return None
    return gauges_in(text) if status == 200 else None


def gauges_in(text: str) -> Gauges:
    """Return the gauges in a page of metrics, summed over the engines of a server; what is missing counts as 0."""
    sums: defaultdict[str, float] = defaultdict(float)
    for name, value in _SAMPLE.findall(text):
        sums[name] += float(value)
    return Gauges(
        running=sums["vllm:num_requests_running"],
        waiting=sums["vllm:num_requests_waiting"],
        tokens=sums["vllm:prompt_tokens_total"] + sums["vllm:generation_tokens_total"],
    )
