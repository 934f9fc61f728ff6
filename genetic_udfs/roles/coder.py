"""The Coder: its prompt, and the code in its replies."""

import re
from collections.abc import Collection
from typing import Final, NamedTuple

from genetic_udfs.config import NAMES_OF_PYTHON, PYTHON
from genetic_udfs.engine.chat_completion import is_cut_off
from genetic_udfs.roles.blocks import Block, blocks_in
from genetic_udfs.roles.entry_points import asked_of, missing_from
from genetic_udfs.roles.leads import is_correction
from genetic_udfs.roles.other_languages import block_of, shown
from genetic_udfs.roles.prompts import render
from genetic_udfs.roles.solution import Piece, fault_of, solution_of

_MARKS: Final = NAMES_OF_PYTHON | {"", "python2", "pycon", "ipython", "tool_code", "code"}
_CODE_START: Final = re.compile(r"^(?:def |class |import |from \S+ import |async def |@\w|if __name__)", re.MULTILINE)
_FENCE_LINE: Final = re.compile(r"^[ \t]*(?:`{3,}|~{3,})", re.MULTILINE)
_TYPED: Final = re.compile(r"^(?:>>>|\.\.\.)(?: (.*)|$)", re.MULTILINE)
# Code is followed by prose: lines are given up from the end, so many at the most.
_MAX_TRAILING_LINES: Final = 40


class Code(NamedTuple):
    """The code of a reply, or None with the `reason` and `detail` why there is none."""

    code: str | None
    reason: str | None
    detail: str | None


def coder_prompt(instruction: str, own: str | None = None, language: str = PYTHON) -> str:
    """Ask for a solution of an instruction, with the text of the user's own template if one is given.

    A template is given the first function or class that the instruction names as `entry_point`, or nothing, and the
    language, or nothing for any.
    """
    asked = asked_of(instruction)
    return render(
        "coder", own, instruction=instruction, entry_point=asked[0] if asked else "", language=shown(language)
    )


def repair_prompt(instruction: str, code: str, test: str, status: str, message: str, own: str | None = None) -> str:
    """Ask for another solution of an instruction, with a test that one fails and what is known of that."""
    return render(
        "repair",
        own,
        instruction=instruction,
        code=code,
        test=test,
        status=status,
        message=message,
    )


def extract_code(reply: str, finish_reason: str | None, asked: Collection[str] = ()) -> Code:
    """Take the solution from a reply: of its code blocks those that answer, joined; without any, code in its text.

    Reasons: `no_code` (nothing that looks like Python), `truncated` (cut off before the code was complete, or before
    there was any), `syntax_error` (`detail` gives line and message).

    Args:
        reply: the answer, without thoughts.
        finish_reason: why it ended.
        asked: names that the problem asks for.
    """
    text, was_cut = reply.replace("\r\n", "\n"), is_cut_off(finish_reason)
    blocks = blocks_in(text, _MARKS, fault_of)
    whole = [block for block in map(_without_prose, blocks) if block.fault is None]
    if was_cut:
        whole = [block for block in whole if block.is_closed]
    pieces = [piece for block in whole if (piece := Piece.of(block.code, block.lead)) is not None]
    found = solution_of(pieces, asked)
    if found is not None and (broken := _broken_correction(blocks, found, was_cut)) is not None:
        return Code(None, "truncated" if was_cut else "syntax_error", broken.fault)
    if found is None and not whole:
        found = solution_of([piece for block in blocks if (piece := _of_transcript(block)) is not None], asked)
    problem = next((block.fault for block in blocks if block.fault is not None), None)
    if found is None and not (was_cut and not _FENCE_LINE.search(text)):
        for code in _unfenced(text[: fence.start()] if (fence := _FENCE_LINE.search(text)) else text):
            wrong = fault_of(code)
            if wrong is None:
                piece = Piece.of(code)
                found = None if piece is None else solution_of([piece], asked)
                break
            problem = problem or wrong
    if found is not None:
        return Code(found, None, None)
    if was_cut:
        return Code(None, "truncated", problem or "the reply ended before it held any code")
    return (
        Code(None, "no_code", "the reply holds no Python code")
        if problem is None
        else Code(None, "syntax_error", problem)
    )


def read_solution(instruction: str, reply: str, finish_reason: str | None) -> Code:
    """Take the solution of an instruction from a reply, as `extract_code` does, if it defines what that names.

    One more reason: `entry_point_missing`, with the names in `detail`.
    """
    asked = asked_of(instruction)
    found = extract_code(reply, finish_reason, asked)
    if found.code is None or not (missing := missing_from(found.code, asked)):
        return found
    return Code(found.code, "entry_point_missing", f"the code does not define {', '.join(missing)}")


def solution_in(instruction: str, reply: str, finish_reason: str | None, language: str) -> tuple[Code, str | None]:
    """Take the solution in a language from a reply; return it and the language that it is marked as.

    Of another language than Python it is the block that is marked so, whatever is in it.
    """
    if language == PYTHON:
        found = read_solution(instruction, reply, finish_reason)
        return found, None if found.code is None else PYTHON
    block, was_cut = block_of(reply, finish_reason, language)
    if block is not None:
        return Code(block.code, None, None), block.language or language.lower()
    reason = "truncated" if was_cut else "no_code"
    return Code(None, reason, f"the reply holds no whole block of {shown(language) or 'code'}"), None


def fenced_python(reply: str) -> list[str]:
    """Return the code of the fenced blocks marked as Python or not marked, whether or not it has faults."""
    return [block.code for block in blocks_in(reply.replace("\r\n", "\n"), _MARKS, fault_of)]


def _broken_correction(blocks: list[Block], found: str, was_cut: bool) -> Block | None:
    """Return a block that was to take the place of the solution, and has a fault: then what it corrects is none."""
    for block in blocks:
        names = re.findall(r"^(?:async )?(?:def|class) (\w+)", block.code, re.MULTILINE)
        is_same = any(re.search(rf"^(?:async )?(?:def|class) {name}\b", found, re.MULTILINE) for name in names)
        is_broken = block.fault is not None or (was_cut and not block.is_closed)
        is_meant = block is blocks[-1] and len(blocks) > 1 and (was_cut or is_correction(block.lead))
        if is_broken and is_same and is_meant:
            return block
    return None


def _of_transcript(block: Block) -> Piece | None:
    """Return what was typed into an interpreter, where a block shows that with its output."""
    typed = _TYPED.findall(block.code) if block.is_closed and block.code.lstrip().startswith(">>> ") else []
    code = "\n".join(typed)
    return Piece.of(code, block.lead) if typed and fault_of(code) is None else None


def _without_prose(block: Block) -> Block:
    """Give up lines at the end of a block that no fence ends, if what is left has no fault."""
    if block.fault is None or block.is_closed:
        return block
    for code in _shorter(block.code):
        if fault_of(code) is None:
            return block._replace(code=code, fault=None)
    return block


def _unfenced(text: str) -> list[str]:
    """Return what may be code in a text without fences, longest first: from the first statement on."""
    start = _CODE_START.search(text)
    return [] if start is None else _shorter(text[start.start() :])


def _shorter(code: str) -> list[str]:
    """Return code, and what is left of it without its last line, its last two and so on.

    Prose may follow the code. Only lines that are not indented are given up for that, or a function that is wrong at
    its end would be cut down until it compiles.
    """
    lines = code.rstrip().split("\n")
    tries = ["\n".join(lines)]
    while len(tries) <= _MAX_TRAILING_LINES and len(lines) > 1 and lines[-1][:1] not in {" ", "\t"}:
        lines.pop()
        tries.append("\n".join(lines).rstrip())
    return tries
