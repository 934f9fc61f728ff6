"""What the words before a code block say of it: that it is wrong, takes the place of another, or stands beside it.

The last sentence alone tells, and a heading before it: what comes before may speak of the block above.
"""

import re
from typing import Final

_OF_INPUT: Final = r"(?![ \t]+(?:inputs?|types?|values?|arguments?|keys?|data|entries)\b)"
_IS_WRONG: Final = re.compile(
    rf"\b(?:(?:wrong|incorrect){_OF_INPUT}|na[iï]ve(?:ly)?|bug|buggy|broken{_OF_INPUT}|inefficient|draft|originally"
    r"|bad (?:code|practice|example|version|way|idea|solution)|first (?:try|attempt|idea)|brute[- ]force"
    r"|(?:original|old|previous|earlier|erroneous) (?:code|version|function|implementation|solution|attempt)"
    r"|(?:given|provided|reference|your) code|your (?:version|attempt)|(?:the )?original (?:was|is|one)"
    r"|erroneous|for reference"
    r"|\A\W*(?:before|previously|original)(?: the (?:fix|change|correction))?\b"
    r"|pitfalls?|anti-?patterns?|not recommended|common mistakes?"
    r"|(?:this|it|that|which|code|version|approach|way|solution|following|one) (?:fails|(?:is|was) (?:too )?slow)"
    r"|slow(?:er)? (?:version|way|approach|solution)"
    r"|(?:do not|don't|never|avoid) (?:do(?:ing)?|us(?:e|ing)|writ(?:e|ing))"
    r" (?:this|it|so|that|the following|code like)"
    r"|avoid (?:this|the following|code like))\b",
    re.IGNORECASE,
)
_CORRECTS: Final = re.compile(
    r"\b(?:correct(?:ed|ion)?|fix(?:e[ds])?|better|best|improved|optimi[sz]ed|updated|revised|instead(?! of\b)"
    r"|final (?:solution|version|code|answer|implementation)|right (?:solution|version|way|code|answer)"
    r"|(?:it|that|this) (?:must|should) (?:be|read))\b"
    r"|\A\W*(?:rather|actually|final(?:ly)?)\W*\Z",
    re.IGNORECASE,
)
_IS_ANOTHER: Final = re.compile(
    r"\b(?:alternativ\w+|another (?:way|approach|option|version|solution)|(?:can|could|may|might) also"
    r"|also (?:works?|possible)|shorter|more concise|one-liner|if you (?:prefer|want)|optional(?:ly)?|for comparison"
    r"|varia(?:nt|tion)|(?:recursive|iterative|functional) (?:version|way|approach)|not recommended"
    r"|less (?:safe|efficient|readable|robust))\b",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"[^.!?\n]*[^.!?\n\s][^.!?\n]*[.!?:]*\s*\Z")
_HEADING: Final = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+[^\n]+|\*\*[^*\n]+\*\*:?)[ \t]*$", re.MULTILINE)


def is_called_wrong(lead: str) -> bool:
    """Whether the words say that what follows is not the solution."""
    words = _nearest(lead)
    return bool(_IS_WRONG.search(words)) and not _CORRECTS.search(words)


def is_another(lead: str) -> bool:
    """Whether the words offer what follows beside what came before."""
    words = _nearest(lead)
    return _IS_ANOTHER.search(words) is not None and not _CORRECTS.search(words)


def is_correction(lead: str) -> bool:
    """Whether the words say that what follows takes the place of what came before."""
    words = _nearest(lead)
    return _IS_ANOTHER.search(words) is None and _CORRECTS.search(words) is not None


def _nearest(lead: str) -> str:
    """Return the last sentence, after the last heading if that is another line."""
    sentence = _SENTENCE.search(lead)
    if sentence is None:
        return ""
    headings = _HEADING.findall(lead[: sentence.start()])
    return f"{headings[-1]}\n{sentence[0]}" if headings else sentence[0]
