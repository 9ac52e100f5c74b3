"""What a question of the demo is."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple


class Question(NamedTuple):
    """`body` is posted beside the text: `context` or `documents`, and options.

    `truth` is computed without the server, by other means than the scripted code's; `said` picks from an answer what is
    compared with it. It may raise TypeError, ValueError, KeyError: such an answer is wrong.
    """

    shows: str
    text: str
    body: dict[str, Any]
    truth: Any
    said: Callable[[str], Any] = json.loads
