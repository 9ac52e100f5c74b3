"""What a call can take at most of a budget, whoever of its candidates answers it."""

import math

import msgspec

from orchestrator.amounts import Need
from orchestrator.errors import Unpriced
from orchestrator.providers.messages import Message, Schema
from orchestrator.providers.parameters import fewer
from orchestrator.providers.queue import Candidates
from orchestrator.providers.windows import prompt_tokens, tokens_of

DOLLAR = 1_000_000  # picodollars a token, of a dollar per million tokens


def need(
    candidates: Candidates, messages: tuple[Message, ...], schema: Schema | None = None, max_tokens: int | None = None
) -> Need:
    """One attempt's: of the longest reply and the dearest price that any of them has."""
    prices = [each.price for each in candidates if each.price is not None]
    form = "" if schema is None else msgspec.json.encode(schema).decode()
    return Need(
        prompt_tokens=prompt_tokens(messages) + tokens_of(form),
        reply_tokens=fewer(max(each.settings.max_tokens for each in candidates), max_tokens),
        prompt_price=max((math.ceil(max(each.input, each.cached_input or 0) * DOLLAR) for each in prices), default=0),
        reply_price=max((math.ceil(each.output * DOLLAR) for each in prices), default=0),
        unpriced=unpriced(candidates),
    )


def unpriced(candidates: Candidates) -> str | None:
    """The name of one whose price is not known."""
    return next((each.name for each in candidates if each.price is None), None)


def check_prices(candidates: Candidates, max_cost: float | None) -> None:
    """Raises Unpriced if that limit would not be one."""
    if max_cost is not None and (model := unpriced(candidates)):
        raise Unpriced(
            f"max_cost: the price of {model} is not known; the operator can write it into a file (`prices` in config.toml)"
        )
