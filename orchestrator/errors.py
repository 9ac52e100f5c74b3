"""Every error that this package raises on purpose.

RLMError
 x ConfigError          at start-up only, names the key; exit status 2
 x RequestError         the caller's, each with its HTTP status
   x InvalidRequest     400
     x Undecodable      bytes that are not of their encoding
   x Unauthorized       401
   x Forbidden          403
   x TooSlow            408, a body does not arrive
   x NotFound           404
   x Unread             415, the body is encoded in a way that is not read
   x AboveCap           422
   x NothingSent        422, there is nothing to ask about
   x UnknownModel       422
   x TooMany            429, one caller's, with when to ask again
   x Unpriced           422, a limit of money over a model without a price
   x TooLong            422, a context is above a model's window
   x NotScripted        503, no run was made
   x NotReady           503, no model can be asked at present
   x Stopping           503, no run was made
   x Busy               503, there is no room now; later there is
   x NoRoom             507, a context cannot be kept
 x ContextDamaged       the file of a context is not as it was written
 x BudgetExceeded       told to the model as BudgetError
   x NotAfforded        of tokens or money: a call of the root that is not sent ends the run
 x ProviderError        retried, then raised in the guest as LLMError
 x ModuleError          a module's: told to the model as ModuleError
 x NotWritten           what happens in a run cannot be written down: it ends
   x StoreFull          no room where runs are kept
   x Superseded         another process has taken it over
   x JournalFull        it writes more than is kept of one
 x JournalError         a journal is not as it was written, or its run does not come to the same again
 x SandboxError         ours; 500, never shown to a model as its own output
"""

from collections.abc import Iterator
from typing import Any, Literal


class RLMError(Exception):
    """The root of the tree."""


class ConfigError(RLMError):
    """A setting is unknown, of the wrong type or of a bad value; the message starts with the key's path."""


class RequestError(RLMError):
    """What the caller sent cannot be answered; `retry_after`: it may be in so many seconds."""

    status = 400
    retry_after: float | None = None


class InvalidRequest(RequestError):
    """The request is not of the documented form."""


class Undecodable(InvalidRequest):
    """Bytes are not of their encoding: the first wrong one is at `place` in `sample`, which begins a little before it."""

    def __init__(self, message: str, sample: bytes = b"", place: int = 0) -> None:
        super().__init__(message)
        self.sample = sample
        self.place = place


class Forbidden(RequestError):
    """Sent by a page of another site, in the browser of somebody who can reach this server."""

    status = 403


class Unauthorized(RequestError):
    """Nobody that this server knows."""

    status = 401


class TooSlow(RequestError):
    """The body arrives too slowly."""

    status = 408


class TooMany(RequestError):
    """A caller has as much under way as it may; in `retry_after` seconds it may ask again."""

    status = 429

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotFound(RequestError):
    """There is no such run, context or page."""

    status = 404


class Conflict(RequestError):
    """The run is not in a state in which that can be done."""

    status = 409


class KeyReused(RequestError):
    """An Idempotency-Key stands for one request."""

    status = 422


class AboveCap(RequestError):
    """The request asks for more than the operator allows."""

    status = 422


class Unread(RequestError):
    """The body is encoded in a way that is not read."""

    status = 415


class NothingSent(RequestError):
    """A context was sent in which there is nothing to ask about."""

    status = 422


class UnknownModel(RequestError):
    """The request names a model that is not configured for that role."""

    status = 422


class Unpriced(RequestError):
    """A limit of money over models of which nobody says what they cost."""

    status = 422


class TooLong(RequestError):
    """A context does not fit the window of the model that is to read it."""

    status = 422


class NotScripted(RequestError):
    """The scripted model has no rule for this query."""

    status = 503


class NotReady(RequestError):
    """All providers of a role are down, or the server is stopping."""

    status = 503


class Stopping(RequestError):
    """The server is being stopped; in `retry_after` seconds one may have taken its place."""

    status = 503
    retry_after = 5


class Busy(RequestError):
    """The server has no room for more at present: of memory, runs or descriptors."""

    status = 503
    retry_after = 5


class NoRoom(RequestError):
    """A context cannot be kept: the disk, or what contexts may take of it, is full."""

    status = 507


class ContextDamaged(RLMError):
    """The file of a context is not as it was written; the message says what to do."""


class BudgetExceeded(RLMError):
    """A run asked for more than it has left; nothing was sent."""


class NotAfforded(BudgetExceeded):
    """More tokens, or more money: it could have passed that limit."""

    def __init__(self, message: str, limit: Literal["max_total_tokens", "max_cost"]) -> None:
        super().__init__(message)
        self.limit: Literal["max_total_tokens", "max_cost"] = limit


# What may help after a failed model call: nothing, another provider, mending this one (its key, its model's name), asking
# it again later, the end of its rate limit.
Remedy = Literal["none", "elsewhere", "mend", "later", "limited"]


class ProviderError(RLMError):
    """A model call failed. `remedy` says what may help; `after`: a rate limit ends in so many seconds, if the server said so.

    `reply`: a messages.Reply with what came before it failed, if anything did.
    """

    def __init__(self, message: str, *, remedy: Remedy = "none", after: float | None = None, reply: Any = None) -> None:
        super().__init__(message)
        self.remedy: Remedy = remedy
        self.after = after
        self.reply = reply


class ModuleError(RLMError):
    """A module has no result; the message says what to do instead."""


class JournalError(RLMError):
    """A journal cannot be replayed; the message begins with the place."""


class NotWritten(RLMError):
    """What happens in a run cannot be written down: it ends."""


class StoreFull(NotWritten):
    """There is no room where runs are kept: a run ends with what it has, before more is paid."""


class Superseded(NotWritten):
    """Another process has taken the run over: this one may write nothing of it."""


class JournalFull(NotWritten):
    """A run has written as much as is kept of one: it ends."""


class SandboxError(RLMError):
    """The sandbox cannot be built, started or trusted."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """It, what it came of, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
