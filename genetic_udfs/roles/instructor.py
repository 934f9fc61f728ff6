"""The Instructor: prompts for mutation and crossover, and new instructions out of its replies."""

import json
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from genetic_udfs.config import PYTHON
from genetic_udfs.config.operators import CROSSOVER
from genetic_udfs.engine.chat_completion import is_cut_off
from genetic_udfs.roles.other_languages import shown
from genetic_udfs.roles.prompts import render

_MARKS: Final = r"[ \t>*_#]*+"
_NOUN: Final = (
    r"(?:(?:new|rewritten|revised|modified|updated|final|coding|programming|python)[ \t]+)*"
    r"(?:problem|instruction|task|question|exercise|challenge)(?:[ \t]+(?:statement|description))?"
)
_NUMBER: Final = r"(?:\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|[A-Z](?![a-z]))"
# Labels: with a colon, full stop or bracket the text follows; without, they are a line of their own.
_NUMBERED: Final = re.compile(
    rf"^{_MARKS}(?P<noun>{_NOUN})[ \t]*(?:#|no\.?|number)?[ \t]*{_NUMBER}[ \t]*(?:\([^()\n]{{1,40}}\))?"
    r"(?:[ \t*_]*(?:[:.)]|[-\u2013\u2014](?=[ \t]))[ \t*_]*|[ \t*_#]*$)",
    re.IGNORECASE | re.MULTILINE,
)
_NAMED: Final = re.compile(
    rf"^(?:{_MARKS}(?P<noun>{_NOUN})[ \t*_]*:[ \t*_]*|[ \t>]*+[*_#]++[ \t*_#]*+(?P<title>{_NOUN})[ \t*_#]*$)",
    re.IGNORECASE | re.MULTILINE,
)
_COUNTED: Final = re.compile(r"^(?P<indent>[ \t]*+)[>*_#]*+[ \t]*+(?P<number>\d{1,2})[.)][ \t*_]+", re.MULTILINE)
_HASHED: Final = re.compile(r"^[ \t>*_]*#+[ \t]*(?P<number>\d{1,2})(?:[.):]|(?=[ \t*_]|$))[ \t*_:]*", re.MULTILINE)
# Labels that a problem may hold, too, as those of its own examples: only where there are as many as were asked for.
_SERIAL: Final = re.compile(
    rf"^{_MARKS}(?P<noun>(?:example|question|problem|q|p)[ \t]*#?[ \t]*|\()(?P<number>\d{{1,2}})"
    r"(?:[ \t]+of[ \t]+\d{1,2})?[ \t*_]*[:.)][ \t*_]*",
    re.IGNORECASE | re.MULTILINE,
)
_TAGGED: Final = re.compile(
    r"<(?P<tag>problem|instruction|task|question|answer)>(?P<text>.*?)</(?P=tag)>", re.IGNORECASE | re.DOTALL
)
_ENDS_OF_TURNS: Final = re.compile(r"(?:\s*<\|(?:im_end|eot_id|end|endoftext)\|>)+\s*\Z")
_RULE: Final = re.compile(r"^[ \t]*(?:-{3,}|\*{3,})[ \t]*$", re.MULTILINE)
_BULLET: Final = re.compile(r"^(?P<indent>[ \t]*)[-*•][ \t]+", re.MULTILINE)
# Words before a problem that speak of it: they agree, or present it as a problem, and end with a colon or their line.
# What is presented has to be the problem itself: a text may begin with the code, table or rules that it is about.
_WORD: Final = r"(?:(?!(?:that|which|who|of|for|to|with|in|on|from|about|whose|and|where)\b)[\w'\u2019-]+[ \t]+)"
_SORT: Final = (
    r"(?:problem|version|task|question|instruction|exercise|challenge)s?(?:[ \t]+(?:statement|description)s?)?"
)
_ITS: Final = (
    r"of[ \t]+(?:the|this|that|your|an?)[ \t]+(?:[\w-]+[ \t]+){0,2}?"
    r"(?:problem|task|question|instruction|exercise|challenge)\b"
)
_SAYS: Final = (
    r"(?:inspired|based|that|which|for|in|as|you|i|while|including|after|without|at|whose|from|using|derived|requiring"
    r"|about|with(?![ \t]+(?:my|our|the|this)\b))\b"
)
_TAIL: Final = rf"(?:[ \t]*[,(\u2013\u2014-][^:\n]{{0,80}}|[ \t]+(?:{_ITS}|{_SAYS})[^:\n]{{0,80}})?"
_CHANGED: Final = r"(?:new|rewritten|modified|changed|revised|harder)[ \t]+"
_READS: Final = (
    rf"(?:[ \t]+{_ITS})?(?:[ \t]+(?:inspired|based|for you)\b[^:\n]{{0,60}})?"
    r"(?:[ \t]+(?:now[ \t]+)?(?:is|are|reads?|follows|becomes|goes|(?:would|could|might)[ \t]+be)"
    r"(?:[ \t]+(?:as follows|below|this|now))?)?"
)
_MADE: Final = (
    r"i(?:['\u2019]ve|[ \t]+have)?[ \t]+(?:rewritten|written|wrote|created|modified|made|changed|revised|designed"
    r"|prepared|generated|came up with|come up with)"
)
_ENDS: Final = r"[ \t*_]*:[ \t*_]*(?:\n\s*|[ \t]+(?=(?-i:[A-Z`\"*])))"
_PREAMBLE: Final = re.compile(
    r"\A\W{0,3}(?:(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|alright|great|yes|got it|no problem"
    r"|understood|i(?:['\u2019]d| would) be (?:happy|glad) to(?: help)?)\b"
    r"(?:[ \t*_]*[,.!:;\u2013\u2014-]+[*_]*[ \t]+|[ \t]+(?=(?:here|below)\b)|\W*\n\s*))*"
    rf"(?:(?:here|below)(?:['\u2019]s|[ \t]+(?:is|are))?[ \t]+{_WORD}{{0,7}}?{_SORT}{_TAIL}(?:{_ENDS}|[ \t.!*_]*\n\s*)"
    rf"|here(?:['\u2019]s one|[ \t]+(?:it is|you (?:go|are)|they are))(?:{_ENDS}|[ \t.!*_]*\n\s*)"
    r"|(?:rewritten|response|assistant|final answer)[ \t*_]*:[ \t*_]*\s*"
    rf"|(?:the|this is|my|an?|{_MADE})[ \t]+{_WORD}{{0,4}}?{_CHANGED}{_WORD}{{0,4}}?{_SORT}{_READS}{_ENDS})?",
    re.IGNORECASE,
)
_FENCE: Final = re.compile(r"`{3}|~{3}")
# What stands before the first of several problems, if it is no problem itself.
_ANNOUNCES: Final = re.compile(
    r"\b(?:problems|tasks|questions|instructions|exercises|challenges)\b"
    r"|\A\W*(?:sure|certainly|of course|absolutely|okay|ok|alright|great|yes|here|below|the following|these)\b",
    re.IGNORECASE,
)
# Words after a problem that speak to whoever asked, or of what was changed.
_OF_IT: Final = r"this (?:new |modified |revised |rewritten |harder )?"
_CLOSING: Final = re.compile(
    r"\n[ \t>*_]*(?:let me know|feel free|good luck|i hope|hope (?:this|these|that)|would you like|do you want"
    r"|please let)\b"
    r"[^\n]*\s*\Z"
    r"|\n[ \t]*\n[ \t>*_#(]*(?:"
    r"(?:key |main |summary of )?(?:the )?changes(?: made)?[ \t*_]*:[ \t*_]*(?:\s*\n[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t])?"
    rf"|{_OF_IT}(?:version|variation|variant|rewrite) (?:now |also )?"
    r"(?:adds|introduces|increases|requires|raises|changes|replaces|makes)\b"
    rf"|{_OF_IT}(?:problem|task) (?:now )?(?:requires|demands|needs) (?:more|deeper|additional)\b[^\n]*\bbecause\b"
    r")[^\n]*(?:\n[ \t]*[^\s][^\n]*)*\s*\Z",
    re.IGNORECASE,
)
_MAX_CLOSING: Final = 2000  # characters from the end in which such words are looked for
_FENCED: Final = re.compile(
    r"\A(?P<mark>`{3,}|~{3,})[ \t]*(?:text|markdown|md|plaintext|json)?[ \t]*\n(?P<text>.*)\n[ \t]*(?P=mark)\Z",
    re.DOTALL,
)
# Rules between instructions, and marks that only surround one.
_RULES: Final = re.compile(r"\A(?:[-*_=]{2,}\s*(?:\n|\Z))+|(?:(?:\A|\n)[ \t]*[-*_=]{2,})+\s*\Z")
_MAX_LAYERS: Final = 100  # a hostile reply has thousands of labels after one another
_QUOTES: Final = {'"': '"', "“": "”", "'": "'"}


class Offspring(NamedTuple):
    """One instruction read from a reply; with a `reason` it is rejected, and `detail` says more."""

    instruction: str
    reason: str | None
    detail: str | None


def mutation_prompt(task: str, instruction: str, own: str | None = None, language: str = PYTHON) -> str:
    """Ask for one instruction, changed as the mutation task says, with the user's own template if given."""
    return render(task, own, instruction=instruction, language=shown(language))


def crossover_prompt(examples: Sequence[str], count: int, own: str | None = None, language: str = PYTHON) -> str:
    """Ask for `count` new instructions inspired by the examples, with the user's own template if given."""
    return render(CROSSOVER, own, examples=list(examples), count=count, language=shown(language))


def offspring(operator: str, reply: str, finish_reason: str | None, asked: int) -> list[Offspring]:
    """Read the instructions in a reply: one for a mutation, up to `asked` for a crossover.

    What was cut off by the token limit is `truncated`. What comes after the number asked for is one row of its
    own, `beyond_asked`, so a reply gives `asked` + 1 rows at most. A reply that holds no instruction at all gives one
    `unparsed` row, so that nothing goes without a trace.
    """
    texts = _split(reply, asked) if operator == CROSSOVER else [_bare(reply)]
    texts = [text for text in texts if text]
    cut_off = is_cut_off(finish_reason)
    if not texts and cut_off:
        return [Offspring("", "truncated", "the reply ended before it held an instruction")]
    if not texts:
        return [Offspring("", "unparsed", "the reply holds no instruction")]
    result = []
    for index, text in enumerate(texts[: asked + 1], start=1):
        if index > asked:
            detail = f"the first of {len(texts) - asked} more than the {asked} asked for"
            result.append(Offspring(text, "beyond_asked", detail))
        elif cut_off and index == len(texts):
            result.append(Offspring(text, "truncated", "the reply ended at max_tokens"))
        else:
            result.append(Offspring(text, None, None))
    return result


def _split(reply: str, asked: int) -> list[str]:
    """Part a crossover's reply at its labels; without any, the whole reply is one instruction.

    Counted lines are labels only where nothing else is, and where what stands before them is no problem itself: a
    problem may hold a numbered list of its own.
    """
    reply = _ENDS_OF_TURNS.sub("", reply)
    if len(parts := _listed(reply) or [found["text"] for found in _TAGGED.finditer(reply)]) > 1:
        return [_bare(part) for part in parts]
    kinds = (
        _serial(reply, asked),
        _labels(reply, _NUMBERED),
        _labels(reply, _NAMED),
        _counted(reply, asked),
        _bullets(reply),
    )
    labels = next(filter(None, kinds), [])
    if asked > 1 and len(labels) != asked:
        if len(parts := _ruled(reply, asked)) == asked:
            return parts
        if len(hashed := _in_sequence(list(_HASHED.finditer(reply)))) == asked:
            labels = hashed
    if labels:
        ends = [label.start() for label in labels[1:]] + [len(reply)]
        return [
            _bare(_without_half_a_mark(label[0], reply[label.end() : end]))
            for label, end in zip(labels, ends, strict=True)
        ]
    return [_bare(reply)]


def _listed(reply: str) -> list[str]:
    """Return the texts of a reply that is a JSON list of them, or of objects that hold one text each."""
    inner = _text_in_fence(reply.strip()) or reply
    try:
        found = json.loads(inner)
    except (ValueError, RecursionError):
        return []
    if not isinstance(found, list):
        return []
    texts = [next(iter(each.values()), None) if isinstance(each, dict) and len(each) == 1 else each for each in found]
    strings = [text for text in texts if isinstance(text, str)]
    return strings if len(strings) == len(found) else []


def _serial(reply: str, asked: int) -> list[re.Match[str]]:
    """Return as many labels of one kind as were asked for, counted from the first of the reply; else none."""
    found = list(_SERIAL.finditer(reply))
    labels = _in_sequence([label for label in found if label["noun"].lower() == found[0]["noun"].lower()])
    return labels if 1 < asked == len(labels) and _is_announced(reply[: labels[0].start()]) else []


def _labels(reply: str, pattern: re.Pattern[str]) -> list[re.Match[str]]:
    """Return the labels with the noun of the first: a problem may have tasks and questions."""
    found = list(pattern.finditer(reply))
    nouns = [next(filter(None, label.groupdict().values())).lower().split() for label in found]
    return [label for label, noun in zip(found, nouns, strict=True) if noun[-1] == nouns[0][-1]]


def _counted(reply: str, asked: int) -> list[re.Match[str]]:
    """Return the counted lines that problems begin with: not indented more than the first, and counted on from it.

    Where steps within problems are not indented either, empty lines tell problems apart.
    """
    found = list(_COUNTED.finditer(reply))
    if not found or not _is_announced(reply[: found[0].start()]):
        return []
    indent = min(len(label["indent"]) for label in found)
    outer = [label for label in found if len(label["indent"]) == indent]
    spaced = [label for label in outer if not reply[: label.start()].rstrip(" \t")[-2:].strip("\n")]
    for labels in (_in_sequence(spaced), _in_sequence(outer)):
        if len(labels) == asked:
            return labels
    return _in_sequence(outer)


def _in_sequence(labels: Sequence[re.Match[str]]) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    for label in labels:
        if not found or int(label["number"]) == int(found[-1]["number"]) + 1:
            found.append(label)
    return found


def _ruled(reply: str, asked: int) -> list[str]:
    """Return the texts between rules, without one that only announces the others."""
    texts = [text for text in map(str.strip, _RULE.split(reply)) if re.search(r"\w", text)]
    if len(texts) == asked + 1 and _ANNOUNCES.search(texts[0]):
        texts = texts[1:]
    return [bare for text in texts if (bare := _bare(text))]


def _bullets(reply: str) -> list[re.Match[str]]:
    """Return the bullets that problems begin with, where the reply is a list of them."""
    found = list(_BULLET.finditer(reply))
    if len(found) < 2 or not _is_announced(reply[: found[0].start()]):
        return []
    return [label for label in found if label["indent"] == found[0]["indent"]]


def _is_announced(before: str) -> bool:
    """Whether the text before the first of several problems is none itself."""
    return not re.search(r"\w", before) or _ANNOUNCES.search(before) is not None


def _without_half_a_mark(label: str, text: str) -> str:
    """Take away the end of a bold line whose beginning was before the label."""
    first, newline, rest = text.partition("\n")
    for mark in ("**", "__"):
        if label.count(mark) % 2 and first.count(mark) % 2:
            head, _, tail = first.rpartition(mark)
            return f"{head}{tail}{newline}{rest}"
    return text


def _bare(text: str) -> str:
    """Take labels, preambles, surrounding white space, rules, bold marks and quotes away, as long as there are any."""
    for _ in range(_MAX_LAYERS):
        before, text = text, _barer(text)
        if text == before:
            break
    return text


def _barer(text: str) -> str:
    text = _RULES.sub("", _ENDS_OF_TURNS.sub("", text.strip())).strip()
    if (tagged := _TAGGED.fullmatch(text)) is not None:
        return tagged["text"].strip()
    closing = _CLOSING.search(text, max(0, len(text) - _MAX_CLOSING))
    if closing is not None and not _FENCE.search(closing[0]):
        text = text[: closing.start()].strip()
    label = _NUMBERED.match(text) or _NAMED.match(text)
    if label is not None:
        return _without_half_a_mark(label[0], text[label.end() :]).strip()
    preamble = _PREAMBLE.match(text)
    if preamble is not None and re.search(r"\w", preamble.group()):
        rest = text[preamble.end() :].strip()
        # Code that follows is what the words are about, so they are the problem's.
        if rest and (_FENCE.match(rest) is None or _text_in_fence(rest) is not None):
            return rest
    if len(text) > 4 and text.startswith("**") and text.endswith("**") and text.count("**") == 2:
        return text[2:-2].strip()
    if (inner := _text_in_fence(text)) is not None:
        return inner.strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        return text[1:-1].strip()
    return text


def _text_in_fence(text: str) -> str | None:
    """Return what is in a fence of prose that surrounds all of a text, or None."""
    fenced = _FENCED.match(text)
    return fenced["text"] if fenced is not None and fenced["mark"] not in fenced["text"] else None
