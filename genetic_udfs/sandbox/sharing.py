"""What the test's own values are made of and may hold, and what is done with them that the solution cannot follow."""

import ast

from genetic_udfs.sandbox.changes import changed, is_gone_through, is_late, refers_only
from genetic_udfs.sandbox.names import INSIDE, Binding, Names, Use, is_fixed, used_paths
from genetic_udfs.sandbox.unroll import NotStraight


class Sharing:
    """Follows the values of a test, by the names that they have.

    Attributes:
        asked: How often the solution has been asked so far: each time it may have changed what it has.
        looked_up: Names that something looks up later, so they may not be given other values.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self.asked = 0
        self.looked_up: set[str] = set()

    def uses(self, node: ast.stmt) -> list[Use]:
        """Return the test's own values that a statement makes something of; names of constants stand for these."""
        uses: list[Use] = []
        is_function = isinstance(node, ast.FunctionDef)
        for path in used_paths(node, within=not is_function):
            held = self._names.get(path)
            if held is None or held.origin in INSIDE:
                continue
            if is_late(node) and not is_function:
                self.looked_up.add(path)
            if held.module or (held.literal is not None and is_fixed(held.literal)):
                continue
            state = (held.changes, held.rebound, self.asked)
            uses.append(Use(path, held, not refers_only(node), is_function, *state))
            for name, each in ({} if is_function else self._looked_up(path, held)).items():
                uses.append(Use(name, each, True, False, each.changes, each.rebound, self.asked))
        return uses

    def _looked_up(self, path: str, binding: Binding) -> dict[str, Binding]:
        """Return what a function of the test's would find now by the names that it looks up, and what those would."""
        found: dict[str, Binding] = {}
        with self._names.meaning_of(path):
            waiting = [use.path for use in binding.uses if use.is_late]
            while waiting:
                name = waiting.pop()
                held = self._names.get(name)
                if held is not None and name not in found:
                    found[name] = held
                    waiting += [use.path for use in held.uses if use.is_late]
        return found

    def goes_on(self, value: ast.expr) -> bool:
        """Whether a value of the test's is not the same when it is used again."""
        if is_gone_through(value):
            return True
        held = self._names.of(value.func) if isinstance(value, ast.Call) else None
        return held is not None and held.has_effects

    def diverge(self, binding: Binding) -> None:
        """Note that the test does something with a value that the solution's process does not."""
        for each in binding.reached():
            if each.is_there:
                raise NotStraight("a value that the solution has is changed")
            each.is_diverged = True

    def lend(self, path: str) -> None:
        """Note that copies of a literal's items have names of their own: what is changed of them is not in it."""
        held = self._names.get(path)
        if held is not None and not held.module:
            self.check_copies(path, held)
            held.copied_at = -1

    def check_copies(self, path: str, binding: Binding) -> None:
        """Refuse what has parts that were copied, and may have been changed since."""
        if binding.copied_at == -1:
            raise NotStraight(f"{path} has parts that may have been changed since they were copied")

    def check_use(self, use: Use) -> None:
        """Refuse to make something of a value that is no longer what it was."""
        held = use.binding
        is_same = self._names.get(use.path) is held and held.rebound == use.rebound
        if not use.is_late and not is_same:
            raise NotStraight(f"{use.path} was something else")
        is_asked = held.is_there and self.asked != max(held.there_at, use.at)
        if use.is_read and not use.is_late and (held.changes != use.changes or is_asked):
            raise NotStraight(f"{use.path} may have been something else")

    def check_effects(self, made: ast.stmt, *, is_replayed: bool) -> None:
        """Note what values a statement of the rest changes beside those that it is known to."""
        used = {path: self._names.get(path) for path in used_paths(made, within=True)}
        own = {path: each for path, each in used.items() if each is not None and not each.module}
        for path, each in list(own.items()):
            own |= {f"{path}: {name}": found for name, found in self._looked_up(path, each).items()}
        for part in _changed_by(made, is_replayed=is_replayed):
            for path in used_paths(part, within=True):
                if path in own:
                    self.diverge(own[path])
            target = self._names.of(part)  # of `n += 1` in a loop
            if target is not None and not target.module:
                self.diverge(target)
        if not is_replayed and any(each.has_effects and not each.is_there for each in own.values()):
            for each in own.values():
                if each.literal is None or not is_fixed(each.literal):
                    self.diverge(each)


def is_function(binding: Binding) -> bool:
    """Whether a value is a function of the test's, which nothing of the solution's changes."""
    return isinstance(binding.made_by[0], ast.FunctionDef) if binding.made_by else False


def _changed_by(made: ast.stmt, *, is_replayed: bool) -> list[ast.expr]:
    """Return what a statement changes in place; of one that is replayed, beside what it is there for."""
    match made:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=of), args=given, keywords=named)) if is_replayed:
            parts: list[ast.AST] = [of, *given, *named]
        case ast.Assign(targets=targets, value=value) if is_replayed:
            inner = [each for target in targets for each in ast.walk(target) if isinstance(each, ast.Subscript)]
            parts = [value, *(each.slice for each in inner)]
        case ast.AugAssign(value=value) if is_replayed:
            parts = [value]
        case _:
            parts = [made]
    return [each for part in parts for each in changed(part)]
