"""Where code fences stand in a text, as Markdown has them and as models write them. What is in them is the roles'."""

import re
from typing import Final, NamedTuple

_FENCE: Final = re.compile(r"^(?P<before>[^\n]*?)(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$", re.MULTILINE)
# What may stand before a fence that begins its line: marks of quotations, and one of a list.
_MARGIN: Final = re.compile(r"[ \t]*(?:>[ \t]?)*[ \t]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?")
_LANGUAGE: Final = re.compile(r"[\s{.]*([\w+#-]*)")


class Fence(NamedTuple):
    """A fence: its line's span without the line feed, what stands before it there, its mark, and what is after it."""

    start: int
    end: int
    before: str
    mark: str
    info: str

    @property
    def begins_line(self) -> bool:
        """Whether nothing but a margin stands before it."""
        return _MARGIN.fullmatch(self.before) is not None

    @property
    def language(self) -> str:
        """The language that it names, in lower case."""
        named = _LANGUAGE.match(self.info)
        return named[1].lower() if named is not None else ""

    def closes(self, opening: "Fence") -> bool:
        """Whether it may be the end of the block that another opens: as long a mark, of the same kind, and bare."""
        return not self.info and self.mark[0] == opening.mark[0] and len(self.mark) >= len(opening.mark)


def fences_in(text: str) -> list[Fence]:
    """Return the fences of a text, in order."""
    return [
        Fence(found.start(), found.end(), found["before"], found["mark"], found["info"].strip())
        for found in _FENCE.finditer(text)
    ]
