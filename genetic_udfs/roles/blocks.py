"""The code blocks of a reply, whatever their fences are like: nested, longer, in lists, half a pair. Pure.

Where several fences might end a block, the first that leaves code without a fault does. Which block is the solution is
`solution.py`'s.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final, NamedTuple

from genetic_udfs.data.fences import Fence, fences_in

Fault = Callable[[str], str | None]

_TEXT_AROUND: Final = {"markdown", "md"}  # a block of which may hold the blocks that are meant
_QUOTED: Final = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)
# So many ends of blocks are tried in a reply, and so many fences after an opening one are looked at: a hostile reply
# has thousands.
_MAX_TRIES: Final = 200
_MAX_AHEAD: Final = 64


class Block(NamedTuple):
    """A block: its code, the text before it since the last one, whether a fence ends it, and its `fault` if it has one.

    `language` is the one that it is marked as, or empty.
    """

    code: str
    lead: str
    is_closed: bool
    fault: str | None
    language: str


class _End(NamedTuple):
    """Where a block may end, and which fence comes after it."""

    place: int
    following: int
    is_closed: bool


def blocks_in(reply: str, languages: Collection[str], fault: Fault) -> list[Block]:
    """Return the blocks of a reply that are marked as one of some languages, or not marked if "" is among them.

    Args:
        reply: with line feeds alone between its lines.
        languages: their names in lower case; with "*", all there are.
        fault: returns what is wrong with code, or None.
    """
    fences = fences_in(reply)
    found: list[Block] = []
    at = last = 0
    tries = _MAX_TRIES
    while at < len(fences):
        opening = fences[at]
        is_wanted = opening.language in languages or "*" in languages
        ends = list(_ends(reply, fences, at))
        if opening.language in _TEXT_AROUND or (not opening.begins_line and not is_wanted):
            at += 1
            continue
        if not is_wanted:
            at = next((end.following for end in ends if end.is_closed), at + 1)
            continue
        lead = reply[last : opening.start] + opening.before
        block, end, tried = _read(reply, opening, ends, fault, lead, tries)
        tries -= tried
        is_stray = not opening.info and block.fault is not None and (not opening.begins_line or _opens(fences, at + 1))
        if is_stray or (not opening.info and block.fault is not None and not end.is_closed):
            at += 1  # the end of a block whose beginning is missing, or prose about fences
            continue
        if block.code.strip():
            found.append(block)
        at, last = end.following, end.place
    return found


def _opens(fences: list[Fence], at: int) -> bool:
    return at < len(fences) and bool(fences[at].info)


def _ends(reply: str, fences: list[Fence], at: int) -> Iterator[_End]:
    """Yield where the block that a fence opens may end: at what closes it, where another opens, where the text ends."""
    opening, opened = fences[at], None
    for place in range(at + 1, min(len(fences), at + _MAX_AHEAD)):
        fence = fences[place]
        if fence.closes(opening):
            yield _End(fence.start + (0 if fence.begins_line else len(fence.before)), place + 1, True)
        elif opened is None and fence.info and fence.begins_line:
            opened = _End(fence.start, place, False)
    if opened is not None:
        yield opened
    yield _End(len(reply), len(fences), False)


def _read(reply: str, opening: Fence, ends: list[_End], fault: Fault, lead: str, tries: int) -> tuple[Block, _End, int]:
    """Return the block up to the first end that leaves no fault, else up to the first there is; and how many failed."""
    first: tuple[Block, _End] | None = None
    for number, end in enumerate(ends):
        code = unindented(reply[opening.end + 1 : end.place], opening)
        wrong = fault(code)
        block = Block(code, lead, end.is_closed, wrong, opening.language)
        if wrong is None:
            return block, end, number
        first = first or (block, end)
        if number >= tries:
            break
    assert first is not None
    return *first, len(ends)


def unindented(block: str, opening: Fence | None = None) -> str:
    """Take what stands before each line of a block in a list or quotation away, and empty lines around it.

    Lines end with line feeds alone: what else Python's `splitlines` takes for an end may stand in a literal.
    """
    if opening is not None and ">" in opening.before and opening.begins_line:
        block = _QUOTED.sub("", block)
    lines = block.split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    if not lines:
        return ""
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip(" \t"))]
    return "\n".join(line.removeprefix(indent) for line in lines).rstrip()
