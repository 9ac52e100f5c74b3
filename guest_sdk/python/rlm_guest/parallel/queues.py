"""`queue`: what is empty or full times out at once, and is an error for who would wait for ever."""

from typing import Any

from . import waiting


def replace(module: Any) -> None:
    """Called when it is imported."""
    module.time = waiting.clock
    module.SimpleQueue = module._PySimpleQueue
