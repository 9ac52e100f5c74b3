"""Child runs: rlm_query and rlm_batch give a question to another such session, with a context of its own."""

import json
from collections.abc import Sequence
from typing import Any

from . import calls, host, typed
from . import queries as sub_calls  # `queries` is a parameter here, as models are told
from .errors import ChildError
from .lazy.as_list import AsList
from .lazy.text import LazyText


def rlm_query(  # noqa: PLR0913  (as it is told to models)
    query: str,
    context: Any = None,
    *,
    start: int | None = None,
    stop: int | None = None,
    documents: Sequence[int | str] | None = None,
    schema: Any = None,
    model: str | None = None,
    max_iterations: int | None = None,
) -> Any:
    """Ask what takes many steps of another session like this one, over a value, or `context`, or a part of that.

    The context is a text, a list of texts or a JSON value; or characters [start, stop) of `context`; or some of its documents,
    by number or name. Answers are texts, or values with a `schema`. Raises ChildError, whose `partial` is what there was.
    """
    asked = _asked(query, context, start=start, stop=stop, documents=documents)
    question = _question([asked | _manner(model, max_iterations)], "raise", schema)
    [answer] = question.answer(sub_calls.replies_to([question]))
    return answer


def rlm_batch(
    queries: Sequence[str],
    contexts: Sequence[Any] | None = None,
    *,
    on_error: str = "raise",
    schema: Any = None,
    model: str | None = None,
    max_iterations: int | None = None,
) -> list[Any]:
    """Ask many at once, each over the context at its place (all over `context` without any); the answers come in order.

    on_error="return": a ChildError stands in the place of an answer that did not come.
    """
    if on_error not in ("raise", "return"):
        raise ValueError(f'rlm_batch: on_error is "raise" or "return", not {on_error!r}')
    if isinstance(queries, str) or isinstance(contexts, str | LazyText):
        raise TypeError(
            "rlm_batch: queries and contexts are lists, one context for each query; without any all are over `context`"
        )
    if contexts is not None and len(contexts) != len(queries):
        raise ValueError(f"rlm_batch: {len(queries)} queries, and {len(contexts)} contexts")
    if not queries:
        return []
    manner = _manner(model, max_iterations)
    given = [None] * len(queries) if contexts is None else contexts
    question = _question([_asked(query, each) | manner for query, each in zip(queries, given, strict=True)], on_error, schema)
    return question.answer(sub_calls.replies_to([question]))  # type: ignore[no-any-return]


def _question(children: list[dict[str, Any]], on_error: str, schema: Any) -> sub_calls.Question:
    """Of several child runs."""
    make: Any = str
    schema = sub_calls.usual.get("schema") if schema is None else schema
    if schema is not None:
        kind = typed.kind_of(schema)
        children = [each | {"schema": kind.schema} for each in children]

        def make(text: str) -> Any:
            return kind.make(json.loads(text))

    def answer(replies: list[sub_calls.Reply]) -> list[Any]:
        if on_error == "raise":
            return [_answer(each, make) for each in replies]
        return [_error(each) if "error" in each else make(each["text"]) for each in replies]

    return sub_calls.Question([each["query"] for each in children], {"children": children}, answer, _begin)


def _begin(questions: list[sub_calls.Question]) -> list[sub_calls.Reply]:
    """All of them side by side."""
    children = [child for each in questions for child in each.manner["children"]]
    replies: list[sub_calls.Reply] = host.call("rlm_query", {"children": children})
    for note in dict.fromkeys(each["note"] for each in replies if "note" in each):
        print(f"rlm_query: {note}")
    return replies


def _asked(query: Any, context: Any, **part: Any) -> dict[str, Any]:
    """As the host takes it."""
    if not isinstance(query, str):
        raise TypeError(f"rlm_query: the query must be a str, not {type(query).__name__}")
    named = {name: value for name, value in part.items() if value is not None}
    if context is not None and named:
        raise ValueError(f"rlm_query: a context, or {' and '.join(named)} of `context`: not both")
    asked = {"query": host.valid(query)}
    if "documents" in named:
        if len(named) > 1:
            raise ValueError("rlm_query: documents, or start and stop: not both")
        if isinstance(named["documents"], str | int):
            raise TypeError("rlm_query: documents is a list of numbers or names")
        return asked | {"documents": list(named["documents"])}
    if named:
        return asked | {"part": [named.get("start"), named.get("stop")]}
    return asked if context is None else asked | _value(context)


def _value(context: Any) -> dict[str, Any]:
    if isinstance(context, str | LazyText):
        found = calls.input_of(context)
        return {name: value for name, value in found.items() if name in ("text", "part")}
    if isinstance(context, list | tuple | AsList) and context and all(isinstance(each, str | LazyText) for each in context):
        return {"texts": [host.valid(str(each)) for each in context]}
    try:
        return {"value": json.loads(host.valid(json.dumps(context, allow_nan=False)))}
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"rlm_query: the context must be a text, a list of texts or a JSON value: {error}") from None


def _manner(model: Any, max_iterations: Any) -> dict[str, Any]:
    model = sub_calls.usual.get("model") if model is None else model
    if model is not None and not isinstance(model, str):
        raise TypeError(f"model must be str, not {type(model).__name__}")
    if max_iterations is not None and (not isinstance(max_iterations, int) or isinstance(max_iterations, bool)):
        raise TypeError(f"max_iterations must be int, not {type(max_iterations).__name__}")
    given = {"model": model and host.valid(model), "max_iterations": max_iterations}
    return {name: value for name, value in given.items() if value is not None}


def _answer(reply: dict[str, str], make: Any) -> Any:
    if "error" in reply:
        raise _error(reply)
    return make(reply["text"])


def _error(reply: dict[str, str]) -> ChildError:
    error = ChildError(reply["error"])
    error.partial = reply.get("partial")
    return error
