"""Values that a tester and the solution have copies of: changed together by calls, and watched for other changes."""

import sys
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

MUTABLE: Final = (list, dict, set, deque, bytearray)
COPIED: Final = (*MUTABLE, tuple)  # a tuple may hold what is mutable
_MAX_WATCHED: Final = 1_000
_DEEPEST: Final = 64
_REFERENCES_OF_OURS: Final = 2  # the entry's, and that of the call that counts them
LEAVES: Final = {type(None), bool, int, float, complex, str, bytes}


class Copies:
    """What a test has given to the solution or got from it: in one process a change would be seen by both."""

    def __init__(self) -> None:
        self._watched: dict[int, list[Any]] = {}  # value, content, number there

    def watch(self, value: Any, number: object, *, changed: bool = True) -> None:
        """Watch a value for changes.

        Args:
            value: What may be changed.
            number: What the solution calls it.
            changed: Whether a value that is watched already may have changed until now.
        """
        if not isinstance(value, COPIED) or (id(value) in self._watched and not changed):
            return
        if len(self._watched) >= _MAX_WATCHED:
            self._watched = {key: entry for key, entry in self._watched.items() if _is_held(entry)}
        self._watched[id(value)] = [value, content_of(value), number]

    def were_changed(self) -> bool:
        """Whether the test has changed one of them."""
        return any(content_of(value) != before for value, before, _ in self._watched.values())

    def held(self) -> list[int]:
        """Return the numbers of those that the test still has."""
        return [entry[2] for entry in self._watched.values() if type(entry[2]) is int and _is_held(entry)]


def _is_held(entry: list[Any]) -> bool:
    return sys.getrefcount(entry[0]) > _REFERENCES_OF_OURS


def become(value: Any, now: Any) -> bool:
    """Give a list or the like the content of another, and so those within it where they keep their places.

    Returns:
        Whether it is known what has become of those within: not if one is there twice, has another place or none.
    """
    if type(value) is not type(now) or not isinstance(value, MUTABLE):
        return False
    within = list(_within(value))
    if len({id(each) for each in within}) < len(within):
        return False
    if isinstance(value, list):
        is_known = not within or (len(value) == len(now) and not _has_moved(value, now))
        value[:] = [_became(*pair) for pair in zip(value, now, strict=True)] if within and is_known else now
        return is_known
    if isinstance(value, bytearray):
        value[:] = now
        return True
    if isinstance(value, dict):
        is_known = all(key in now for key in value if isinstance(value[key], MUTABLE))
        now = {key: _became(value.get(key), each) for key, each in now.items()}
        value.clear()
        value.update(now)
        return is_known
    value.clear()
    value.update(now) if isinstance(value, set) else value.extend(now)
    return not within


def _within(value: Any) -> Iterator[Any]:
    """Yield the lists and the like within another, and those within them."""
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, COPIED):
            if isinstance(each, MUTABLE):
                yield each
            yield from _within(each)


def _has_moved(value: list[Any], now: list[Any]) -> bool:
    """Whether one of the lists within another seems to be at another place now."""
    before, after = [content_of(each) for each in value], [content_of(each) for each in now]
    return any(after[at] != before[at] and after[at] in before for at in range(len(after)))


def _became(value: Any, now: Any) -> Any:
    """Return a list or the like that was there, with its new content; of other things the new one."""
    return value if type(value) is type(now) and isinstance(value, MUTABLE) and become(value, now) else now


def content_of(value: Any, depth: int = _DEEPEST) -> Any:
    """Return what tells whether a value was changed."""
    if depth and isinstance(value, dict):
        return tuple((content_of(key, depth - 1), content_of(each, depth - 1)) for key, each in value.items())
    if depth and isinstance(value, list | tuple | deque):
        return tuple(content_of(each, depth - 1) for each in value)
    if isinstance(value, set | frozenset):
        return frozenset(value)
    if isinstance(value, bytearray):
        return bytes(value)
    return value if type(value) in LEAVES else id(value)
