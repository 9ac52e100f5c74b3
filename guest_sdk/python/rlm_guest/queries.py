"""Sub-calls to a model: llm_query, llm_batch, and those that wait to go out together."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, Protocol

from . import host, typed
from .errors import LLMError
from .lazy.text import LazyText

Reply = dict[str, str]


def llm_query(
    prompt: str,
    text: str | None = None,
    system: str | None = None,
    schema: Any = None,
    model: str | None = None,
    max_tokens: int | None = None,
) -> Any:
    """Ask a sub-model; it sees the prompt alone, `text` below it, and `system`. Raises LLMError, BudgetError.

    With a schema the answer is a value that fits it: a type (list[str], Literal["a", "b"], a dataclass) or a JSON Schema.
    """
    global alone
    question = _one(prompt, text, system, schema, model, max_tokens)
    alone += not rounds
    return question.answer(replies_to([question]))


def llm_batch(
    prompts: list[str],
    on_error: Literal["raise", "return"] = "raise",
    *,
    text: str | None = None,
    system: str | None = None,
    schema: Any = None,
    model: str | None = None,
    max_tokens: int | None = None,
) -> list[Any]:
    """Ask a sub-model every prompt, all at once; the answers come in order. Raises LLMError, BudgetError.

    All else is as of llm_query, for each prompt. on_error="return": an LLMError stands in the place of an answer that did
    not come.
    """
    question = _many(prompts, on_error, text=text, system=system, schema=schema, model=model, max_tokens=max_tokens)
    return question.answer(replies_to([question]) if question.prompts else [])  # type: ignore[no-any-return]


class Question(NamedTuple):
    """Prompts, how all of them are asked (as the host takes it), and what their replies come to.

    `ask`: what sends several such questions at once, to sub-models if it is None.
    """

    prompts: list[str]
    manner: dict[str, Any]
    answer: Callable[[list[Reply]], Any]
    ask: "Callable[[list[Question]], list[Reply]] | None" = None

    @property
    def asked(self) -> tuple[list[str], dict[str, Any]]:
        """What makes it the same question."""
        return self.prompts, self.manner

    @property
    def characters(self) -> int:
        """As the host counts them."""
        schema = len(json.dumps(self.manner["schema"], separators=(",", ":"))) if "schema" in self.manner else 0
        return sum(map(len, self.prompts)) + len(self.prompts) * (len(self.manner.get("system", "")) + schema)


class Answered(Protocol):
    """A future, of whichever library."""

    def set_running_or_notify_cancel(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def set_result(self, result: Any, /) -> None: ...
    def set_exception(self, exception: Any, /) -> None: ...


# How many calls llm_query sent by themselves, since the guest was built.
alone = 0
# The rounds of map_reduce that a call is in: the innermost replies.
rounds: list[Any] = []
# What calls that say nothing else take: `schema`, `model`.
usual: dict[str, Any] = {}
_max_batch_chars = 0


def limit_batches(characters: int) -> None:
    """Called once, at the start: what the host takes in one call."""
    global _max_batch_chars
    _max_batch_chars = characters


def most_characters() -> int:
    """Of all prompts that are asked at once."""
    return _max_batch_chars


def question(function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Question | None:
    """What a call of llm_query or llm_batch would ask; None if the function is another."""
    for asking, make in ((llm_query, _one), (llm_batch, _many)):
        if function is asking:
            return make(*arguments, **named)
    return None


def replies_to(questions: list[Question]) -> list[Reply]:
    """One for each prompt, in order. From the map_reduce around, if there is one; else from the host."""
    if rounds:
        return rounds[-1].replies(questions)  # type: ignore[no-any-return]
    ways = dict.fromkeys(each.ask for each in questions)
    replies = {way: iter((way or _ask_models)([each for each in questions if each.ask is way])) for way in ways}
    return [next(replies[each.ask]) for each in questions for _ in each.prompts]


def _ask_models(questions: list[Question]) -> list[Reply]:
    characters = sum(each.characters for each in questions)
    if characters > _max_batch_chars:
        raise ValueError(f"the prompts have {characters} characters in all; {_max_batch_chars} at once is the limit")
    asked: dict[str, Any] = {"prompts": [host.valid(prompt) for each in questions for prompt in each.prompts]}
    if any(each.manner for each in questions):
        asked["manners"] = [each.manner | {"count": len(each.prompts)} for each in questions if each.prompts]
    replies: list[Reply] = host.call("llm_query", asked)
    return replies


_later: list[tuple[Question, Answered]] = []
_arrived: deque[tuple[Question, Answered, list[Reply] | Exception]] = deque()


def ask_later(question: Question, future: Answered) -> None:
    """Its answer comes with the next `send`."""
    _later.append((question, future))


def send() -> bool:
    """Sends what waits, as one batch, and hands out the answers: whether anything waited."""
    went = bool(_later or _arrived)
    if not _arrived:
        _fetch()
    # One by one: what a callback waits for may be among those that follow.
    while _arrived:
        _hand_out(*_arrived.popleft())
    return went


def forget() -> None:
    """What waits is never sent: it will be asked again."""
    _later.clear()
    _arrived.clear()


def _fetch() -> None:
    asked = [each for each in _later if each[1].set_running_or_notify_cancel()]
    _later.clear()
    for group in _groups(asked):
        questions = [question for question, _ in group if question.prompts]
        try:
            replies = iter(replies_to(questions) if questions else [])
        except Exception as error:
            _arrived.extend((*each, error) for each in group)
        else:
            _arrived.extend((*each, [next(replies) for _ in each[0].prompts]) for each in group)


def _groups(asked: list[tuple[Question, Answered]]) -> Iterator[list[tuple[Question, Answered]]]:
    """As the host takes them."""
    group, characters = [], 0
    for each in asked:
        length = each[0].characters
        if group and characters + length > _max_batch_chars:
            yield group
            group, characters = [], 0
        group.append(each)
        characters += length
    if group:
        yield group


def _hand_out(question: Question, future: Answered, outcome: list[Reply] | Exception) -> None:
    if future.cancelled():
        return
    try:
        # Each has an exception of its own: a traceback grows with each place that raises it.
        failure = type(outcome)(*outcome.args) if isinstance(outcome, Exception) else None
        answer = None if isinstance(outcome, Exception) else question.answer(outcome)
    except Exception as error:
        failure, answer = error, None
    if failure is None:
        future.set_result(answer)
    else:
        future.set_exception(failure)


def _one(prompt: str, text: str | None = None, *manner: Any, **named: Any) -> Question:
    asked, make = _manner(*manner, **named)
    return Question([_with_text(prompt, text)], asked, lambda replies: _answers(replies, "raise", make)[0])


def _many(prompts: Iterable[str], on_error: str = "raise", *, text: str | None = None, **named: Any) -> Question:
    if on_error not in ("raise", "return"):
        raise ValueError(f'llm_batch: on_error is "raise" or "return", not {on_error!r}')
    manner, make = _manner(**named)
    asked = [_with_text(prompt, text) for prompt in listed(prompts, "llm_batch: prompts")]
    return Question(asked, manner, lambda replies: _answers(replies, on_error, make))


def _manner(
    system: Any = None, schema: Any = None, model: Any = None, max_tokens: Any = None
) -> tuple[dict[str, Any], Callable[[str], Any]]:
    """As the host takes it, and what makes the answer of a reply. Raises TypeError."""
    schema = usual.get("schema") if schema is None else schema
    model = usual.get("model") if model is None else model
    given: dict[str, tuple[Any, type]] = {"system": (system, str), "model": (model, str), "max_tokens": (max_tokens, int)}
    for name, (value, type_) in given.items():
        if value is not None and (not isinstance(value, type_) or isinstance(value, bool)):
            raise TypeError(f"{name} must be {type_.__name__}, not {type(value).__name__}")
    manner = {name: host.valid(value) if type_ is str else value for name, (value, type_) in given.items() if value is not None}
    if schema is None:
        return manner, str
    kind = typed.kind_of(schema)
    return manner | {"schema": kind.schema}, lambda text: kind.make(json.loads(text))


def listed(values: Any, what: str) -> list[Any]:
    """Several of a batch. A text is not: each of its letters would be asked; nor is a dict, of which its keys would be."""
    if isinstance(values, str | LazyText | dict):
        raise TypeError(f"{what} must be a list, not {type(values).__name__}")
    return list(values)


def _with_text(prompt: str, text: Any) -> str:
    if text is None:
        return _checked(prompt)
    if not isinstance(text, str | LazyText):
        raise TypeError(f"llm_query: text must be a str, not {type(text).__name__}")
    return f"{_checked(prompt)}\n\n{text}"


def _checked(prompt: str) -> str:
    if not isinstance(prompt, str):
        raise TypeError(f"a prompt must be a str, not {type(prompt).__name__}")
    return prompt


def _answers(replies: list[Reply], on_error: str, make: Callable[[str], Any]) -> list[Any]:
    failures = [(index, reply["error"]) for index, reply in enumerate(replies) if "error" in reply]
    if not failures or on_error == "return":
        return [LLMError(reply["error"]) if "error" in reply else make(reply["text"]) for reply in replies]
    error = LLMError(_failure_text(failures, len(replies)))
    error.results = [make(reply["text"]) if "text" in reply else None for reply in replies]
    raise error


def _failure_text(failures: list[tuple[int, str]], total: int) -> str:
    if total == 1:
        return failures[0][1]
    shown = "; ".join(f"[{index}] {message}" for index, message in failures[:5])
    return (
        f"{len(failures)} of {total} sub-calls failed ({shown}). The others are paid: ask the same prompts again, and only "
        "those that failed are sent. This exception's .results has their answers too"
    )
