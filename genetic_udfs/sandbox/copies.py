"""Values that a tester and the solution have copies of: changed together by calls, and watched for other changes."""

from collections import deque
from typing import Any, Final

MUTABLE: Final = (list, dict, set, deque, bytearray)
_WATCHED: Final = {*MUTABLE, tuple}
_MOST_WATCHED: Final = 1_000
_LEAVES: Final = {type(None), bool, int, float, complex, str, bytes}


class Copies:
    """What a test has given to the solution or got from it: in one process a change would be seen by both."""

    def __init__(self) -> None:
        self._watched: dict[int, tuple[Any, Any]] = {}

    def watch(self, value: Any, *, anew: bool = True) -> None:
        """Watch a value for changes; if it is watched already, from now on if it is `anew`."""
        is_known = id(value) in self._watched
        if type(value) in _WATCHED and (anew if is_known else len(self._watched) < _MOST_WATCHED):
            self._watched[id(value)] = (value, _content(value))

    def were_changed(self) -> bool:
        """Whether the test has changed one of them."""
        return any(_content(value) != before for value, before in self._watched.values())


def become(value: Any, now: Any) -> None:
    """Give a list or the like the content of another, and so those within it where they keep their places."""
    if type(value) is not type(now):
        return
    if isinstance(value, list):
        if len(value) == len(now):
            now = [_became(*pair) for pair in zip(value, now, strict=True)]
        value[:] = now
    elif isinstance(value, bytearray):
        value[:] = now
    elif isinstance(value, deque):
        value.clear()
        value.extend(now)
    elif isinstance(value, dict | set):
        if isinstance(value, dict):
            now = {key: _became(value.get(key), each) for key, each in now.items()}
        value.clear()
        value.update(now)


def _became(value: Any, now: Any) -> Any:
    """Return a list or the like that was there, with its new content; of other things the new one."""
    if type(value) in MUTABLE and type(value) is type(now):
        become(value, now)
        return value
    return now


def _content(value: Any) -> Any:
    """Return what tells whether a value was changed."""
    if isinstance(value, dict):
        return tuple((_content(key), _content(each)) for key, each in value.items())
    if isinstance(value, list | tuple | deque):
        return tuple(map(_content, value))
    if isinstance(value, set | frozenset):
        return frozenset(value)
    if isinstance(value, bytearray):
        return bytes(value)
    return value if type(value) in _LEAVES else id(value)
