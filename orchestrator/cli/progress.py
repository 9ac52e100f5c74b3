"""What a run does, on a terminal: one live line there, a line per step elsewhere."""

import time
from typing import TextIO

from orchestrator.journal.events import (
    AnyEvent,
    CellFinished,
    CellRolledBack,
    CellStarted,
    ModelCalled,
    ModelReplied,
    SubcallFinished,
    SubcallStarted,
    Unparsed,
)

WIDTH = 100


class RunProgress:
    """Shows the events of one run, one after the other."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._started = time.monotonic()
        self._turn = 0
        self._asked = self._answered = 0

    def show(self, event: AnyEvent) -> None:
        """Says what happens now."""
        match event:
            case ModelCalled():
                self._turn = event.turn
                self._say("asks the model")
            case ModelReplied():
                self._say(f"the model replied in {event.reply.seconds:.1f} s ({event.reply.usage.completion_tokens} tokens)")
            case CellStarted():
                self._say(f"runs {event.kind}: {_first_line(event.code)}")
            case SubcallStarted():
                self._asked += 1
                self._say("asks sub-models", step=False)
            case SubcallFinished():
                self._answered += 1
                self._say("asks sub-models", step=self._answered == self._asked)
            case CellFinished():
                self._say(f"printed {event.output_chars} characters" + (", then an exception" if event.error else ""))
            case CellRolledBack():
                self._say(event.message)
            case Unparsed():
                self._say(f"could not act on the reply: {event.reason}")

    def close(self) -> None:
        """Ends the live line."""
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _say(self, what: str, *, step: bool = True) -> None:
        """`step`: worth a line of its own where there is no live line."""
        calls = f", sub-calls {self._answered}/{self._asked}" if self._asked else ""
        text = f"[{time.monotonic() - self._started:6.1f} s] turn {self._turn}{calls}: {_printable(what)}"[:WIDTH]
        if self._live:
            self._stream.write(f"\r\x1b[K{text}")
        elif step:
            self._stream.write(f"{text}\n")
        self._stream.flush()


def _first_line(code: str) -> str:
    return next((line.strip() for line in code.splitlines() if line.strip() and not line.strip().startswith("#")), "")


def _printable(text: str) -> str:
    """A model's text must not steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
