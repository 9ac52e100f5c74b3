"""The optional parameters of requests: those of the configuration, without those that the server has refused by name."""

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from orchestrator.errors import ConfigError
from orchestrator.providers.failures import EXCERPT, words_of

Body = dict[str, Any]

ESSENTIAL = frozenset({"model", "messages", "system", "stream"})  # a request without them is another one
# The limit of a reply has two names. It is what the operator is willing to pay: it is never left out.
_OTHER_NAME = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_DEPTH = 5  # of tables in an error
_MOST = 20  # of the entries that are looked at
_UNSUPPORTED = re.compile(
    "unsupported|n[o']t support|not permitted|not allowed|forbidden|"
    "unknown|unrecognized|unexpected|cannot find|deprecated|unavailable",
    re.IGNORECASE,
)


class Parameters:
    """What one server takes, as far as it is known."""

    def __init__(self, required: Collection[str] = ()) -> None:
        """`required`: beside what is essential."""
        self._required = ESSENTIAL | set(required)
        self._refused: set[str] = set()
        self._renamed: dict[str, str] = {}

    def taken(self, body: Body) -> Body:
        """The body without what was refused."""
        return {self._renamed.get(name, name): value for name, value in body.items() if _mark(name, value) not in self._refused}

    def learn(self, status: int, content: bytes, sent: Body) -> bool:
        """Whether it is worth sending again, with less. Each parameter of `sent` can be refused once."""
        name = refused_name(content, [each for each in sent if each not in self._required]) if status in (400, 422) else None
        if name is None or name in self._renamed.values():
            return False
        if name in _OTHER_NAME:
            self._renamed[name] = _OTHER_NAME[name]
        else:
            self._refused.add(_mark(name, sent[name]))
        return True


def _mark(name: str, value: Any) -> str:
    """What is refused: a table with its content, for another schema may be taken."""
    return f"{name} {hashlib.sha256(json.dumps(value).encode()).hexdigest()}" if isinstance(value, dict) else name


def fewer(configured: int, wanted: int | None) -> int:
    """How many tokens a reply may have."""
    return configured if wanted is None else min(configured, wanted)


def those_set(options: Body) -> Body:
    """Without those that the configuration leaves to the server (None)."""
    return {name: value for name, value in options.items() if value is not None}


def with_extra(body: Body, extra: Body | None) -> Body:
    """The body with `extra_body`, which wins; a table in both is merged."""
    merged = dict(body)
    for name, value in (extra or {}).items():
        before = merged.get(name)
        merged[name] = before | value if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def check_extra(extra: Body | None) -> None:
    """Raises ConfigError."""
    for name in ESSENTIAL & set(extra or {}):
        raise ConfigError(f"providers: extra_body.{name}: every request has its own")
    try:
        json.dumps(extra, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ConfigError("providers: extra_body: has a date or a number that JSON does not have") from None


def refused_name(content: bytes, names: Collection[str]) -> str | None:
    """Which of these parameters a server says it does not take; None if it says something else."""
    tables = list(_tables(_decoded(content), _DEPTH))
    if places := [table for table in tables if isinstance(table.get("loc"), list)]:
        # Pydantic's form: what it quotes beside is the request itself.
        return next((name for each in places if (name := _place(each)) in names), None)
    words = words_of(content)[:EXCERPT]
    if not _UNSUPPORTED.search(words):
        return None
    if param := next((each["param"] for each in tables if isinstance(each.get("param"), str) and each["param"]), None):
        return next((name for name in names if name == re.split(r"[.\[]", param)[0]), None)
    # The first that is named: servers add what to use instead.
    found = [(match.start(), name) for name in names if (match := _spelled(name).search(words))]
    return min(found)[1] if found else None


def _place(entry: Body) -> str:
    path = [each for each in entry["loc"] if each != "body"]
    wrong = f"{entry.get('type')} {entry.get('msg')}"
    return str(path[0]) if path and _UNSUPPORTED.search(wrong) else ""


def _spelled(name: str) -> re.Pattern[str]:
    """reasoning_effort is reasoningEffort to some, response_format two words."""
    return re.compile(rf"(?<![\w-]){'[_ ]?'.join(map(re.escape, name.split('_')))}(?![\w-])", re.IGNORECASE)


def _decoded(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _tables(value: Any, depth: int) -> Iterator[Body]:
    """Those that servers put into each other around what they say."""
    if depth and isinstance(value, list):
        for each in value[:_MOST]:
            yield from _tables(each, depth - 1)
    elif depth and isinstance(value, dict):
        yield value
        for name in ("error", "message", "detail"):
            yield from _tables(value.get(name), depth - 1)
