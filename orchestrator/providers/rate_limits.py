"""When a server that limits calls may be asked again, in each form that servers say it."""

import email.utils
import math
import time
from collections.abc import Mapping

LONGEST_SECONDS = 86_400.0


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Of a refusal's headers (lower-case); None if they do not say.

    Retry-After is seconds or a date (RFC 9110, 10.2.3), some servers send fractions; OpenAI and Azure send milliseconds
    beside it; LiteLLM's gateway passes on what the provider behind it said.
    """
    for prefix in ("", "llm_provider-"):
        seconds = _said(headers.get(f"{prefix}retry-after-ms", ""), headers.get(f"{prefix}retry-after", "").strip())
        if seconds is not None:
            return min(seconds, LONGEST_SECONDS)
    return None


def _said(milliseconds: str, seconds: str) -> float | None:
    number = _number(milliseconds)
    if number is not None:
        return number / 1000
    number = _number(seconds)
    return _seconds_until(seconds) if number is None else number


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _seconds_until(date: str) -> float | None:
    try:
        return max(0.0, email.utils.parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
