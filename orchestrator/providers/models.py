"""Which models a server has, as servers list them: Ollama under /api/tags, the others under /models."""

import msgspec


class ListedModel(msgspec.Struct, frozen=True):
    """`size` in bytes, if the server tells."""

    name: str
    size: int = 0


class _Entry(msgspec.Struct):
    """Ollama has `name` and `size`, the others have `id`; of llama.cpp's, `size` is a text without anything."""

    name: str = ""
    id: str = ""
    size: int | str = 0

    def listed(self) -> ListedModel:
        return ListedModel(self.id or self.name, self.size if isinstance(self.size, int) else 0)


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
