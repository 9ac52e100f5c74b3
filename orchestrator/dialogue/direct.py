"""A direct question: the model reads the whole input, and answers in one reply."""

from collections.abc import Iterator
from typing import Any

from orchestrator.contexts.context import Context
from orchestrator.dialogue import typed

SYSTEM = (
    "You answer a question about an input, which stands behind it whole. Answer from the input alone; if it does not say it, "
    "answer that. Reply with the answer and nothing else."
)


def question(query: str, context: Context, answer_schema: dict[str, Any] | None) -> str:
    """With all of the context."""
    wanted = [] if answer_schema is None else [typed.instruction(answer_schema)]
    return "\n".join([f"Question: {query}", *wanted, "\nThe input:", *_whole(context)])


def _whole(context: Context) -> Iterator[str]:
    """Between lines of dashes; each document with its number, and its name if it has one."""
    yield "-----"
    if context.kind != "documents":
        yield context.read_all(0, context.length)
        yield "-----"
        return
    for number, (name, length) in enumerate(context.documents(0, context.count)):
        yield f"Document {number}{'' if name is None else f', {name}'}:"
        yield context.read(number, 0, length)
        yield "-----"
