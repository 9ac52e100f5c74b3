"""What a root model is sent. It only grows, so that servers have its beginning in their caches, until it is too long."""

from collections.abc import Sequence

from orchestrator.dialogue import shortening
from orchestrator.providers.messages import Message

WORTH = 2  # it is compacted if that leaves out this part of the limit: caches are lost by it, so not each turn


class Conversation:
    """The messages of one run. `limit`: in characters; None: it is never compacted."""

    def __init__(self, first: Sequence[Message], limit: int | None) -> None:
        self.messages = list(first)
        self._limit = limit
        self._first = len(first)
        self._next_report = len(first) + 1  # that is whole: those before it have been shortened
        self._note = ""  # of the last compaction: it is old when the report that it stands behind is shortened
        self._sent = 0  # of the messages, which the model knows

    @property
    def characters(self) -> int:
        return sum(len(each.content) for each in self.messages)

    @property
    def told(self) -> list[str]:
        """The question, with what the model was shown of the input, and what it was told of its replies."""
        return [each.content for each in self.messages[self._first - 1 :] if each.role == "user"]

    @property
    def is_long(self) -> bool:
        """Whether it is time to compact it."""
        if self._limit is None or self.characters <= self._limit:
            return False
        return sum(shortening.saved(self.messages[place].content) for place in self._reports()) >= self._limit // WORTH

    def add(self, reply: str, told: str) -> None:
        """A reply, and what the model is told of it."""
        self.messages += [Message("assistant", reply), Message("user", told)]

    def compact(self, variables: str) -> None:
        """Of reports that the model has seen the beginning and the end are left; `variables`: how they were listed."""
        for place in self._reports():
            self._shorten(place)
        self._next_report = len(self.messages) - 1
        self._note = f"\n{shortening.note(variables)}"
        last = self.messages[-1]
        self.messages[-1] = Message(last.role, last.content + self._note)
        self._sent = 0

    def shorten_last(self) -> None:
        """Of the last report, before a question behind it, too."""
        place = len(self.messages) - 2
        if place > self._first:
            self._shorten(place)

    def take_new(self) -> tuple[str, ...]:
        """What the model has not been sent yet, and did not say itself."""
        new = tuple(each.content for each in self.messages[self._sent :] if each.role != "assistant")
        self._sent = len(self.messages)
        return new

    def _shorten(self, place: int) -> None:
        report = self.messages[place].content
        self.messages[place] = Message("user", shortening.shortened(report.removesuffix(self._note)))

    def _reports(self) -> range:
        """Where those are that can be shortened: never the last one, which the model has not seen."""
        return range(self._next_report, len(self.messages) - 1, 2)
