"""What a run does while it goes on: one live line on a terminal, a line per step elsewhere; with `verbose`, all of it."""

import time
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from orchestrator.cli.say import say, visible
from orchestrator.journal.events import (
    AnyEvent,
    CellFinished,
    CellRolledBack,
    CellStarted,
    ChildFinished,
    ChildStarted,
    ModelCalled,
    ModelReplied,
    SubcallFinished,
    SubcallStarted,
    Unparsed,
)

WIDTH = 100  # of a line where there is no terminal
LONGEST = 500  # characters of what happens now: a model can write a line of a megabyte
EXCERPT = 1000  # characters of a prompt or a reply of a sub-model


class RunProgress:
    """Shows the events of one run, one after the other; `with` it, nothing else writes to the terminal."""

    def __init__(self, stream: TextIO, *, verbose: bool = False) -> None:
        self._console = Console(file=stream, force_terminal=stream.isatty(), markup=False, emoji=False, highlight=False)
        self._verbose = verbose
        self._started = self._since = time.monotonic()
        self._now = "starts the sandbox"
        self._turn = 0
        self._asked = self._answered = 0
        # The live line is drawn by a thread of its own: its clock moves whatever this one does.
        live = Live(get_renderable=self._line, console=self._console, refresh_per_second=8, transient=True)
        self._live = live if self._console.is_terminal and not self._console.is_dumb_terminal else None

    def __enter__(self) -> "RunProgress":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._live:
            self._live.stop()

    def say(self, message: str) -> None:
        """What the program does before there are events."""
        self._begin(message)
        if not self._live:
            say(message)

    def show(self, event: AnyEvent) -> None:
        """Says what happens now."""
        match event:
            case ModelCalled():
                self._turn = event.turn
            case SubcallStarted() | ChildStarted():
                self._asked += 1
                self._begin("asks sub-models")
            case SubcallFinished() | ChildFinished():
                self._answered += 1
                if self._answered == self._asked:
                    self._step("sub-models replied")
        if what := _in_words(event):
            self._step(what)
        if self._verbose:
            self._show_whole(event)

    def _begin(self, what: str) -> None:
        what = what[:LONGEST]
        if what != self._now:
            self._now, self._since = what, time.monotonic()

    def _step(self, what: str) -> None:
        """Worth a line of its own where there is no live one."""
        self._begin(what)
        if self._live is None or self._verbose:
            self._print(self._text()[:WIDTH])

    def _show_whole(self, event: AnyEvent) -> None:
        match event:
            case CellStarted():
                self._print(_indented(event.code))
            case CellFinished():
                self._print(_indented(event.output), _indented(event.error or ""))
            case SubcallStarted():
                self._print(f"sub-call {event.subcall}:", _indented(event.prompt[:EXCERPT]))
            case SubcallFinished():
                reply = event.error or (event.reply.text if event.reply else "")
                self._print(f"sub-call {event.subcall} is answered:", _indented(reply[:EXCERPT]))

    def _print(self, *texts: str) -> None:
        for text in filter(None, texts):
            self._console.print(Text(visible(text, keep="\n\t")), soft_wrap=True)

    def _line(self) -> Text:
        seconds = time.monotonic() - self._since
        waited = f" ({seconds:.0f} s)" if seconds >= 1 else ""
        return Text(self._text() + waited, no_wrap=True, overflow="ellipsis")

    def _text(self) -> str:
        calls = f", sub-calls {self._answered}/{self._asked}" if self._asked else ""
        turn = f"turn {self._turn}{calls}: " if self._turn else ""
        return visible(f"[{time.monotonic() - self._started:6.1f} s] {turn}{self._now}")


def _in_words(event: AnyEvent) -> str | None:
    """For those that are steps of a run."""
    words = None
    match event:
        case ModelCalled():
            words = "asks the model"
        case ModelReplied():
            words = f"the model replied in {event.reply.seconds:.1f} s ({event.reply.usage.completion_tokens} tokens)"
        case CellStarted():
            words = f"runs {event.kind}: {_first_line(event.code)}"
        case CellFinished():
            words = f"printed {event.output_chars} characters" + (", then an exception" if event.error else "")
        case CellRolledBack():
            words = event.message
        case Unparsed():
            words = f"could not act on the reply: {event.reason}"
    return words


def _first_line(code: str) -> str:
    return next((line.strip() for line in code.splitlines() if line.strip() and not line.strip().startswith("#")), "")


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines()).rstrip("\n")
