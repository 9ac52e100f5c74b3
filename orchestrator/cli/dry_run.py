"""`rlm query --dry-run`: what would be sent first, its size, and what the run could spend at most."""

from collections.abc import Sequence

from orchestrator.config import Settings
from orchestrator.contexts.context import Context
from orchestrator.providers.messages import Message, estimate_usage


def preview(messages: Sequence[Message], context: Context, settings: Settings) -> str:
    """The whole text for stdout."""
    sent = "\n\n".join(f"--- {each.role}, {len(each.content)} characters:\n{each.content}" for each in messages)
    return f"{sent}\n\n--- nothing was sent\n" + "".join(f"{line}\n" for line in _facts(messages, context, settings))


def _facts(messages: Sequence[Message], context: Context, settings: Settings) -> list[str]:
    size = sum(len(each.content) for each in messages)
    tokens = estimate_usage(tuple(messages), "").prompt_tokens
    documents = f"{context.count} documents" if context.kind == "documents" else "one text"
    cell = settings.sandbox
    return [
        f"model: {_models(settings, 'root')}; for sub-calls: {_models(settings, 'sub')}",
        f"size: {size} characters in the first call, some {tokens} tokens",
        f"input: {documents}, {context.length} characters, which stay here: a model sees that beginning, what its code prints, "
        "or puts into a sub-call",
        f"budget: at most {settings.max_iterations} replies (and one for a best answer), {settings.max_sub_calls} sub-calls, "
        f"{settings.max_seconds:g} seconds{_spendable(settings)}",
        f"each block of code: {cell.seconds:g} seconds of computing, {cell.memory_bytes // 2**20} MiB of memory, "
        f"{settings.output_limit} characters of output seen",
    ]


def _spendable(settings: Settings) -> str:
    """Of the limits that are set."""
    tokens = "" if settings.max_total_tokens is None else f", {settings.max_total_tokens} tokens"
    return tokens if settings.max_cost is None else f"{tokens}, ${settings.max_cost:g}"


def _models(settings: Settings, role: str) -> str:
    return ", ".join(each.model for each in settings.providers if each.role in (role, "both"))
