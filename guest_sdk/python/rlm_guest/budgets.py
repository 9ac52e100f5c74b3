"""What a run may still spend."""

from typing import Any

from . import host


def budget() -> dict[str, Any]:
    """What is left of this run: {"turns", "sub_calls", "tokens", "cost" (US dollars), "seconds"}; None: there is no limit."""
    left: dict[str, Any] = host.call("budget", {})
    return left
