"""How a cell answers the query: FINAL, FINAL_VAR, `Final`, `answer`."""

import contextlib
import dataclasses
import enum
import json
from typing import Any

from .lazy.as_list import AsList
from .lazy.text import LazyText


class Answers:
    """The answer that the cells recorded last; None until there is one."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self._variables = variables
        self.recorded: str | None = None
        self.is_json = False  # it was no text, so it is one now as JSON

    def FINAL(self, value: Any) -> None:
        """Record the answer; the cell runs on, and the last call wins."""
        self._record(value)

    def FINAL_VAR(self, variable: Any) -> None:
        """Record the value of a variable, given by its name or itself."""
        if isinstance(variable, str) and variable in self._variables:
            variable = self._variables[variable]
        elif isinstance(variable, str) and variable.isidentifier() and not self._is_bound(variable):
            raise NameError(
                f"FINAL_VAR: there is no variable {variable!r}; SHOW_VARS() lists them, FINAL(text) answers with a text"
            )
        self._record(variable)

    def _record(self, value: Any) -> None:
        self.recorded, self.is_json = as_text(value), not isinstance(value, str | LazyText)

    def forget(self) -> None:
        """Before each cell: the answer of one before it was not taken, or there would be no cell."""
        if self.recorded is None:
            return
        self.recorded = None
        self._variables.pop("Final", None)
        answer = self._variables.get("answer")
        if isinstance(answer, dict) and answer.get("ready") is True:
            answer["ready"] = False

    def _next_question(self) -> None:
        """What was answered, answered another question; all other variables stay."""
        self.recorded = None
        self._variables.pop("Final", None)
        answer = self._variables.get("answer")
        if isinstance(answer, dict) and "ready" in answer:
            self._variables["answer"] = {"content": "", "ready": False}

    def _is_bound(self, value: str) -> bool:
        return any(bound is value for bound in self._variables.values())

    def draft(self) -> str | None:
        """What `answer["content"]` holds while it is not ready; None if that is no text (too deep, or its repr fails)."""
        # What a cell left there must not fail all cells after it.
        with contextlib.suppress(Exception):
            answer = self._variables.get("answer")
            content = answer.get("content") if isinstance(answer, dict) else None
            return as_text(content) if content else None
        return None

    def take(self) -> str | None:
        """The answer at the end of a cell: `Final`, else a ready `answer`, else what FINAL recorded."""
        answer = self._variables.get("answer")
        if "Final" in self._variables:
            self._record(self._variables["Final"])
        elif isinstance(answer, dict) and answer.get("ready") is True:
            self._record(answer.get("content", ""))
        return self.recorded


def as_text(value: Any) -> str:
    """A text as it is, any other JSON-able value as JSON, else its repr."""
    if isinstance(value, str | LazyText):
        return str(value)
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_held)
    return repr(value)


def _held(value: Any) -> Any:
    """What json can write of something lazy, a dataclass, an Enum."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, LazyText):
        return str(value)
    if isinstance(value, AsList):
        return list(value)
    raise TypeError
