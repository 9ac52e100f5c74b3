"""What the store is asked by, and what it says of runs."""

import msgspec

from orchestrator.journal.results import RunSummary


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


class Listed(msgspec.Struct, frozen=True):
    """One of a list; `begun_ns` tells its place. `held`: by a process."""

    run_id: str
    begun_ns: int
    summary: RunSummary
    held: bool


class Unfinished(msgspec.Struct, frozen=True):
    """A run without its end; `detached`: it is to be gone on with, its caller does not wait. `parent`: whose child it is."""

    run_id: str
    attempt: int
    holder: str | None
    detached: bool
    parent: str | None = None
