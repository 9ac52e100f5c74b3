"""Tokens and money, and what calls can take of them. Money is counted in picodollars, whole numbers: sums are exact."""

from typing import Literal

import msgspec

SpentLimit = Literal["max_total_tokens", "max_cost"]
PICO = 10**12  # picodollars of a dollar


class Amount(msgspec.Struct, frozen=True):
    """Of tokens, and of money in picodollars."""

    tokens: int = 0
    money: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.tokens + other.tokens, self.money + other.money)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.tokens - other.tokens, self.money - other.money)


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt at a call can take at most; prices are picodollars a token.

    `unpriced`: a model that may answer it, of which nobody says what it costs.
    """

    prompt_tokens: int
    reply_tokens: int
    prompt_price: int = 0
    reply_price: int = 0
    unpriced: str | None = None

    def amount(self, most_reply: int | None = None) -> Amount:
        """With a reply of at most so many tokens."""
        reply = self.reply_tokens if most_reply is None else min(most_reply, self.reply_tokens)
        return Amount(self.prompt_tokens + reply, self.prompt_tokens * self.prompt_price + reply * self.reply_price)


def picodollars(cost: float | None) -> int:
    """Of US dollars; what is not known counts nothing."""
    return 0 if cost is None else round(cost * PICO)
