"""Patterns of `re` for modules: each means there what it means here, or is refused with the line to write with `re`."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from re import _compiler  # type: ignore[attr-defined]  # the functions of `re` may be those of lazy texts
from re import _constants as ops  # type: ignore[attr-defined]
from typing import Any

from . import calls
from .errors import ModuleError
from .lazy.far import Unable
from .lazy_re.elsewhere import WORDS_APART, Elsewhere
from .lazy_re.widths import parsed

_SHOWN = 200  # characters of a pattern in a message, as in wasm_modules/pattern
# What says the same as a function: {all} is `pattern, text, flags`, and each of them is there too.
_FINDITER = "re.finditer({all})"
_INSTEAD = {
    "regex.count": f"sum(1 for match in {_FINDITER})",
    "regex.find": f"[match for match in {_FINDITER}]",
    "regex.lines": "[line for line in {text}.split('\\n') if re.search({pattern}, line{flags})]",
    "regex.top": f"Counter(match[1] for match in {_FINDITER}).most_common(10)",
    "regex.extract": f"[match.groups() for match in {_FINDITER}]",
    "regex.count_many": f"sum(1 for match in {_FINDITER})",
    "text.terms": f"Counter(match[0] for match in {_FINDITER}).most_common()",
    "text.numbers": f"[float(match[1]) for match in {_FINDITER}]",
    "text.histogram": f"[float(match[1]) for match in {_FINDITER}]",
}
_same_words: bool | None = None  # of the context


def regex_arguments(function: str, given: dict[str, Any], text: Any) -> dict[str, Any]:
    """The arguments of a function of the module regex with its pattern translated. Raises ModuleError."""
    flags = re.IGNORECASE * bool(given["ignore_case"]) | re.MULTILINE * bool(given.get("multi_line"))
    off = {name: False for name in ("ignore_case", "multi_line") if name in given}
    if function == "count_many":
        letters = "i" * bool(flags & re.IGNORECASE) + "m" * bool(flags & re.MULTILINE)

        def each(pattern: Any) -> Any:
            asked = for_module("regex.count_many", pattern, flags, text)
            return f"(?{letters}){pattern}" if asked is pattern and letters and isinstance(pattern, str) else asked

        several = given["patterns"]
        return given | off | {"patterns": list(map(each, several)) if isinstance(several, list) else several}
    asked = for_module(f"regex.{function}", given["pattern"], flags, text)
    return given if asked is given["pattern"] else given | off | {"pattern": asked}


def for_module(function: str, pattern: Any, flags: int, text: Any) -> Any:
    """The pattern for a function of a module, "regex.count", with its flags in it. Raises ModuleError.

    What is no pattern of `re` is given back: the module has some of its own (\\p{Lu}), and says what is wrong with others.
    """
    try:
        return translated(function, pattern, flags, text)
    except Unable as refusal:
        names = [f"re.{name}" for name in ("IGNORECASE", "MULTILINE") if flags & re.RegexFlag[name]]
        words = {
            "pattern": repr(pattern[:_SHOWN]),
            "text": "context" if text is None else "text",
            "flags": f", {' | '.join(names)}" if names else "",
        }
        instead = _INSTEAD[function].replace("{all}", "{pattern}, {text}{flags}").format(**words)
        raise ModuleError(f"{function}: {words['pattern']} is not for a module: {refusal}. With re: {instead}") from None


@contextmanager
def as_written(pattern: Any, asked: Any) -> Iterator[None]:
    """An error of the module that shows the pattern as it was asked shows it as it was written."""
    try:
        yield
    except ModuleError as error:
        if asked is pattern or not isinstance(asked, str):
            raise
        cut = asked if len(asked) <= _SHOWN else f"{asked[:_SHOWN]}..."
        escaped = cut.replace("\\", "\\\\").replace('"', '\\"')
        raise ModuleError(str(error).replace(f'"{escaped}"', f'"{pattern[:_SHOWN]}"')) from None


def translated(function: str, pattern: Any, flags: int, text: Any) -> Any:
    """The same. Raises Unable."""
    compiled = _compiled(pattern, flags)
    if compiled is None:
        return pattern
    if _prefers_nothing(parsed(compiled)):
        raise Unable("it can match nothing where it could match something, and re tries the same place again")
    found = Elsewhere(compiled, groups=True, by_line=function == "regex.lines")
    if found.passes_end:
        raise Unable("its $ means the place before a last line end too; write \\Z for the very end, or pass multi_line=True")
    if found.by_words and not _has_same_words(text):
        raise Unable("the text has characters of which not all say that they belong to a word, as \\b asks")
    return found.pattern


def _compiled(pattern: Any, flags: int) -> "re.Pattern[str] | None":
    if not isinstance(pattern, str):
        return None
    try:
        with warnings.catch_warnings():
            # About `[[` and `--` in classes: what they mean today is what is meant.
            warnings.simplefilter("ignore")
            found: re.Pattern[str] = _compiler.compile(pattern, flags)
    except (re.PatternError, OverflowError, RecursionError):
        return None
    return found


def _prefers_nothing(tree: Any) -> bool:
    """Whether it may match nothing at a place where it could match something."""
    return tree.getwidth()[0] == 0 and any(_may_pass(op, value) for op, value in tree)


def _may_pass(op: Any, value: Any) -> bool:
    if op is ops.MIN_REPEAT:
        return bool(value[2].getwidth()[1] > 0)
    if op is ops.SUBPATTERN:
        return _prefers_nothing(value[3])
    if op is not ops.BRANCH:
        return False
    branches = value[1]
    others = [any(other.getwidth()[1] > 0 for other in branches[number:]) for number in range(1, len(branches) + 1)]
    return any(
        branch.getwidth()[0] == 0 and (other or _prefers_nothing(branch))
        for branch, other in zip(branches, others, strict=True)
    )


def _has_same_words(text: Any) -> bool:
    """Whether all say of every character whether it belongs to a word."""
    global _same_words
    if text is not None:
        parts = [text] if calls.can_take(text) else calls.whole_lines(text)
        return not any(calls.run("regex", "has_any", {"pattern": WORDS_APART}, part) for part in parts)
    if _same_words is None:
        _same_words = not calls.run("regex", "has_any", {"pattern": WORDS_APART}, None)
    return _same_words
