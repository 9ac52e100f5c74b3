"""What the store is asked by."""

import msgspec


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Of runs: how their id begins; how they ended, or what they do; a part of query or answer or a model's name, in any case.

    Times are nanoseconds since 1970: begun at `since` or later, and before `before`.
    """

    run_id: str | None = None
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
