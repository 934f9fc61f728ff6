"""A model for the scripted server: it plays the three roles by rule, and embeds, by a function of the prompt alone.

Its instructions are words drawn by a hash of the prompt, so no two are near each other unless a test wants it.
"""

import hashlib
import json
import math
import random
from typing import Final

from tests.scripted_server import Answer, Request

_WORDS: Final = [
    f"{a}{b}" for a in "bdfglmnprst" for b in ("alo", "eri", "inu", "oma", "ute", "ysk", "aru", "ebo", "iko", "ofa")
]


COMMONPLACE: Final = "Write a function that adds two numbers and returns their sum as an integer"


def answer(request: Request) -> Answer:
    """Answer as instructor, coder or judge, or as one that embeds; one in eight verdicts is No."""
    prompt = request.prompt
    if "input" in request.body:
        return Answer(body={"data": [{"embedding": vector(prompt)}], "usage": {"prompt_tokens": len(prompt.split())}})
    drawn = random.Random(_number(prompt))
    if "You review answers" in prompt:
        return verdict(_number(prompt) % 8 != 0)
    if "Solve the programming problem" in prompt:
        return Answer(f"```python\ndef solve(x):\n    return x + {_number(prompt) % 1000}\n```")
    if "Read the example problems" in prompt:
        return Answer("\n".join(f"Problem {i}: {instruction(drawn)}" for i in (1, 2)))
    return Answer(COMMONPLACE if _number(prompt) % 2 == 0 else instruction(drawn))


def instruction(drawn: random.Random) -> str:
    """Return an instruction of 14 words, ten of them drawn."""
    return "Write a function for " + " ".join(drawn.choices(_WORDS, k=10))


def vector(text: str) -> list[float]:
    """Return a direction drawn for a text."""
    drawn = random.Random(_number(text))
    return [drawn.gauss(0.0, 1.0) for _ in range(16)]


def verdict(yes: bool, probability: float = 0.9) -> Answer:
    """Return a boxed verdict with its log-probabilities."""
    said, other = ("Yes", "No") if yes else ("No", "Yes")
    tops = [
        [("Fine. ", 0.0)],
        [("\\boxed{", 0.0)],
        [(said, math.log(probability)), (other, math.log(1 - probability))],
        [("}", 0.0)],
    ]
    return Answer(f"Fine. \\boxed{{{said}}}", tops=tops)


def _number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(json.dumps(parts).encode()).digest()[:6], "big")
