"""What a guest asks of models and child runs: how each argument is checked. A part of the trust boundary (host_imports.py)."""

import itertools
from typing import TypeVar

import msgspec

from orchestrator.contexts.context import Context
from orchestrator.sandbox.execution import Execution
from orchestrator.sandbox.messages import ChildQuery, HostCall, Manner, Prompt, SubReply

MAX_PROMPTS = 10_000  # of one llm_query
MAX_BATCH_CHARS = 20_000_000  # of one llm_query, all that goes with its prompts included; wasmtime itself stops at 128 MiB
MAX_CHILDREN = 1000  # of one rlm_query
MAX_JSON = 128 << 20  # bytes of it
MAX_NESTED = 500_000  # lists and objects in JSON of a guest or module: more hold up everybody while they are decoded
MAX_VALUES = 8_000_000  # of all its values
MAX_NAME = 100  # characters of a call's name that are kept, and of a model's

T = TypeVar("T")


class _Manner(Manner, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the next `count` prompts are asked."""

    count: int


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The arguments of llm_query. `manners`: one after the other, of all prompts; without any, all are plain."""

    prompts: list[str]
    manners: list[_Manner] = []


class _Children(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The arguments of rlm_query."""

    children: list[ChildQuery]


class Refused(Exception):
    """Why a call has no result: raised in the guest as `kind`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def ask_sub_models(execution: Execution, query: Query, *, repeatable: bool) -> tuple[SubReply, ...]:
    if not 1 <= len(query.prompts) <= MAX_PROMPTS:
        raise Refused("ValueError", f"llm_query: 1 to {MAX_PROMPTS} prompts at once, not {len(query.prompts)}")
    if sum(map(len, query.prompts)) + sum(map(_length_beside, query.manners)) > MAX_BATCH_CHARS:
        raise Refused("ValueError", f"llm_query: at most {MAX_BATCH_CHARS} characters at once")
    result = execution.ask(HostCall(_prompts(query)), repeatable=repeatable)
    if result.error is not None:
        raise Refused(result.error.type, result.error.message)
    return result.replies


def begin_children(execution: Execution, arguments: str) -> tuple[SubReply, ...]:
    children = decode("rlm_query", arguments, _Children).children
    if not 1 <= len(children) <= MAX_CHILDREN:
        raise Refused("ValueError", f"rlm_query: 1 to {MAX_CHILDREN} at once, not {len(children)}")
    for each in children:
        _check_child(execution.inputs.context, each)
    result = execution.ask(HostCall(name="rlm_query", children=tuple(children)), repeatable=True)
    if result.error is not None:
        raise Refused(result.error.type, result.error.message)
    return result.replies


def _check_child(context: Context, child: ChildQuery) -> None:
    """Raises Refused."""
    given = (child.text, child.texts, child.part, child.documents)
    if sum(each is not None for each in given) + (child.value is not msgspec.UNSET) > 1:
        raise Refused("ValueError", "rlm_query: name one context, not several")
    if child.part is not None and not range(context.length)[slice(*child.part)]:
        raise Refused("ValueError", f"rlm_query: start and stop leave nothing of the {context.length} characters")
    if child.model is not None and len(child.model) > MAX_NAME:
        raise Refused("ValueError", f"rlm_query: a model's name has at most {MAX_NAME} characters")
    if child.max_iterations is not None and child.max_iterations < 1:
        raise Refused("ValueError", f"rlm_query: max_iterations must be at least 1, not {child.max_iterations}")


def _prompts(query: Query) -> tuple[Prompt, ...]:
    """Raises Refused."""
    if not query.manners:
        return tuple(map(Prompt, query.prompts))
    if any(each.count < 1 for each in query.manners) or sum(each.count for each in query.manners) != len(query.prompts):
        raise Refused("ValueError", "llm_query: the counts of manners must come to the number of prompts")
    for each in query.manners:
        if each.max_tokens is not None and each.max_tokens < 1:
            raise Refused("ValueError", f"llm_query: max_tokens must be at least 1, not {each.max_tokens}")
        if each.model is not None and len(each.model) > MAX_NAME:
            raise Refused("ValueError", f"llm_query: a model's name has at most {MAX_NAME} characters")
    texts = iter(query.prompts)
    return tuple(
        Prompt(text, manner)
        for each in query.manners
        for manner in [Manner(system=each.system, schema=each.schema, model=each.model, max_tokens=each.max_tokens)]
        for text in itertools.islice(texts, each.count)
    )


def _length_beside(manner: _Manner) -> int:
    """Characters that go with its prompts, once with each."""
    schema = 0 if manner.schema is None else len(msgspec.json.encode(manner.schema))
    return max(0, manner.count) * (len(manner.system or "") + schema)


def decode(name: str, text: str | bytes, kind: type[T]) -> T:
    check_size(f"{name}: what it is given", text)
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Refused("TypeError", f"{name}: {error}") from None


def check_size(what: str, text: str | bytes) -> None:
    """Raises Refused. What is counted may stand in a text as well: nothing is decoded before."""
    if isinstance(text, str):
        lists, objects, commas = (text.count(each) for each in ("[", "{", ","))
    else:
        lists, objects, commas = (text.count(each) for each in (b"[", b"{", b","))
    if len(text) > MAX_JSON or lists + objects > MAX_NESTED or commas > MAX_VALUES:
        raise Refused(
            "ValueError",
            f"{what} is too much JSON: at most {MAX_JSON >> 20} MiB, {MAX_NESTED} lists and objects, {MAX_VALUES} values",
        )
