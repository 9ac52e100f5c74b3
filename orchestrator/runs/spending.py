"""What the model calls of a run take of its budget: reserved before they are sent, charged when they have ended."""

from collections.abc import Sequence

import msgspec

from orchestrator.amounts import Need
from orchestrator.budget import LEAST_REPLY, Budget, Hold
from orchestrator.errors import NotAfforded
from orchestrator.journal.events import ChildFinished
from orchestrator.providers.messages import Message, Reply, Schema
from orchestrator.providers.windows import TOKEN_BYTES
from orchestrator.runs.conversation import Conversation
from orchestrator.runs.sources import Sending, Source

BESIDE = 1500  # characters: what the root model is told beside the output of a block, and the last question


class RootSpending:
    """That of the root's calls. `output_limit`: characters of a block's output that it sees."""

    def __init__(self, budget: Budget, source: Source, output_limit: int) -> None:
        self._budget = budget
        self._source = source
        self._report = (output_limit + BESIDE) // TOKEN_BYTES

    def reserve_turn(self, turn: int, messages: Sequence[Message], schema: Schema | None) -> Hold | None:
        """A call that leaves what the best answer takes after it; None if it takes nothing. Raises NotAfforded."""
        need = self._need(turn, messages, schema, best_answer=False)
        return None if need is None else self._budget.reserve_turn(need, self._best(need))

    def reserve_only(self, turn: int, messages: Sequence[Message], schema: Schema | None) -> Hold | None:
        """A call for which no best answer stands in. Raises NotAfforded."""
        need = self._need(turn, messages, schema, best_answer=False)
        return None if need is None else self._budget.reserve_best(need)

    def reserve_best(self, turn: int, talk: Conversation) -> Hold | None:
        """The best answer, from what was kept for it; it sees less of the last report if it must. Raises NotAfforded."""
        try:
            return self._reserve_rest(turn, talk.messages)
        except NotAfforded:
            talk.shorten_last()
            return self._reserve_rest(turn, talk.messages)

    def keep_back(self, messages: Sequence[Message]) -> None:
        """What the best answer takes behind these."""
        if self._budget.reserves and (need := self._source.last_need(messages)) is not None:
            self._budget.keep_back(self._best(need))

    def _reserve_rest(self, turn: int, messages: Sequence[Message]) -> Hold | None:
        need = self._need(turn, messages, None, best_answer=True)
        return None if need is None else self._budget.reserve_best(need)

    def _need(self, turn: int, messages: Sequence[Message], schema: Schema | None, *, best_answer: bool) -> Need | None:
        """Raises NotAfforded if it was not sent when it was recorded."""
        if not self._budget.reserves:
            return None
        if limit := self._source.refused(turn, best_answer=best_answer):
            raise NotAfforded("it was not sent when this was recorded", limit)
        return self._source.need(turn, messages, schema)

    def _best(self, need: Need) -> Need:
        """Behind one more report."""
        return msgspec.structs.replace(
            need, prompt_tokens=need.prompt_tokens + self._report, reply_tokens=min(LEAST_REPLY, need.reply_tokens)
        )


async def reserve_sub_calls(budget: Budget, source: Source, sendings: Sequence[Sending]) -> list[Hold | None]:
    """All or none; None for a call that takes nothing. Raises NotAfforded."""
    if not budget.reserves:
        return [None] * len(sendings)
    needs = [await source.sub_need(each) for each in sendings]
    holds = iter(budget.reserve([each for each in needs if each is not None]))
    return [None if each is None else next(holds) for each in needs]


def settle(budget: Budget, turn: int, reply: Reply | None, hold: Hold | None) -> None:
    """A call of that turn has ended; what it took is in its reply, if anything came."""
    if hold is not None:
        hold.release()
    if reply is not None:
        budget.charge(turn, reply.usage.total, reply.cost)


def settle_child(budget: Budget, ended: ChildFinished) -> None:
    """A child run has ended; each of its models charges what it brought, though the price of another is not known."""
    budget.charge_child(ended.sub_calls, ended.fuel)
    for each in ended.spent:
        budget.charge(ended.turn, each.usage.total, each.cost)
