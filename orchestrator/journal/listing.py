"""A run as a listing: each cell as it was run, code or JSON commands one a line; as comments its sub-calls and what it printed.

Commands are listed, not made a script: what they mean is the guest's own code, and a second version of that would go its own
way.
"""

from collections.abc import Iterator, Sequence

import msgspec

from orchestrator.journal.events import (
    Answer,
    AnswerRefused,
    AnyEvent,
    CellFinished,
    CellRolledBack,
    CellStarted,
    ChildFinished,
    ChildStarted,
    ModelFailed,
    RunFinished,
    SubcallFinished,
    SubcallStarted,
    Unparsed,
    run_started,
)


def listing(events: Sequence[AnyEvent]) -> str:
    """The whole of it, in the order in which it happened."""
    started = run_started(events)
    about = f"{started.context_kind}, {started.context_length} characters"
    head = [f"# Run {started.run_id}, about: {about}", *_comment("Question", started.query)]
    return "\n".join([*head, *(line for event in events for line in _lines(event))]) + "\n"


def _lines(event: AnyEvent) -> Iterator[str]:
    match event:
        case CellStarted():
            yield from ("", f"# Cell {event.cell}, turn {event.turn}")
            yield from _commands(event.code) if event.kind == "commands" else [event.code]
        case SubcallStarted() | SubcallFinished() | ChildStarted() | ChildFinished():
            yield from _asked(event)
        case CellFinished():
            yield from _comment("Printed", event.output)
            yield from _comment("Exception", event.error or "")
        case CellRolledBack():
            yield from _comment("Rolled back", event.message)
        case Unparsed() | AnswerRefused():
            what = "nothing was run" if isinstance(event, Unparsed) else "its answer was not taken"
            yield from ("", *_comment(f"Turn {event.turn}, {what}", event.reason))
        case ModelFailed():
            yield from ("", *_comment(f"Turn {event.turn}, no reply", event.error))
        case Answer():
            yield from ("", *_comment("Partial answer" if event.partial else "Answer", event.text))
        case RunFinished() if event.error:
            yield from ("", *_comment(event.stopped, event.error))


def _asked(event: SubcallStarted | SubcallFinished | ChildStarted | ChildFinished) -> Iterator[str]:
    match event:
        case SubcallStarted():
            yield from _comment(f"Sub-call {event.subcall}", event.prompt)
        case SubcallFinished():
            reply = event.error or (event.reply.text if event.reply else "")
            yield from _comment(f"Sub-call {event.subcall} failed" if event.error else f"Reply {event.subcall}", reply)
        case ChildStarted():
            yield from _comment(f"Child run {event.run_id}", event.query)
        case ChildFinished():
            yield from _comment("It failed" if event.error else "It answered", event.error or event.answer or "")


def _commands(code: str) -> list[str]:
    return [bytes(each).decode() for each in msgspec.json.decode(code, type=list[msgspec.Raw])]


def _comment(name: str, text: str) -> Iterator[str]:
    """On the line of its name if it is one line; nothing if it is empty."""
    # splitlines: Python ends a line at more than \n, and what follows would be code.
    lines = text.splitlines()
    if len(lines) == 1:
        yield f"# {name}: {lines[0]}"
    elif lines:
        yield from (f"# {name}:", *(f"#   {line}" for line in lines))
