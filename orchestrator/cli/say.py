"""What the program says of itself: on stderr, as stdout is for answers."""

import sys


def say(message: str) -> None:
    print(f"rlm: {message}", file=sys.stderr, flush=True)
