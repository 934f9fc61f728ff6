"""The special methods of an object that stands for another one: which are asked of that, and which refused."""

from typing import Any, Final

from genetic_udfs.sandbox.serving import ARITHMETIC, BINARY, IN_PLACE

_ITEMS: Final = ("getitem", "setitem", "delitem")
_NUMBERS: Final = {"int": int, "float": float, "complex": complex, "len": int, "index": int}
_FORWARDED: Final = ("__setattr__", "__delattr__", "__enter__")
_REFUSED: Final = (
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__contains__", "__dir__"),
    *("__copy__", "__deepcopy__", "__reduce_ex__", "__mro_entries__", "__subclasscheck__", "__reversed__"),
    *("__await__", "__aiter__", "__anext__", "__aenter__", "__aexit__"),
)


def define_special_methods(kind: type) -> None:
    """Give a class what Python looks for in a class, and not in its objects.

    Args:
        kind: Has methods `_remote_refuse(what)`; `_remote_method(name, *arguments)`; `_remote_text`, the same for a
            text; `_remote_asked_for(operator, *arguments)`; and `_remote_done(operator, *operands)`, which may refuse
            more than one operand.
    """

    def forwarded(name: str) -> Any:
        return lambda self, *arguments: self._remote_method(name, *arguments)

    def asked_for(name: str) -> Any:
        return lambda self, *arguments: self._remote_asked_for(name, *arguments)

    def text(name: str) -> Any:
        return lambda self, *arguments: self._remote_text(name, *arguments)

    def refused(name: str) -> Any:
        return lambda self, *_: self._remote_refuse(name)

    def done(name: str) -> Any:
        return lambda self, *arguments: self._remote_done(name, self, *arguments)

    def reflected(name: str) -> Any:
        return lambda self, other: self._remote_done(name, other, self)

    def number(name: str, wanted: type) -> Any:
        def method(self: Any) -> Any:
            found = self._remote_done(name, self)
            return found if type(found) is wanted else self._remote_refuse(name)

        return method

    methods = {name: forwarded(name) for name in _FORWARDED}
    methods |= {f"__{name}__": asked_for(name) for name in _ITEMS}
    methods |= {name: text(name) for name in ("__str__", "__format__")}
    methods |= {name: refused(name) for name in _REFUSED}
    methods |= {f"__{name.strip('_')}__": done(name) for name in (*ARITHMETIC, *IN_PLACE)}
    methods |= {f"__r{name.strip('_')}__": reflected(name) for name in BINARY}
    methods |= {f"__{name}__": number(name, wanted) for name, wanted in _NUMBERS.items()}
    methods["__bool__"] = number("truth", bool)
    for name, method in methods.items():
        setattr(kind, name, method)
