"""Whether an answer is taken: it has to fit the schema of its question, and a sub-model may be asked whether it is right."""

from collections.abc import Awaitable, Callable

import msgspec

from orchestrator.dialogue import typed, verifying
from orchestrator.journal.events import RunStarted
from orchestrator.providers.messages import Schema
from orchestrator.runs.fitting import Misfit, fit
from orchestrator.sandbox.messages import Manner, Prompt, SubReply

MOST_WHY = 1000  # characters of a disagreement


class Given(msgspec.Struct, frozen=True):
    """An answer; `is_json`: it was a value, which is written as JSON. A text may be meant as JSON too."""

    text: str
    is_json: bool = False


class _Verdict(msgspec.Struct):
    """What verifying.VERDICT asks for."""

    why: str
    agrees: bool


class Refused(Exception):
    """What the root model is told of its answer."""


class Judge:
    """Of the answers of one run."""

    def __init__(self, started: RunStarted, ask: Callable[[Prompt], Awaitable[SubReply]]) -> None:
        """`ask`: a sub-call that no cell makes."""
        self._question = started.query
        self._schema = started.answer_schema
        self._ask = ask
        self._verifies = started.verify

    async def take(self, given: Given, seen: str, *, last: bool) -> Given:
        """The answer as it stands. `seen`: what the model was shown; `last`: the model could not answer again.

        Raises Refused.
        """
        answer = given
        if self._schema is not None:
            try:
                answer = Given(await as_value(given, self._schema), is_json=True)
            except Misfit as misfit:
                raise Refused(typed.refused(str(misfit))) from None
        if self._verifies and not last:
            await self._verify(answer, seen)
        return answer

    async def _verify(self, answer: Given, seen: str) -> None:
        """Raises Refused, once. If nobody can say, the answer stands."""
        prompt = verifying.prompt(self._question, answer.text, seen)
        reply = await self._ask(Prompt(prompt, Manner(schema=verifying.VERDICT)))
        verdict = msgspec.json.decode(reply.text, type=_Verdict) if reply.text is not None else None
        if verdict is not None and not verdict.agrees:
            self._verifies = False
            raise Refused(verifying.disagreement(verdict.why[:MOST_WHY]))


async def as_value(given: Given, schema: Schema) -> str:
    """The answer as JSON that fits. Raises Misfit."""
    if given.is_json:
        return _written(await fit(schema, given.text))
    try:
        return _written(await fit(schema, msgspec.json.encode(given.text).decode()))
    except Misfit as misfit:
        try:
            return _written(await fit(schema, given.text))
        except Misfit as other:
            # What is wrong with what it was meant as.
            raise (other if given.text.lstrip()[:1] in ("{", "[") else misfit) from None


def _written(value: object) -> str:
    return msgspec.json.encode(value).decode()
