"""What of a text counts for being a duplicate: its normal form, content hash, tokens and shingles. Pure.

Nothing here depends on the process or the machine. The Unicode tables are Python's: another Python version may class
a newly assigned character differently, so whoever stores hashes or shingles stores `TEXT_VERSION` beside them.
"""

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# To be raised with every change that gives any text another normal form, hash, token or shingle.
TEXT_VERSION: Final = f"1-unicode{unicodedata.unidata_version}"

# Scripts written without spaces between words. There a run of letters is a sentence, not a word, and two sentences
# that differ in one word would share no token: so each letter, with its marks, is a token of its own.
_UNSPACED: Final = (
    r"\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana, Han
    r"\U0001aff0-\U0001b16f\U00020000-\U000323af"  # their supplements
    r"\u0e00-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaadf"  # Thai, Lao, Myanmar, Tai Viet
    r"\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\U00011700-\U0001174f"  # Khmer, Tai Le, New Tai Lue, Tai Tham, Ahom
)


def _in_category(category: str) -> str:
    """Return the inside of a regular expression's set: a general category's code points, planes 0, 1 and 14 searched.

    As ranges: Python's `re` tries what lies beyond plane 0 one by one, 30 times slower when given singly.
    """
    codes = [
        code
        for plane in (range(0x20000), range(0xE0000, 0xE0200))
        for code in plane
        if unicodedata.category(chr(code)).startswith(category)
    ]
    runs = [list(run) for _, run in itertools.groupby(enumerate(codes), lambda each: each[1] - each[0])]
    return "".join(f"\\U{run[0][1]:08x}-\\U{run[-1][1]:08x}" for run in runs)


# Python's `\w` knows no combining marks: by it alone a Hindi word falls apart at each vowel sign.
_MARKS: Final = _in_category("M")

# Format characters (soft hyphen, zero-width space and joiners, direction marks) and variation selectors are not seen,
# so they do not make a text another one. Unicode's NFKC_Casefold takes them away too.
_UNSEEN: Final = re.compile(rf"[{_in_category('Cf')}\ufe00-\ufe0f\U000e0100-\U000e01ef]+")

# Control characters but tab and newline, those of writing directions, halves of pairs, and what is no character.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")

# C, C++ and C# are three words. A doubled `+` after a repetition: nothing is given back, so a word of a million letters
# costs no stack.
_ASCII_TOKEN: Final = re.compile(r"[a-z0-9_]+(?:\+\+|#)?")
_TOKEN: Final = re.compile(
    rf"[^\W{_UNSPACED}]++(?:[{_MARKS}]++[^\W{_UNSPACED}]*+)*+(?:\+\+|#)?|[{_UNSPACED}][{_MARKS}]*+"
)

# Where no token ends in `++` or `#`, blanks in the place of all else part the tokens: four times as fast as the regex.
_ASCII_SEPARATORS: Final = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}

_TOKENS_REMEMBERED: Final = 1 << 20


def normalise(text: str | None) -> str:
    """Return the form in which equal texts are equal: NFKC, case-folded, unseen characters gone, white space single.

    Empty for null and blank text. Lone surrogates and control characters are kept as they are.
    """
    if text is None:
        return ""
    if text.isascii():
        return " ".join(text.lower().split())
    # Folding can undo NFKC and the other way round; two rounds reach a fixed point (Unicode 3.13, D146).
    for _ in range(2):
        text = _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return " ".join(unicodedata.normalize("NFKC", text).split())


def printable(text: str | None) -> str:
    """Return a text as it may be shown.

    It is without what a terminal takes for a command, HTML does not allow, or turns the direction of what follows.
    """
    return _UNPRINTABLE.sub("\ufffd", (text or "").replace("\r\n", "\n").replace("\r", "\n"))


def normal_lines(text: str | None) -> str:
    """Return the normal form of each line that is not blank, a line feed between them. Tokens are those of the text."""
    if text is None:
        return ""
    return "\n".join(filter(None, map(normalise, text.splitlines())))


def content_hash(text: str | None) -> str:
    """Return the first 32 hexadecimal digits of the SHA-256 of a text's normal form."""
    return hash_of_normal(normalise(text))


def hash_of_normal(normal: str) -> str:
    """Return `content_hash` of a text whose normal form is known."""
    return hashlib.sha256(_bytes(normal)).hexdigest()[:32]


def tokens(text: str | None) -> list[str]:
    """Return the words of a text: runs of letters, marks, digits and underscores, a closing `++` or `#` included.

    A letter of a script without spaces between words is a word. Punctuation, other symbols and emoji are none.
    """
    return _tokens(normalise(text))


def shingles(text: str | None, words: int) -> NDArray[np.int64]:
    """Return the distinct 64-bit hashes of a text's runs of `words` tokens, sorted.

    A text of fewer tokens has one shingle, all of it; a text without any token (symbols alone) has its normal form as
    the only one; a blank text has none. By the birthday bound, two of a billion different shingles share a hash with
    probability 0.03, so a wrong similarity is out of the question in practice.
    """
    if not (normal := normalise(text)):
        return np.empty(0, np.int64)
    return each_shingles([normal], words)[0]


def each_shingles(normal_texts: Sequence[str], words: int) -> list[NDArray[np.int64]]:
    """Return `shingles` of each of several non-blank normal texts; four times as fast as one after another."""
    flat, starts = batch_shingles(normal_texts, words)
    return [distinct(values) for values in np.split(flat.view(np.int64), starts[1:])]


def batch_shingles(normal_texts: Sequence[str], words: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the shingles of several non-blank normal texts in one array, and where each text's begin in it.

    Neither distinct nor sorted: a minimum over them asks for neither.
    """
    spaced = [_spaced(text) for text in normal_texts]
    # Bytes seen as text: Arrow's own conversion refuses lone surrogates, and splitting at spaces asks for no encoding.
    column = pa.array(map(_bytes, spaced), pa.binary()).view(pa.string())
    split = pc.ascii_split_whitespace(column)
    sizes = split.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    short = np.fromiter((not text for text in spaced), np.bool_, len(spaced)) | (sizes < words)
    counts = np.where(short, 1, sizes)
    flat = np.empty(int(counts.sum()), np.uint64)
    is_of_short = np.repeat(short, counts)
    flat[~is_of_short] = _hashes(split.values)[np.repeat(~short, sizes)]
    flat[is_of_short] = [_short(normal_texts[at], spaced[at]) for at in np.flatnonzero(short)]
    return _windows(flat, counts, words)


def jaccard(left: NDArray[np.int64], right: NDArray[np.int64]) -> float:
    """Return the Jaccard similarity of two arrays of distinct, sorted values; 0.0 where both are empty."""
    both = np.concatenate((left, right))
    both.sort(kind="stable")
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / max(len(both) - shared, 1)


def distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the distinct values, sorted. Six times faster than `np.unique` on the 200 shingles of a usual text."""
    ordered = np.sort(values)
    if len(ordered) < 2:
        return ordered
    first_of_its_kind = np.empty(len(ordered), np.bool_)
    first_of_its_kind[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first_of_its_kind[1:])
    return ordered[first_of_its_kind]


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return each value scrambled by the finaliser of SplitMix64, which is one to one (Steele et al., OOPSLA 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def chain(hashes: NDArray[np.uint64], values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the hashes of sequences that are one value longer. The order of a sequence counts."""
    return mix(hashes * np.uint64(0x9E3779B97F4A7C15) + values)


def _windows(
    flat: NDArray[np.uint64], sizes: NDArray[np.int64], words: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the hashes of all runs of `words` values that lie within one text, and where each text's begin.

    A text of one value keeps it as it is: either it is a short text's hash, or `words` is 1.
    """
    counts = np.maximum(sizes - (words - 1), 1)
    starts = np.cumsum(counts) - counts
    if words == 1:
        return flat, starts
    # The positions of all runs' first values: a text's values begin at `begins`, its runs at `starts`.
    begins = np.cumsum(sizes) - sizes
    positions = np.arange(int(counts.sum()), dtype=np.int64) + np.repeat(begins - starts, counts)
    single = np.repeat(sizes == 1, counts)
    hashes = flat[positions]
    whole = hashes[single]
    last = max(len(flat) - 1, 0)
    for offset in range(1, words):
        hashes = chain(hashes, flat[np.minimum(positions + offset, last)])
    hashes[single] = whole
    return hashes, starts


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _hash64(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def _tokens(normal: str) -> list[str]:
    found: list[str] = (_ASCII_TOKEN if normal.isascii() else _TOKEN).findall(normal)
    return found


def _spaced(normal: str) -> str:
    """Return a text's tokens with blanks between them."""
    if normal.isascii() and "+" not in normal and "#" not in normal:
        return normal.translate(_ASCII_SEPARATORS).strip()
    return " ".join(_tokens(normal))


def _short(normal: str, spaced: str) -> int:
    """Return the only shingle of a text that has too few tokens for one of the usual length."""
    return _hash64(_bytes(" ".join(spaced.split()) or normal))


def _hashes(tokens: pa.Array) -> NDArray[np.uint64]:
    """Return the hash of each token; those of a corpus come again and again, so each is computed once."""
    encoded = tokens.view(pa.binary()).dictionary_encode()
    words = encoded.dictionary.to_pylist()
    if len(_token_hashes) > _TOKENS_REMEMBERED:
        _token_hashes.clear()
    hashes = np.fromiter(map(_token_hashes.__getitem__, words), np.uint64, len(words))
    found: NDArray[np.uint64] = hashes[encoded.indices.to_numpy()]
    return found


class _TokenHashes(dict[bytes, int]):
    """Token -> 64-bit hash, remembered."""

    def __missing__(self, token: bytes) -> int:
        value = self[token] = _hash64(token)
        return value


_token_hashes = _TokenHashes()
