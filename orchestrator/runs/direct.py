"""Direct answers: one call with the whole context, for those that fit a model's window. No cell is executed."""

from orchestrator.budget import Hold
from orchestrator.contexts.context import Context
from orchestrator.dialogue import direct, typed
from orchestrator.errors import NotAfforded, ProviderError, TooLong
from orchestrator.journal.events import Answer
from orchestrator.providers.messages import Message, Schema
from orchestrator.providers.pool import Models
from orchestrator.providers.windows import TOKEN_BYTES, tokens_needed
from orchestrator.runs.answers import Given
from orchestrator.runs.cells import Report
from orchestrator.runs.query import Query
from orchestrator.runs.run import Ending, Run

MOST_REPLIES = 3  # to an answer_schema, which the first may not fit
UNKNOWN_WINDOW = 1_000_000  # tokens that a model is taken to read at most, if nobody says


def check_fits(query: Query, models: Models) -> None:
    """Raises TooLong."""
    window = max((each.window or UNKNOWN_WINDOW for each in models.root), default=UNKNOWN_WINDOW)
    # What is far too long is not even read: a character is a byte at least.
    needed = query.context.length // TOKEN_BYTES
    if needed <= window:
        needed = tokens_needed(first_messages(query.text, query.context, query.answer_schema))
    if needed > window:
        raise TooLong(
            f"route: direct: the context has {query.context.length:,} characters, about {needed:,} tokens with the question "
            f'and a reply; the model reads {window:,}; ask with route "rlm"'
        )


def first_messages(query: str, context: Context, answer_schema: Schema | None) -> tuple[Message, ...]:
    """All that the model is sent."""
    return Message("system", direct.SYSTEM), Message("user", direct.question(query, context, answer_schema))


class Direct(Run):
    """Asks once; again only if the answer does not fit its schema."""

    def _reserve(self, turn: int, *, best_answer: bool) -> Hold | None:
        return self._spending.reserve_only(turn, self._conversation.messages, self._briefing.schema)

    async def _take_turns(self) -> Ending:
        text = None
        for _ in range(min(MOST_REPLIES if self._schema else 1, self._budget.iterations_left)):
            try:
                reply = await self._ask_root()
            except ProviderError as error:
                return "provider_error", str(error)
            except NotAfforded as exceeded:
                self._give_partial(text)
                return self._explain_limit(exceeded.limit)
            text = typed.json_in(reply.text) if self._schema else reply.text.rpartition("</think>")[2].strip()
            if not text:
                return "provider_error", f"{reply.provider}: the reply is empty"
            report = await self._judged(self._budget.take_turn(), Report("", failed=False, answer=Given(text)))
            if report.answer is not None:
                self._journal.write(Answer(text=report.answer.text, partial=False, typed=self._schema is not None))
                return "answered", None
            self._conversation.add(reply.text, report.text)
        self._give_partial(text)
        return "max_iterations", f"no answer fits the schema, in {self._budget.iterations} replies"
