"""The root loop (Algorithm 1 of arXiv 2512.24601).

The root model sees the query, what the context is, and the bounded output of its own cells; never the context. What is not
the run's own doing (replies of models, cells that were executed before) comes from its source.
"""

import asyncio
import contextlib
import traceback

import msgspec

from orchestrator.budget import Budget, Hold
from orchestrator.dialogue import reports, typed
from orchestrator.dialogue.replies import Action, FinalText, NothingToDo, NotTaken, RunCell, RunCommands, parse_reply
from orchestrator.errors import JournalError, JournalFull, NotAfforded, ProviderError, StoreFull, Superseded
from orchestrator.journal.events import (
    Answer,
    AnswerRefused,
    CallRefused,
    HistoryCompacted,
    ModelCalled,
    ModelFailed,
    ModelReplied,
    RunFinished,
    RunStarted,
    Unparsed,
)
from orchestrator.journal.parts import Stopped
from orchestrator.journal.recording import FROM_OUTSIDE, Interrupted
from orchestrator.providers.messages import Message, Reply, Schema
from orchestrator.runs.answers import Given, Judge, Refused, as_value
from orchestrator.runs.cells import Cells, Report
from orchestrator.runs.conversation import Conversation
from orchestrator.runs.fitting import Misfit
from orchestrator.runs.forking import BEFORE_ALL
from orchestrator.runs.sources import Source
from orchestrator.runs.spending import RootSpending, settle
from orchestrator.runs.subcalls import Writer

MOST_ALIKE = 3  # failing replies that are the same, until the model is told; one more ends the run


CANCELLED = RunFinished(stopped="cancelled", error="a request cancelled it, or its caller went away, or the server stopped")
LIST_VARIABLES = "SHOW_VARS()"
NEXT_QUESTION = "_next_question()"  # of the guest: an answer to an earlier one is none to this one
INTERNAL = RunFinished(stopped="internal_error", error="an internal error; the server's log has its place")


class Briefing(msgspec.Struct, frozen=True):
    """What the root model is sent first, and what its replies are held to; None for Python."""

    messages: tuple[Message, ...]
    schema: Schema | None


Ending = tuple[Stopped, str | None]  # why a run stopped, and the error that its caller sees


class Run:
    """One execution of a query; its first event says all that it depends on."""

    def __init__(self, started: RunStarted, briefing: Briefing, source: Source, budget: Budget, journal: Writer) -> None:
        self._protocol = started.protocol
        self._briefing = briefing
        self._source = source
        self._budget = budget
        self._journal = journal
        self._started = started
        self._schema = started.answer_schema
        self._answer: Given | None = None
        self._draft: str | None = None
        self._conversation = Conversation(briefing.messages, started.history_chars)
        self._spending = RootSpending(budget, source, started.output_limit)
        self._shortened_for = 0  # that turn, if it had to be
        self._failing = ""  # the last reply,
        self._failed_alike = 0  # and how often it has failed in a row

    async def execute(self, cells: Cells, seconds: float | None) -> None:
        """Runs to its end, whatever that is, within `seconds`; the journal then says everything."""
        self._cells = cells
        self._budget.begin(seconds)
        self._judge = Judge(self._started, cells.ask_aside)
        try:
            stopped, error = await self._run_within(seconds)
        except Interrupted as interrupted:
            stopped, error = interrupted.finished.stopped, interrupted.finished.error
            if stopped in FROM_OUTSIDE:
                self._give_partial(self._draft)
        except asyncio.CancelledError:
            self._give_partial(self._draft)
            self._journal.write(CANCELLED)
            raise
        except JournalFull as full:
            # Its frames hold it, and this run with all that it wrote down: only the collector of cycles would free that.
            traceback.clear_frames(full.__traceback__)
            self._give_partial(self._draft)
            stopped, error = "max_journal", str(full)
        except StoreFull as full:
            self._give_partial(self._draft)
            stopped, error = "store_full", str(full)
        except Superseded as taken:
            stopped, error = "cancelled", str(taken)
        except JournalError:
            # A re-execution that differs says nothing of the run itself.
            raise
        except Exception:
            # A re-execution did not end here when it was recorded: the error is what it failed by, not that difference.
            with contextlib.suppress(JournalError):
                self._journal.write(INTERNAL)
            raise
        finally:
            cells.close()
        self._finish(stopped, error)

    async def _run_within(self, seconds: float | None) -> Ending:
        try:
            async with asyncio.timeout(seconds):
                return await self._take_turns()
        except TimeoutError:
            self._give_partial(self._draft)
            limit = self._budget.limits.max_seconds
            return "max_seconds", f"max_seconds ({limit:g}) was reached before an answer"

    async def _take_turns(self) -> Ending:
        await self._bring_back()
        last_turn = False
        while self._budget.iterations_left and self._budget.fuel_left and not last_turn and self._failed_alike <= MOST_ALIKE:
            last_turn = self._budget.refused
            try:
                reply = await self._ask_root()
            except ProviderError as error:
                self._give_partial(self._draft)
                return "provider_error", str(error)
            except NotAfforded as exceeded:
                await self._give_best(self._draft or await self._ask_best_answer())
                return self._explain_limit(exceeded.limit)
            report = await self._act(self._budget.take_turn(), reply)
            if self._answer is not None:
                self._journal.write(Answer(text=self._answer.text, partial=False, typed=self._schema is not None))
                return "answered", None
            self._conversation.add(reply.text, f"{report}\n{reports.status(self._budget, self._protocol)}")
        await self._give_best(self._draft or await self._ask_best_answer())
        return self._explain_end(last_turn=last_turn)

    async def _bring_back(self) -> None:
        """The variables of earlier runs. Raises JournalError if that fails."""
        for each in self._source.earlier:
            await self._cells.again(each)
        if self._source.earlier:
            report = await self._cells.run(BEFORE_ALL, NEXT_QUESTION)
            if report.failed or report.answer is not None:
                raise JournalError(f"the variables of the run before cannot be gone on with: {report.text}")

    def _explain_end(self, *, last_turn: bool) -> Ending:
        if self._failed_alike > MOST_ALIKE:
            return "repeated_reply", f"the model sent the same failing reply {self._failed_alike} times"
        if not self._budget.fuel_left:
            return self._explain_limit("max_fuel")
        return self._explain_limit("max_sub_calls" if last_turn else "max_iterations")

    def _explain_limit(self, limit: Stopped) -> Ending:
        before = "an answer" if self._budget.iterations else "a first turn could be paid: it is too little"
        return limit, f"{limit} ({getattr(self._budget.limits, limit)}) was reached before {before}"

    async def _ask_root(self, *, best_answer: bool = False) -> Reply:
        """The next reply. Raises ProviderError, NotAfforded."""
        turn = self._budget.iterations + 1
        await self._keep_short(turn)
        talk = self._conversation
        if best_answer:
            talk.messages.append(Message("user", reports.best_answer(self._schema)))
        try:
            hold = self._reserve(turn, best_answer=best_answer)
        except NotAfforded as exceeded:
            self._journal.write(CallRefused(turn=turn, limit=exceeded.limit, best_answer=best_answer))
            raise
        self._journal.write(ModelCalled(turn=turn, prompt_chars=talk.characters, texts=talk.take_new()))
        return await self._cells.wait(self._receive(turn, hold, best_answer=best_answer))

    async def _receive(self, turn: int, hold: Hold | None, *, best_answer: bool) -> Reply:
        """The reply, written down before the run has its place again, for which it may have to wait. Raises ProviderError."""
        talk, schema = self._conversation, None if best_answer else self._briefing.schema
        try:
            reply = await self._source.reply(turn, talk.messages, schema, hold)
        except ProviderError as error:
            settle(self._budget, turn, error.reply, hold)
            self._journal.write(ModelFailed(turn=turn, error=str(error), reply=error.reply))
            raise
        settle(self._budget, turn, reply, hold)
        self._journal.write(ModelReplied(turn=turn, reply=reply, best_answer=best_answer))
        await self._journal.settle()  # it is paid: it lasts before it is used
        if not best_answer:
            self._spending.keep_back([*talk.messages, Message("assistant", reply.text)])
        return reply

    def _reserve(self, turn: int, *, best_answer: bool) -> Hold | None:
        """Raises NotAfforded."""
        if best_answer:
            return self._spending.reserve_best(turn, self._conversation)
        return self._spending.reserve_turn(turn, self._conversation.messages, self._briefing.schema)

    async def _keep_short(self, turn: int) -> None:
        """Compacts the conversation if it is too long, once before a turn; one that was recorded as it was then."""
        if turn == self._shortened_for:
            return
        self._shortened_for = turn
        recorded = self._source.compacted(turn)
        if self._conversation.is_long if recorded is None else recorded:
            self._journal.write(HistoryCompacted(turn=turn))
            listed = await self._cells.run(turn, LIST_VARIABLES)
            self._conversation.compact(listed.text)

    async def _act(self, turn: int, reply: Reply) -> str:
        """Do what a reply says, up to an error or an answer; returns what the model is told of it."""
        actions = parse_reply(reply.text, cut=reply.cut)
        said: list[str] = []
        for position, action in enumerate(actions, 1):
            report = await self._judged(turn, await self._act_on(turn, action))
            said.append(report.text)
            self._answer, self._draft = report.answer, report.draft or self._draft
            if report.failed or report.answer is not None:
                if position < len(actions):
                    said.append(reports.not_run_message(len(actions) - position))
                break
        if reply.cut:
            said.append(reports.CUT_REPLY)
        if self._count_alike(reply.text, failed=report.failed) == MOST_ALIKE:
            said.append(reports.repeated_message(self._protocol))
        return "\n\n".join(said)

    def _count_alike(self, reply: str, *, failed: bool) -> int:
        """How often the same reply has failed by now, one after the other."""
        self._failed_alike = self._failed_alike + 1 if failed and reply == self._failing else int(failed)
        self._failing = reply
        return self._failed_alike

    async def _act_on(self, turn: int, action: Action) -> Report:
        match action:
            case RunCell():
                return await self._cells.run(turn, action.code)
            case RunCommands():
                return await self._cells.run_commands(turn, action.commands)
            case FinalText():
                return Report("", failed=False, answer=Given(action.text))
            case NotTaken():
                told = reports.final_beside_blocks(self._protocol)
                self._journal.write(Unparsed(turn=turn, reason=told))
                return Report(told, failed=False)
            case NothingToDo():
                self._journal.write(Unparsed(turn=turn, reason=action.reason))
                return Report(reports.unparsed_message(action.reason, self._protocol), failed=True)

    async def _judged(self, turn: int, report: Report) -> Report:
        """With the answer as it is taken, or why it is not."""
        if report.answer is None:
            return report
        last = self._budget.refused or not (self._budget.iterations_left and self._budget.fuel_left)
        seen = "\n\n".join([*self._conversation.told, report.text])
        try:
            answer = await self._judge.take(report.answer, seen, last=last)
        except Refused as refused:
            self._journal.write(AnswerRefused(turn=turn, reason=str(refused)))
            return Report("\n".join(filter(None, [report.text, str(refused)])), failed=True, draft=report.draft)
        return msgspec.structs.replace(report, answer=answer)

    async def _ask_best_answer(self) -> str | None:
        """One last call, which is no turn: what the model thinks by now."""
        try:
            reply = await self._ask_root(best_answer=True)
        except (ProviderError, NotAfforded):
            return None
        for action in parse_reply(reply.text, cut=reply.cut):
            if isinstance(action, RunCell | RunCommands) and self._budget.fuel_left:
                # It may name a variable, or call FINAL as it did before.
                report = await self._act_on(self._budget.iterations + 1, action)
                if report.answer is not None:
                    return report.answer.text
            elif isinstance(action, FinalText):
                return action.text
        return (reply.text.strip() if self._schema is None else typed.json_in(reply.text)) or None

    async def _give_best(self, answer: str | None) -> None:
        """A partial answer, as a value if it is one that fits."""
        if answer is None or self._schema is None:
            self._give_partial(answer)
            return
        with contextlib.suppress(Misfit):
            value = await as_value(Given(answer), self._schema)
            self._journal.write(Answer(text=value, partial=True, typed=True))
            return
        self._give_partial(answer)

    def _give_partial(self, answer: str | None) -> None:
        if answer is not None:
            self._journal.write(Answer(text=answer, partial=True))

    def _finish(self, stopped: Stopped, error: str | None) -> None:
        self._journal.write(RunFinished(stopped=stopped, error=error))
