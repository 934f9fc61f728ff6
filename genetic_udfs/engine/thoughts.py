"""Parts what a model thought from what it answers, where both come in one text. Pure; tags of one's own are set."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from genetic_udfs.config.engines import ReasoningTags
from genetic_udfs.data.fences import fences_in

# What models that think open and close their thoughts with: DeepSeek-R1 and Qwen3, others, Magistral.
_KNOWN: Final = re.compile(
    r"(?P<begin><(?:think|thinking)>|\[THINK\])|(?P<end></(?:think|thinking)>|\[/THINK\])", re.IGNORECASE
)
# Text in quotes or back quotes on one line. An apostrophe within or after a word is none.
_LITERAL: Final = re.compile(
    r"(?<!\w)[rbfu]{0,2}(?P<quote>\"\"\"|'''|[\"']|(?<!`)`{1,2}(?!`))(?:\\.|(?!(?P=quote)).)*?(?P=quote)(?!\w)",
    re.IGNORECASE,
)
_SEEN_AROUND: Final = 200  # characters on both sides of a tag in which quotes are looked for
_MAX_THOUGHTS: Final = 64
_MAX_TAGS: Final = 1_000  # a hostile reply has more
_SENTENCE_ENDS: Final = ".!?:;…)]}>*`\"'\u3002\uff01\uff1f"  # the last three are Chinese


class Parted(NamedTuple):
    """Thoughts, null where there are none, and the answer, empty where the reply ends in thoughts."""

    reasoning: str | None
    answer: str


class _Tag(NamedTuple):
    start: int
    end: int
    opens: bool
    is_code: bool  # inside a code block that is closed
    is_literal: bool
    is_named: bool  # a sentence speaks of it


def parted(text: str, tags: ReasoningTags | None = None, *, was_cut: bool = True, is_apart: bool = False) -> Parted:
    """Part thoughts from the answer; a text without any is the answer as it is.

    Thoughts stand at the beginning, or begin a line or sentence further down. An end tag alone ends what the chat
    template has opened. What is in a code block or a literal of the answer, or is spoken of there, is the answer's.
    Without an end tag, all that follows was thought.

    Args:
        text: what the model sent.
        tags: those to look for in place of the known ones. Without `begin` the text begins with thoughts, unless it
            ended by itself and has no end tag: a request may have switched thoughts off.
        was_cut: whether the text ended before the model had ended it.
        is_apart: whether thoughts came apart from the text, so that it does not begin with any.
    """
    found = list(_tags_in(text, tags))
    is_opened = tags is not None and tags.begin is None and not is_apart
    if not found and not is_opened:
        return Parted(None, text)
    thoughts: list[str] = []
    answer: list[str] = []
    at = 0  # everything before is parted
    while len(thoughts) < _MAX_THOUGHTS:
        ahead = [tag for tag in found if tag.start >= at]
        opening = _opening(text, at, ahead)
        ending = _ending(ahead, opening, is_opened=is_opened and at == 0)
        if opening is not None and (ending is None or opening.end <= ending.start):
            answer.append(text[at : opening.start])
            start = opening.end
        elif ending is not None or (is_opened and was_cut and at == 0):
            start = at
        else:
            break
        stop, at = (len(text), len(text)) if ending is None else (ending.start, ending.end)
        thoughts.append(text[start:stop])
    if not thoughts:
        return Parted(None, text)
    kept = "\n\n".join(part.strip() for part in [*answer, text[at:]] if part.strip())
    return Parted("\n\n".join(part.strip() for part in thoughts if part.strip()) or None, kept)


def _opening(text: str, at: int, ahead: list[_Tag]) -> _Tag | None:
    """Return the next tag that opens thoughts: at the beginning, or where nothing makes it the answer's."""
    for tag in ahead:
        if tag.opens and (not text[at : tag.start].strip() or not (tag.is_code or tag.is_literal or tag.is_named)):
            return tag
    return None


def _ending(ahead: list[_Tag], opening: _Tag | None, *, is_opened: bool) -> _Tag | None:
    """Return the tag that ends the thoughts that are open, or that stands alone before others are opened.

    Of thoughts that are open for certain even a tag in a block ends them, if no other does: a draft may lack its fence.
    """
    plain = [tag for tag in ahead if not tag.opens and not tag.is_code and not tag.is_literal]
    ends = [tag for tag in plain if not tag.is_named]
    if ends and (opening is None or ends[0].start < opening.start):
        return ends[0]
    if opening is None and not is_opened:
        return None
    begun = 0 if opening is None else opening.end
    of_a_draft = [tag for tag in ahead if not tag.opens and not tag.is_literal]
    for among in (ends, plain, of_a_draft):
        if later := [tag for tag in among if tag.start >= begun]:
            return later[0]
    return None


def _tags_in(text: str, tags: ReasoningTags | None) -> Iterator[_Tag]:
    pattern = _KNOWN if tags is None else _pattern(tags)
    matches = list(islice(pattern.finditer(text), _MAX_TAGS))
    if not matches:
        return
    blocks = iter(_closed_blocks(text))
    block = next(blocks, None)
    spoken_of = -1  # where a tag that opens nothing ends: on its line, the one that ends it is spoken of, too
    for match in matches:
        while block is not None and block[1] <= match.start():
            block = next(blocks, None)
        is_code = block is not None and block[0] <= match.start()
        opens, is_literal = match["begin"] is not None, _is_literal(text, *match.span())
        is_pair = not opens and spoken_of >= 0 and "\n" not in text[spoken_of : match.start()]
        is_named = is_pair or _is_named(text, *match.span())
        spoken_of = match.end() if opens and is_named else -1
        yield _Tag(*match.span(), opens, is_code, is_literal, is_named)


def _pattern(tags: ReasoningTags) -> re.Pattern[str]:
    begin = re.escape(tags.begin) if tags.begin is not None else r"(?!)"
    return re.compile(f"(?P<begin>{begin})|(?P<end>{re.escape(tags.end)})")


def _closed_blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of code blocks; one that another opens in, is not closed."""
    opening = None
    for fence in fences_in(text):
        if not fence.begins_line:
            continue
        if opening is not None and fence.closes(opening):
            yield opening.end, fence.start
            opening = None
        elif opening is None or fence.info:
            opening = fence


def _is_literal(text: str, start: int, end: int) -> bool:
    first, line = _line_around(text, start, end)
    return any(found.start() < start - first and found.end() > end - first for found in _LITERAL.finditer(line))


def _is_named(text: str, start: int, end: int) -> bool:
    """Whether a tag stands within a sentence, as a word that it speaks of."""
    first, line = _line_around(text, start, end)
    before, after = line[: start - first].rstrip(), line[end - first :]
    if not before or before[-1] in _SENTENCE_ENDS:
        return False
    following = after.lstrip(" \t")
    if not following:
        return False
    return following[0] in ",.;:)" or (following != after and following[0].islower())


def _line_around(text: str, start: int, end: int) -> tuple[int, str]:
    """Return what of a tag's line is near it, and where that begins."""
    first = max(text.rfind("\n", 0, start) + 1, start - _SEEN_AROUND)
    last = text.find("\n", end, end + _SEEN_AROUND)
    return first, text[first : last if last >= 0 else end + _SEEN_AROUND]
