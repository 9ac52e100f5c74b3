"""Which models a server has, as servers list them: Ollama under /api/tags, the others under /models."""

from typing import Any

import msgspec


class ListedModel(msgspec.Struct, frozen=True):
    """`size` in bytes, `window` in tokens, if the server tells."""

    name: str
    size: int = 0
    window: int | None = None


class _Entry(msgspec.Struct):
    """Ollama has `name` and `size`, the others have `id`; of llama.cpp's, `size` is a text without anything.

    How much a model can read is said by llama.cpp (meta.n_ctx), vLLM (max_model_len), OpenRouter (context_length) and Groq
    (context_window).
    """

    name: str = ""
    id: str = ""
    size: int | str = 0
    meta: Any = None
    max_model_len: Any = None
    context_length: Any = None
    context_window: Any = None

    def listed(self) -> ListedModel:
        n_ctx = self.meta.get("n_ctx") if isinstance(self.meta, dict) else None
        said = (n_ctx, self.max_model_len, self.context_length, self.context_window)
        window = next((each for each in said if type(each) is int and each > 0), None)
        return ListedModel(self.id or self.name, self.size if isinstance(self.size, int) else 0, window)


class _Listing(msgspec.Struct):
    """Ollama has `models`, the others have `data`; some have both."""

    models: list[_Entry] | None = None
    data: list[_Entry] | None = None


def listed_models(content: bytes) -> list[ListedModel] | None:
    """None if this is no list of models."""
    try:
        listing = msgspec.json.decode(content, type=_Listing)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    entries = listing.models if listing.data is None else listing.data
    return None if entries is None else [each.listed() for each in entries]
