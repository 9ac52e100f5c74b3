"""What the store is asked by."""

import msgspec


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Of runs: how they ended, or that they have not; a part of query or answer, in any case; a part of a model's name.

    Times are nanoseconds since 1970: begun at `since` or later, and before `before`.
    """

    status: str | None = None
    text: str | None = None
    model: str | None = None
    since: int | None = None
    before: int | None = None


class Key(msgspec.Struct, frozen=True):
    """That of somebody, and the request that came with it, as hashes."""

    owner: str
    digest: bytes
    request: bytes
