"""Published forms of test sets: which fields of their JSON lines hold an item's name and its problem.

- `mbpp`: Mostly Basic Python Problems (arXiv 2108.07732), whole (`text`) and sanitised (`prompt`);
- `livecodebench`: LiveCodeBench's code generation (arXiv 2403.07974);
- `bigcodebench`: BigCodeBench (arXiv 2406.15877), of which both prompts count, as code and as an instruction.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from genetic_udfs.config.decontamination import Form

# What follows in each of BigCodeBench's instructions: imports and a head, which are everybody's.
_STARTER: Final = re.compile(r"\s*You should write self-contained code starting with:.*", re.DOTALL)


@dataclass(frozen=True)
class Fields:
    """Where a form keeps what counts.

    Attributes:
        id: The field with an item's name; None if that is its line's number.
        instructions: Fields with the problem. Of those in one tuple an item has at least one, and the first counts.
        cut: Takes away from a text what all items have.
    """

    id: str | None
    instructions: tuple[tuple[str, ...], ...]
    cut: Callable[[str], str] = str


FORMS: Final[dict[Form, Fields]] = {
    "mbpp": Fields("task_id", (("text", "prompt"),)),
    "livecodebench": Fields("question_id", (("question_content",),)),
    "bigcodebench": Fields(
        "task_id", (("complete_prompt",), ("instruct_prompt",)), lambda text: _STARTER.sub("", text)
    ),
}
