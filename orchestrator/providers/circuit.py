"""Whether a provider is asked at all: a circuit breaker (M. Nygard, Release It!)."""

import time

FAILURES = 3  # in a row, until it opens
FIRST_SECONDS = 1.0  # that it stays open; doubled each time that the probe fails
LONGEST_SECONDS = 30.0


class Circuit:
    """Closed lets all calls through, open none; half-open lets one through, the probe, which closes or opens it."""

    def __init__(self) -> None:
        self._failures = 0
        self._seconds = FIRST_SECONDS
        self._probing = False
        self.open_until = 0.0  # by time.monotonic()

    @property
    def state(self) -> str:
        """closed, open or half-open."""
        if self._failures < FAILURES:
            return "closed"
        return "open" if time.monotonic() < self.open_until else "half-open"

    @property
    def free(self) -> bool:
        """Whether one more call may begin."""
        return self.state == "closed" or (self.state == "half-open" and not self._probing)

    def begin(self) -> None:
        """A call begins: in the half-open circuit it is the probe."""
        self._probing = self.state == "half-open"

    def end(self) -> None:
        """A call has ended, however. If it is not the probe, there may be two of these for once."""
        self._probing = False

    def succeed(self) -> None:
        """Closes it."""
        self._failures, self._seconds = 0, FIRST_SECONDS

    def fail(self, seconds: float) -> None:
        """One more failure in a row, that took so long to be known: so long, at least, nobody else has to wait for it."""
        was_open = self._failures >= FAILURES
        if was_open and time.monotonic() < self.open_until:
            return  # of a call that began before it opened
        self._failures += 1
        if self._failures >= FAILURES:
            self._seconds = min(self._seconds * 2, LONGEST_SECONDS) if was_open else FIRST_SECONDS
            self.open_until = time.monotonic() + max(self._seconds, seconds)
