"""Talk about the task in place of a problem: how it begins, as weak models begin when they lose the thread.

A problem speaks to who solves it ("Write a function ...", "Given a list ..."); talk speaks of problems, solutions,
examples, or of who is speaking. `tests/evolution/filters/off_task.txt` has openings of each kind; no seed has one.
"""

import re
from typing import Final

_THING: Final = (
    r"(?:problem|question|task|instruction|exercise|challenge|solution|answer|code|function|example|version|requirement"
    r"|constraint|idea|goal|purpose|difference|one)s?"
)
_WHICH: Final = (
    r"(?:new|old|given|rewritten|modified|changed|original|first|second|third|next|following|correct|above|harder|simple"
    r"|simpler|possible|good|similar|better|great|classic|key|main|coding|programming)"
)
# What is said of the thing: else "The task scheduler ..." or "This function should ..." could not begin a problem.
_SAID: Final = (
    r"(?:(?:of|from|to)\s+(?:this|the)\s+(?:\w+\s+)?(?:problem|task|exercise|question)"
    r"|is|are|was|were|has|have|had|now|can|could|would|will|may|needs?|asks?|requires?|involves?|uses?|shows?|tests?"
    r"|(?<!function\s)should|(?<!function\s)must|takes?|finds?|solves?|returns?|statement|to|at\s+hand|you|inspired|above"
    r"|below)\b"
)
_MAKE: Final = r"(?:solve|make|create|change|rewrite|write|answer|find|add|improve|modify|generate)"
_TALKED_OF: Final = r"(?:problem|question|task|solution|constraint|answer|exercise|example|requirement)s?"
_IN_THE_SENTENCE: Final = rf"(?=[^.!?\n]*\b(?:{_TALKED_OF}|help|step\s+by\s+step|one)\b)"

_OPENINGS: Final = (
    r"here(?:'s|\s+(?:is|are|you\s+go|goes))\b",
    rf"(?:the|this|these|my|an?|another|one)\s+(?:{_WHICH}\s+)*{_THING}\s*,?\s+{_SAID}",
    rf"this\s+is\s+(?:just\s+|not\s+|only\s+)?(?:an?|the|my|your|one)\s+(?:\w+\s+){{0,3}}?{_THING}\b",
    r"(?:these|those|the\s+following)\s+(?:is|are)\b",
    rf"(?:in\s+order\s+)?to\s+{_MAKE}\s+(?:(?:this|that|it)\b\s*(?:,|{_THING}|harder)|(?:the|an?)\s+[^.,\n]{{0,30}}{_TALKED_OF}\b)",
    r"in\s+this\s+(?:version|solution)\b|in\s+the\s+(?:new|given|rewritten|original|modified)\s+(?:problem|task|question)\b",
    rf"(?:i|we)\b(?:'(?:ve|ll|d|m|re))?\s+(?!have\s+an?\s){_IN_THE_SENTENCE}",
    r"i(?:\s+am|'m|\s+would|'d|\s+can|\s+hope|\s+think|'ll|'ve)\b|let(?:'s|\s+us|\s+me)\b",
    rf"you\s+(?:can|could|may|asked|should|might)\b(?!\s+write\s+a\s+(?:function|program|class)){_IN_THE_SENTENCE}",
    r"you\s+could\s+also\b",
    r"(?:sure|certainly|of\s+course|absolutely|okay|ok|great|alright|yes|no|hello|hi)\b(?:\s+thing)?[,!.]",
    r"thank(?:s|\s+you)\b|as\s+(?:a\s+language\s+model|an\s+ai|requested|you\s+can\s+see|an\s+example)\b",
    r"please\s+(?:improve|let\s+me|provide\s+more|note|find\s+the\s+rewritten|rewrite|review|change|feel)\b",
    r"below\s+(?:is|are)\b",
    r"(?:based\s+on|inspired\s+by|unlike|after\s+reading|given)\s+the\s+(?:given\s+|above\s+)?(?:examples?|problems?)\b",
    rf"(?:one|another)\s+way\s+to\b|(?:an?|one|another)\s+(?:possible|new)\s+{_THING}\b",
    r"problems?\s+inspired\b|note\s+that\b|remember\s+(?:that|to)\b|feel\s+free\b|good\s+luck\b|how\s+about\b",
    r"what\s+(?:would|do)\s+you\b|first,?\s+(?:we|let|i)\b|step\s+(?:one|1)\b|now,?\s+(?:the\s+problem|let|we|i)\b",
    r"it\s+(?:seems|looks\s+like|is\s+important)\b|by\s+adding\b|with\s+this\s+change\b|if\s+you\s+want\b",
)
_OFF_TASK: Final = re.compile(rf"\W*(?:{'|'.join(_OPENINGS)})", re.IGNORECASE)


def opening_off_task(instruction: str) -> str | None:
    """Return the beginning by which an instruction is talk about the task, or None."""
    found = _OFF_TASK.match(instruction.replace("\u2019", "'"))
    return found.group().strip() if found else None
