"""How much a model can read: a window of tokens, and about how many characters of a prompt fit into it."""

from orchestrator.errors import ProviderError
from orchestrator.providers.messages import Message

TOKEN_BYTES = 3  # UTF-8 bytes of a token: few enough that English is overestimated and Chinese is not underestimated
DIGITS = "0123456789"  # each is a token of its own to many models: a table of numbers has three times the tokens of prose
REPLY_TOKENS = 2048  # room that is kept for the reply


def prompt_chars(window: int) -> int:
    """About so many characters of plain English fit, to be on the safe side."""
    return max(0, window - REPLY_TOKENS) * TOKEN_BYTES


def tokens_needed(messages: tuple[Message, ...]) -> int:
    """About so many, for the messages and a reply."""
    return prompt_tokens(messages) + REPLY_TOKENS


def prompt_tokens(messages: tuple[Message, ...]) -> int:
    """About so many, of the messages alone."""
    return sum(tokens_of(each.content) for each in messages)


def check_fits(name: str, messages: tuple[Message, ...], window: int, setting: str) -> None:
    """Before it is sent. Raises ProviderError with how much would fit; `setting`: what the window is, for a person."""
    if tokens_needed(messages) <= window:
        return
    chars = sum(len(each.content) for each in messages)
    fitting = chars * max(0, window - REPLY_TOKENS) // sum(tokens_of(each.content) for each in messages)
    raise ProviderError(
        f"{name}: the prompt has {chars:,} characters, of which about {fitting:,} fit ({setting} is {window:,} tokens, "
        f"{REPLY_TOKENS:,} are kept for the reply)",
        remedy="elsewhere",
    )


def tokens_of(text: str) -> int:
    """About so many."""
    digits = sum(map(text.count, DIGITS))
    return digits + (len(text.encode()) - digits) // TOKEN_BYTES
