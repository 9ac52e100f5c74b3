"""Sub-calls to a model: llm_query, llm_batch, and map_reduce over functions that make them."""

from collections.abc import Callable, Iterable
from typing import Any

from . import host
from .errors import LLMError


def llm_query(prompt: str) -> str:
    """Ask a sub-model; it sees the prompt alone. Raises LLMError, BudgetError."""
    if _rounds:
        return _rounds[-1].answer(prompt)
    return _ask([prompt])[0]


def llm_batch(prompts: list[str]) -> list[str]:
    """Ask a sub-model every prompt, all at once; the answers come in order. Raises LLMError, BudgetError."""
    prompts = list(prompts)
    return _ask(prompts) if prompts else []


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


def _ask(prompts: list[str]) -> list[str]:
    for prompt in prompts:
        if not isinstance(prompt, str):
            raise TypeError(f"a prompt must be a str, not {type(prompt).__name__}")
    characters = sum(map(len, prompts))
    if characters > _max_batch_chars:
        raise ValueError(f"the prompts have {characters} characters in all; {_max_batch_chars} at once is the limit")
    replies = host.call("llm_query", {"prompts": [host.valid(prompt) for prompt in prompts]})
    failures = [(index, reply["error"]) for index, reply in enumerate(replies) if "error" in reply]
    if not failures:
        return [reply["text"] for reply in replies]
    error = LLMError(_failure_text(failures, len(prompts)))
    error.results = [reply.get("text") for reply in replies]
    raise error


def _failure_text(failures: list[tuple[int, str]], total: int) -> str:
    if total == 1:
        return failures[0][1]
    shown = "; ".join(f"[{index}] {message}" for index, message in failures[:5])
    return f"{len(failures)} of {total} sub-calls failed ({shown}); the answers of the others are in this exception's .results"


class _Waiting(BaseException):
    """Leaves map_fn at a prompt that has no answer yet; a BaseException, so that map_fn does not swallow it."""


class _Round:
    """The answers that one item of map_reduce has so far, in the order of its calls."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, str]] = []
        self.wanted: str | None = None
        self._next = 0

    def answer(self, prompt: str) -> str:
        self._next += 1
        if self._next <= len(self.answers) and self.answers[self._next - 1][0] == prompt:
            return self.answers[self._next - 1][1]
        del self.answers[self._next - 1 :]
        self.wanted = prompt
        raise _Waiting

    def run(self, map_fn: Callable[[Any], Any], item: Any) -> Any:
        self._next, self.wanted = 0, None
        _rounds.append(self)
        try:
            return map_fn(item)
        finally:
            _rounds.pop()


_rounds: list[_Round] = []


def _map_together(items: list[Any], map_fn: Callable[[Any], Any]) -> list[Any]:
    results: list[Any] = [None] * len(items)
    pending = {index: _Round() for index in range(len(items))}
    while pending:
        for index, round_ in list(pending.items()):
            try:
                results[index] = round_.run(map_fn, items[index])
                del pending[index]
            except _Waiting:
                pass
        waiting = list(pending.values())
        replies = llm_batch([str(round_.wanted) for round_ in waiting])
        for round_, reply in zip(waiting, replies, strict=True):
            round_.answers.append((str(round_.wanted), reply))
    return results
