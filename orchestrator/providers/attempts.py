"""One model call through all its attempts: what is tried again, with whom, after how long, and when it is given up."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator

import msgspec

from orchestrator.budget import Hold
from orchestrator.errors import NotAfforded, ProviderError
from orchestrator.providers.backend import Backend
from orchestrator.providers.messages import FailedAttempt, Message, Received, Reply, Schema, Usage, add_costs
from orchestrator.providers.needs import need
from orchestrator.providers.queue import AllDown, Candidates, Queue

FIRST_BACKOFF_SECONDS = 0.5  # doubled each time that all candidates have failed
LONGEST_BACKOFF_SECONDS = 8.0
WORTH_TELLING_SECONDS = 1.0  # of a wait
MOST_KEPT = 20  # failed attempts that differ; those of later ones are counted together


class Wait(msgspec.Struct, frozen=True):
    """A call is held back: by a rate limit, or by a failure that may pass."""

    provider: str
    seconds: float
    reason: str


def _tell_nobody(wait: Wait) -> None:
    pass


def _watched_by_nobody(received: Received) -> None:
    pass


class Affinity:
    """The provider that answered the turn before: its prompt cache has all but the newest of the messages."""

    backend: Backend | None = None


class Request(msgspec.Struct, frozen=True):
    """What is sent to a model, and for whom: `until` that run has time (time.monotonic()); `tell` is called before it waits.

    `watch` is given what each attempt brings, before it brings anything.
    `affinity`: whom to ask if there is room. `owner`: whose run it is. `max_tokens`: of the reply, if less than configured.
    `sample`: how often the run has sent the same before, if the cache may be asked; None if it may not.
    `hold`: what it may take of its run's budget, asked before each attempt; None if that has no limit of tokens or money.
    """

    messages: tuple[Message, ...]
    schema: Schema | None = None
    max_tokens: int | None = None
    run_id: str = ""
    owner: str = ""
    sample: int | None = None
    until: float = float("inf")
    tell: Callable[[Wait], None] = _tell_nobody
    watch: Callable[[Received], None] = _watched_by_nobody
    affinity: Affinity | None = None
    hold: Hold | None = None


class Attempts:
    """Goes on until there is a reply, or nothing would help."""

    def __init__(self, queue: Queue, candidates: Candidates, request: Request, retry_seconds: float) -> None:
        self._queue = queue
        self._candidates = candidates
        self._request = request
        self._retry_seconds = retry_seconds
        self._tried: set[Backend] = set()  # and failed, since the last pause
        self._pauses = 0
        self._give_up_at: float | None = None  # since the first failure
        self._started = time.monotonic()
        self._waited = 0.0
        self._count = 0
        self._usage = self._last_usage = Usage()  # of all attempts, of the last
        self._costs: list[float | None] = []  # of each attempt
        self._failed: dict[tuple[str, str], FailedAttempt] = {}
        self._reply: Reply | None = None  # of the last attempt, if anything came
        self._error: ProviderError | None = None  # of the last attempt

    async def reply(self) -> Reply:
        """Its text may be empty, if it was so twice. Raises ProviderError, with what came and what it cost as its `reply`."""
        empty: Reply | None = None
        while True:
            try:
                most = self._begin()
            except NotAfforded as error:
                if empty is not None:
                    return empty
                raise self._not_afforded(error) from None
            backend = await self._take()
            try:
                reply = await self._ask(backend, most)
            except ProviderError as error:
                self._error = error
                self._consider(backend, error)
                continue
            if reply.text.strip() or reply.cut or empty:
                if self._request.affinity:
                    self._request.affinity.backend = backend
                return reply
            empty = reply
            self._note(backend, "the reply is empty")
            if len(self._candidates) > 1:
                self._tried.add(backend)

    def _begin(self) -> int | None:
        """How many tokens the reply of the next attempt may have. Raises NotAfforded."""
        request = self._request
        if request.hold is None:
            return request.max_tokens
        return request.hold.begin(need(self._candidates, request.messages, request.schema, request.max_tokens))

    def _not_afforded(self, refusal: NotAfforded) -> ProviderError:
        if self._error is None:
            return ProviderError(str(refusal))
        failed = self._given_up()
        return ProviderError(f"{failed}; it is not tried again: {refusal}", reply=failed.reply)

    async def _take(self) -> Backend:
        """The provider of the next attempt. Raises ProviderError if it is time to give up."""
        while True:
            fresh = tuple(each for each in self._candidates if each not in self._tried and each.circuit.state != "open")
            with self._waiting():
                if not self._has_time_for(fresh):
                    await self._pause(fresh)
                    continue
                with contextlib.suppress(AllDown):
                    return await self._queue.take(self._request.run_id, self._preferred(fresh), self._request.until)

    def _preferred(self, fresh: Candidates) -> Candidates:
        before = self._request.affinity.backend if self._request.affinity else None
        return (before,) if before in fresh and before.free and not before.doubted else fresh

    def _has_time_for(self, fresh: Candidates) -> bool:
        """Whether it waits for one of these; not if all are limited while others may soon be back. Raises ProviderError."""
        if not all(each.limited for each in fresh):
            return True
        if len(fresh) < len(self._candidates):
            return False
        first = min(fresh, key=lambda each: each.limited_until)
        if first.limited_until > self._request.until:
            raise self._given_up()
        self._tell(first, first.limited_until - time.monotonic())
        return True

    async def _pause(self, limited: Candidates) -> None:
        """All others have failed: in a while they may not. Then nothing is left but to wait for those that are limited."""
        now = time.monotonic()
        self._give_up_at = self._give_up_at or now + self._retry_seconds
        seconds = min(FIRST_BACKOFF_SECONDS * 2**self._pauses, LONGEST_BACKOFF_SECONDS) * random.uniform(1, 1.5)
        if now + seconds > self._give_up_at:
            if not limited:
                raise self._given_up()
            self._candidates = limited
            return
        self._pauses += 1
        self._tried.clear()
        self._tell(self._candidates[0], seconds)
        await self._queue.pause(min([seconds, *(max(0.0, each.limited_until - now) for each in limited)]))

    def _tell(self, backend: Backend, seconds: float) -> None:
        reason = self._error or backend.measures.last_error
        if seconds >= WORTH_TELLING_SECONDS and reason:
            self._request.tell(Wait(backend.name, round(seconds, 1), str(reason)))

    async def _ask(self, backend: Backend, most: int | None) -> Reply:
        received = Received()
        self._request.watch(received)
        self._count += 1
        was_down = backend.circuit.state != "closed"
        failure: ProviderError | None = None
        try:
            await backend.call(self._request.messages, received, self._request.schema, most)
        except ProviderError as error:
            failure = error
        finally:
            self._queue.give_back(backend)
        self._last_usage = received.usage_for(self._request.messages)
        self._usage += self._last_usage
        self._costs.append(backend.cost(self._last_usage) if received.cost is None else received.cost)
        if self._request.hold is not None:
            self._request.hold.end(self._last_usage.total, self._costs[-1])
        if failure:
            self._note(backend, str(failure))
        self._reply = self._make_reply(backend, received)
        if failure:
            raise failure
        if was_down:
            self._queue.wake()
        return self._reply

    def _consider(self, backend: Backend, error: ProviderError) -> None:
        """What to do after a failure. Raises it if nothing helps."""
        if error.remedy == "limited":
            # The next attempt waits it out, however long, if the run has the time: the server lives.
            self._give_up_at, self._pauses = None, 0
            return
        self._give_up_at = self._give_up_at or time.monotonic() + self._retry_seconds
        match error.remedy:
            case "none":
                raise self._given_up()
            case "later":
                self._tried.add(backend)
            case "elsewhere" | "mend":
                self._drop(backend)

    def _drop(self, backend: Backend) -> None:
        """This call asks it no more. Raises the last failure if there is no other."""
        self._candidates = tuple(each for each in self._candidates if each is not backend)
        if not self._candidates:
            raise self._given_up()

    def _given_up(self) -> ProviderError:
        error = self._error
        if error is None:  # Others have found out that all are down.
            found = next((each.measures.last_error for each in self._candidates if each.measures.last_error), None)
            error = ProviderError(found or "no provider can be asked at present")
        error.reply = self._reply if self._count > 1 or self._usage != Usage() else None
        return error

    def _note(self, backend: Backend, error: str) -> None:
        """The last attempt failed."""
        key = (backend.name, error)
        if key not in self._failed and len(self._failed) >= MOST_KEPT:
            key = (backend.name, "other failures")
        before = self._failed.get(key, FailedAttempt(provider=key[0], error=key[1], times=0, cost=0.0))
        usage, cost = before.usage + self._last_usage, add_costs([before.cost, self._costs[-1]])
        self._failed[key] = msgspec.structs.replace(before, times=before.times + 1, usage=usage, cost=cost)

    def _make_reply(self, backend: Backend, received: Received) -> Reply:
        return Reply(
            provider=backend.name,
            text=received.text,
            reasoning=received.reasoning,
            usage=self._usage,
            attempts=self._count,
            seconds=time.monotonic() - self._started,
            cut=received.cut,
            waited=self._waited,
            failed=tuple(self._failed.values()),
            cost=add_costs(self._costs),
            last_cost=self._costs[-1],
        )

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """Time inside is nobody's work."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._waited += time.monotonic() - started
