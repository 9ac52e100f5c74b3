"""Sub-calls to a model: llm_query, llm_batch, and map_reduce over functions that make them."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

from . import host
from .errors import LLMError


def llm_query(prompt: str) -> str:
    """Ask a sub-model; it sees the prompt alone. Raises LLMError, BudgetError."""
    answers: list[str] = _ask([prompt])
    return answers[0]


def llm_batch(prompts: list[str], on_error: Literal["raise", "return"] = "raise") -> list[str]:
    """Ask a sub-model every prompt, all at once; the answers come in order. Raises LLMError, BudgetError.

    on_error="return": an LLMError stands in the place of an answer that did not come.
    """
    if on_error not in ("raise", "return"):
        raise ValueError(f'llm_batch: on_error is "raise" or "return", not {on_error!r}')
    prompts = list(prompts)
    return _ask(prompts, on_error) if prompts else []


def map_reduce(
    items: Iterable[Any], map_fn: Callable[[Any], Any], reduce_fn: Callable[[list[Any]], Any], parallel: bool = True
) -> Any:
    """reduce_fn([map_fn(item), ...]). In parallel, the llm_query calls of all items are sent together; map_fn may run again."""
    items = list(items)
    return reduce_fn(_map_together(items, map_fn) if parallel else [map_fn(item) for item in items])


_max_batch_chars = 0


def limit_batches(characters: int) -> None:
    """Called once, at the start: what the host takes in one call."""
    global _max_batch_chars
    _max_batch_chars = characters


def most_characters() -> int:
    """Of all prompts that are asked at once."""
    return _max_batch_chars


def _ask(prompts: list[str], on_error: str = "raise") -> list[Any]:
    for prompt in prompts:
        if not isinstance(prompt, str):
            raise TypeError(f"a prompt must be a str, not {type(prompt).__name__}")
    replies = _replies(prompts)
    failures = [(index, reply["error"]) for index, reply in enumerate(replies) if "error" in reply]
    if not failures or on_error == "return":
        return [LLMError(reply["error"]) if "error" in reply else reply["text"] for reply in replies]
    error = LLMError(_failure_text(failures, len(prompts)))
    error.results = [reply.get("text") for reply in replies]
    raise error


def _replies(prompts: list[str]) -> list[dict[str, str]]:
    """From the map_reduce around, if there is one; else from the host."""
    if _rounds:
        return _rounds[-1].replies(prompts)
    characters = sum(map(len, prompts))
    if characters > _max_batch_chars:
        raise ValueError(f"the prompts have {characters} characters in all; {_max_batch_chars} at once is the limit")
    replies: list[dict[str, str]] = host.call("llm_query", {"prompts": [host.valid(prompt) for prompt in prompts]})
    return replies


def _failure_text(failures: list[tuple[int, str]], total: int) -> str:
    if total == 1:
        return failures[0][1]
    shown = "; ".join(f"[{index}] {message}" for index, message in failures[:5])
    return (
        f"{len(failures)} of {total} sub-calls failed ({shown}). The others are paid: ask the same prompts again, and only "
        "those that failed are sent. This exception's .results has their answers too"
    )


class _Waiting(BaseException):
    """Leaves map_fn at a call that has no reply yet; a BaseException, so that `except Exception` lets it pass."""


class _Round:
    """The replies that one item of map_reduce has so far, in the order of its calls."""

    def __init__(self) -> None:
        self.known: list[tuple[list[str], list[dict[str, str]]]] = []
        self.wanted: list[str] = []
        self._next = 0
        self._strayed = False

    def replies(self, prompts: list[str]) -> list[dict[str, str]]:
        if not self._strayed and self._next < len(self.known):
            asked, replies = self.known[self._next]
            self._next += 1
            if asked == prompts:
                return replies
            # map_fn asks something else when it runs again: this run is its last, and what it asks is sent at once.
            self._strayed = True
        if self._strayed:
            return self._outside(prompts)
        self.wanted = self.wanted or prompts
        raise _Waiting

    def _outside(self, prompts: list[str]) -> list[dict[str, str]]:
        _rounds.pop()
        try:
            return _replies(prompts)
        finally:
            _rounds.append(self)

    def run(self, map_fn: Callable[[Any], Any], item: Any) -> Any:
        self._next, self.wanted = 0, []
        _rounds.append(self)
        try:
            return map_fn(item)
        except BaseException:
            # While it waits, nothing that map_fn returns or raises counts: it may have caught _Waiting itself.
            if not self.wanted:
                raise
        finally:
            _rounds.pop()


_rounds: list[_Round] = []


def _map_together(items: list[Any], map_fn: Callable[[Any], Any]) -> list[Any]:
    results: list[Any] = [None] * len(items)
    pending = {index: _Round() for index in range(len(items))}
    while pending:
        for index, round_ in list(pending.items()):
            results[index] = round_.run(map_fn, items[index])
            if not round_.wanted:
                del pending[index]
        if pending:
            replies = iter(_replies([prompt for round_ in pending.values() for prompt in round_.wanted]))
            for round_ in pending.values():
                round_.known.append((round_.wanted, [next(replies) for _ in round_.wanted]))
    return results
