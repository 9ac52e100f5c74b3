"""map_reduce: the sub-calls that many runs of a function make, sent together."""

from collections.abc import Callable, Iterable
from typing import Any

from . import queries


def map_reduce(
    items: Iterable[Any],
    map_fn: Callable[[Any], Any],
    reduce_fn: Callable[[list[Any]], Any],
    parallel: bool = False,
    *,
    schema: Any = None,
    model: str | None = None,
) -> Any:
    """reduce_fn([map_fn(item), ...]). parallel: the llm_query calls of all items are sent together; map_fn may run again.

    schema, model: of the calls in map_fn that name none.
    """
    items = list(items)
    before = queries.usual
    queries.usual = {"schema": schema, "model": model}
    try:
        mapped = _map_together(items, map_fn) if parallel else [map_fn(item) for item in items]
    finally:
        queries.usual = before
    return reduce_fn(mapped)


class Waiting(BaseException):
    """Leaves map_fn at a call that has no reply yet; a BaseException, so that `except Exception` lets it pass."""


class _Round:
    """The replies that one item of map_reduce has so far, in the order of its calls."""

    def __init__(self) -> None:
        self.known: list[tuple[list[queries.Question], list[queries.Reply]]] = []
        self.wanted: list[queries.Question] = []
        self._next = 0
        self._strayed = False

    def replies(self, questions: list[queries.Question]) -> list[queries.Reply]:
        if not self._strayed and self._next < len(self.known):
            asked, replies = self.known[self._next]
            self._next += 1
            if [each.asked for each in asked] == [each.asked for each in questions]:
                return replies
            # map_fn asks something else when it runs again: this run is its last, and what it asks is sent at once.
            self._strayed = True
        if self._strayed:
            return self._outside(questions)
        self.wanted = self.wanted or questions
        raise Waiting

    def _outside(self, questions: list[queries.Question]) -> list[queries.Reply]:
        queries.rounds.pop()
        try:
            return queries.replies_to(questions)
        finally:
            queries.rounds.append(self)

    def run(self, map_fn: Callable[[Any], Any], item: Any) -> Any:
        queries.send()  # what waits from before is none of this round's
        self._next, self.wanted = 0, []
        queries.rounds.append(self)
        try:
            return map_fn(item)
        except BaseException:
            # While it waits, nothing that map_fn returns or raises counts: it may have caught Waiting itself.
            if not self.wanted:
                raise
        finally:
            queries.rounds.pop()
            if self.wanted:
                queries.forget()


def _map_together(items: list[Any], map_fn: Callable[[Any], Any]) -> list[Any]:
    results: list[Any] = [None] * len(items)
    pending = {index: _Round() for index in range(len(items))}
    while pending:
        for index, round_ in list(pending.items()):
            results[index] = round_.run(map_fn, items[index])
            if not round_.wanted:
                del pending[index]
        if pending:
            replies = iter(queries.replies_to([each for round_ in pending.values() for each in round_.wanted]))
            for round_ in pending.values():
                count = sum(len(each.prompts) for each in round_.wanted)
                round_.known.append((round_.wanted, [next(replies) for _ in range(count)]))
    return results
