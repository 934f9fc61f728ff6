"""What the words before a code block say of it: that it is wrong, takes the place of another, or stands beside it."""

import re
from typing import Final

_IS_WRONG: Final = re.compile(
    r"\b(?:wrong|incorrect|na[iï]ve(?:ly)?|bugg?y?|broken|bad|fails?|don't|do not|never|avoid|inefficient|slow(?:er)?"
    r"|first (?:try|attempt|idea)|draft|originally?|brute[- ]force|(?:given|provided|reference|your) code)\b",
    re.IGNORECASE,
)
_IS_RIGHT: Final = re.compile(
    r"\b(?:right|correct(?:ed|ion|ly)?|fix(?:ed)?|final(?:ly)?|better|improved?|optimi[sz]ed|efficient|solution|instead"
    r"|updated?|revised|actually|works|rather|(?:must|should) (?:be|read))\b",
    re.IGNORECASE,
)
_IS_ANOTHER: Final = re.compile(
    r"\b(?:alternativ\w+|another (?:way|approach|option|version|solution)|also|shorter|more concise|one-liner"
    r"|if you (?:prefer|want)|optional(?:ly)?|for comparison)\b",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"[^.!?\n]*[^.!?\n\s][^.!?\n]*[.!?:]*\s*\Z")


def is_called_wrong(lead: str) -> bool:
    """Whether the last sentence says that what follows is not the solution."""
    sentence = _SENTENCE.search(lead)
    return sentence is not None and bool(_IS_WRONG.search(sentence[0])) and not _IS_RIGHT.search(sentence[0])


def is_another(lead: str) -> bool:
    """Whether the words offer what follows beside what came before."""
    return _IS_ANOTHER.search(lead) is not None and not _IS_RIGHT.search(lead)


def is_correction(lead: str) -> bool:
    """Whether the words say that what follows takes the place of what came before."""
    return _IS_ANOTHER.search(lead) is None and bool(_IS_RIGHT.search(lead) or _IS_WRONG.search(lead))
