"""Solutions in other languages than Python: how each is called, and its block in a reply. Nothing knows its grammar."""

import re
from typing import Final

from genetic_udfs.config import ANY_LANGUAGE, PYTHON
from genetic_udfs.engine.chat_completion import is_cut_off
from genetic_udfs.roles.blocks import Block, blocks_in
from genetic_udfs.roles.leads import is_another, is_called_wrong, is_correction

# The names of a language, by which a run may ask for it and a block be marked.
_NAMES: Final = (
    {"bash", "sh", "shell", "zsh"},
    {"c#", "csharp", "cs"},
    {"c++", "cpp", "cc", "cxx"},
    {"f#", "fsharp", "fs"},
    {"go", "golang"},
    {"haskell", "hs"},
    {"javascript", "js", "jsx", "node"},
    {"julia", "jl"},
    {"kotlin", "kt"},
    {"ruby", "rb"},
    {"rust", "rs"},
    {"typescript", "ts", "tsx"},
)
# What stands beside a solution: input, output, commands.
_BESIDE: Final = {"text", "txt", "plaintext", "output", "console", "bash", "sh", "shell", "json", "yaml", "markdown"}
# What only tests have, in the languages that are asked for most.
_TESTS: Final = re.compile(
    r"^[ \t]*(?:@Test\b|@ParameterizedTest\b|\[(?:Test|Fact|TestMethod|Theory)\]|import (?:static )?org\.junit"
    r"|(?:describe|test|it)\([\"'`]|func Test\w*\(\w+ \*testing\.T\)|#\[test\]|TEST(?:_F|_CASE)?\()",
    re.MULTILINE,
)


def shown(language: str) -> str:
    """Return a language as prompts call it; empty for any."""
    return {PYTHON: "Python", ANY_LANGUAGE: ""}.get(language.lower(), language)


def block_of(reply: str, finish_reason: str | None, language: str) -> tuple[Block | None, bool]:
    """Return the block that holds the solution, None where there is none, and whether it was cut off.

    It is the longest that is marked as the language, or the last that corrects one before; tests after it are none.
    Without a mark of the language, blocks without any mark count.
    """
    name = language.lower()
    tags = {"*"} if name == ANY_LANGUAGE else {"", name}.union(*(names for names in _NAMES if name in names))
    blocks = blocks_in(reply.replace("\r\n", "\n"), tags, lambda code: None)
    was_cut = is_cut_off(finish_reason)
    marked = [block for block in blocks if block.language and (name != ANY_LANGUAGE or block.language not in _BESIDE)]
    among = marked or [block for block in blocks if not block.language] or blocks
    among = [block for block in among if not is_called_wrong(block.lead)] or among
    among = [block for block in among if block is among[0] or not _TESTS.search(block.code)]
    chosen = None
    for block in among:
        is_longer = chosen is not None and len(block.code) > len(chosen.code) and not is_another(block.lead)
        if chosen is None or is_longer or is_correction(block.lead):
            chosen = block
    if chosen is None or (was_cut and not chosen.is_closed):
        return None, was_cut
    return chosen, False
