"""What JSON commands say by name, by one rule: `name`, `name.field`, `name.0`; within a text `${name}`."""

import re
from collections.abc import Callable
from typing import Any, Protocol

from . import queries
from .answers import Answers, as_text
from .context import Context
from .errors import CommandError
from .lazy.as_list import AsList
from .lazy.documents import Documents
from .lazy.far import spelled
from .lazy.text import LazyText, length_of

LISTED = 50  # names that an error lists

# A backslash before it: the text itself is meant.
_FILLED = re.compile(r"(\\?)\$\{([^{}\n]+)\}")
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$#&~-]")


class Notebook(Protocol):
    """What the commands work with."""

    variables: dict[str, Any]
    answers: Answers
    context: Context

    @property
    def has_own_context(self) -> bool: ...

    @property
    def printed(self) -> int: ...

    def load_context(self) -> None: ...

    def provide(self, text: str) -> None: ...

    def execute_cell(self, name: str, code: str) -> None: ...

    def SHOW_VARS(self) -> dict[str, str]: ...


class Names:
    """The cells' variables, and beside them the last result, as `last`, and a map's `part`."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self.last: Any = ""
        self.part: Any = None
        self._has_part = False

    def value(self, path: str | None) -> Any:
        """Of a name, and down from it by dots; the context for none."""
        path = plain(path or "context")
        if self._has(path):
            return self._named(path)
        name, *steps = path.split(".")
        if not self._has(name):
            raise CommandError(f"there is no variable {name!r}; there are: {', '.join(self._listed())}")
        value, come = self._named(name), name
        while steps:
            value, taken = _descend(value, steps, come)
            come, steps = ".".join([come, *steps[:taken]]), steps[taken:]
        return value

    def assign(self, name: str, value: Any) -> None:
        name = plain(name)
        if "." in name:
            raise CommandError(f"{name!r} is no name for a variable: it has a dot")
        self._notebook.variables[name] = value

    def is_context(self, path: str | None) -> bool:
        """Whether it is what the host has."""
        return plain(path or "context") == "context" and not self._notebook.has_own_context

    def fill_text(self, text: str) -> str:
        """The text with the values that it names."""
        return self._fill(text, lambda path: self._as_text(path, self.value(path)))

    def fill(self, value: Any) -> Any:
        """The same in all texts within a value. A text that is nothing but one name becomes the value itself."""
        if isinstance(value, str):
            whole = _FILLED.fullmatch(value)
            return self.value(whole[2]) if whole and not whole[1] else self.fill_text(value)
        if isinstance(value, list):
            return [self.fill(each) for each in value]
        if isinstance(value, dict):
            return {name: self.fill(each) for name, each in value.items()}
        return value

    def fill_pattern(self, pattern: str) -> str:
        """A pattern with the values that it names: a text means itself, a list any of its items."""
        return self._fill(pattern, lambda path: self._as_pattern(path, escaped), escaped)

    def fill_spelled(self, text: str) -> str:
        """The pattern of a text with such values: nothing in it has another meaning."""
        parts, end = [], 0
        for found in _FILLED.finditer(text):
            parts += [spelled(text[end : found.start()])]
            parts += [spelled(found[0][1:]) if found[1] else self._as_pattern(found[2], spelled)]
            end = found.end()
        return "".join([*parts, spelled(text[end:])])

    def fill_parts(self, text: str, parts: list[Any], *, named: bool) -> list[str]:
        """The text for each of the parts: `${part}`. `named`: it must be in it."""
        if named and not any(plain(found[2]).split(".")[0] == "part" for found in _FILLED.finditer(text) if not found[1]):
            raise CommandError("the prompt must have ${part} in it: where each document, item or group of lines is to stand")
        self._has_part = True
        try:
            filled = []
            for self.part in parts:
                filled.append(self.fill_text(text))
            return filled
        finally:
            self._has_part, self.part = False, None

    def _fill(self, text: str, say: Callable[[str], str], literal: Callable[[str], str] = str) -> str:
        return _FILLED.sub(lambda found: literal(found[0][1:]) if found[1] else say(found[2]), text)

    def _as_text(self, path: str, value: Any) -> str:
        length = _length(value)
        if length > queries.most_characters():
            raise CommandError(
                f"{path} has {length:,} characters, too many to fill in: take parts of it with slice, lines, find or map"
            )
        return as_text(value)

    def _as_pattern(self, path: str, escape: Callable[[str], str]) -> str:
        value = self.value(path)
        if not isinstance(value, list | tuple | AsList):
            return escape(self._as_text(path, value))
        items = [escape(as_text(each)) for each in value]
        if not all(items) or not items:
            raise CommandError(
                f"{path} is {'an empty list' if not items else 'a list with an empty text'}: every line would match"
            )
        return f"(?:{'|'.join(items)})"

    def _has(self, name: str) -> bool:
        beside = name in ("context", "_", "last") or (self._has_part and name == "part")
        return beside or name in self._notebook.variables

    def _named(self, name: str) -> Any:
        if name == "part" and self._has_part:
            return self.part
        if name == "context":
            self._notebook.load_context()
        if name in ("_", "last") and name not in self._notebook.variables:
            return self.last
        return self._notebook.variables[name]

    def _listed(self) -> list[str]:
        names = dict.fromkeys(["context", *(["part"] if self._has_part else []), *self._notebook.SHOW_VARS()])
        names.pop("answer", None)  # a cell's own way to answer
        return [*names][:LISTED] + (["..."] if len(names) > LISTED else [])


def plain(name: str) -> str:
    """A name without what marks it in a text."""
    return name[2:-1] if name.startswith("${") and name.endswith("}") else name.removeprefix("$")


def escaped(text: str) -> str:
    """A text as a pattern that means nothing else, as readable as can be."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def _descend(value: Any, steps: list[str], come: str) -> tuple[Any, int]:
    """What the first of the steps lead to, and how many they are: a key may have dots."""
    if isinstance(value, dict):
        for taken in range(len(steps), 0, -1):
            key = ".".join(steps[:taken])
            if key in value:
                return value[key], taken
        keys = ", ".join(map(str, [*value][:LISTED]))
        raise CommandError(f"{come} has no field {steps[0]!r}; there are: {keys}")
    if isinstance(value, list | tuple | AsList):
        try:
            return value[int(steps[0])], 1
        except (ValueError, IndexError):
            raise CommandError(f"{come} is a list of {len(value):,}: it has no item {steps[0]!r}, they are from 0") from None
    kind = "text" if isinstance(value, str | LazyText) else type(value).__name__
    raise CommandError(f"{come} is no list or object ({kind}): it has no part {steps[0]!r}")


def _length(value: Any) -> int:
    """Characters, as far as they are known without a look at them."""
    if isinstance(value, Documents):
        return sum(value.lengths)
    return length_of(value) if isinstance(value, str | LazyText) else 0
