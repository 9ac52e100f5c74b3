"""What the program writes: of itself on stderr, answers on stdout. No text that a model wrote can steer a terminal."""

import sys
from typing import TextIO


def say(message: str) -> None:
    """One line on stderr."""
    print(f"rlm: {visible(message)}", file=sys.stderr, flush=True)


def write(text: str, stream: TextIO | None = None) -> None:
    """A text as it is; on a terminal, with its control characters made visible."""
    stream = stream or sys.stdout
    if stream.isatty():
        text = visible(text, keep="\n\t")
    # Where the locale has no such characters, they are escaped too.
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def visible(text: str, keep: str = "") -> str:
    """Without what a terminal acts on: escape sequences, bells, line ends, marks of direction; `keep` stays."""
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    return "".join(each if each.isprintable() or each in keep else _escape(each) for each in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
