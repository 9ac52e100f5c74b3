"""The root loop (Algorithm 1 of arXiv 2512.24601) and nothing else.

The root model sees the query, what the context is, and the bounded output of its own cells; never the context.
"""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from orchestrator.budget import Budget
from orchestrator.config import Protocol
from orchestrator.contexts.context import Context
from orchestrator.dialogue import prompts
from orchestrator.dialogue.commands import SCHEMA
from orchestrator.dialogue.replies import Action, Final, RunCell, RunCommands, parse_reply
from orchestrator.dialogue.replies import Unparsed as UnparsedReply
from orchestrator.errors import ProviderError
from orchestrator.journal.events import Answer, ModelCalled, ModelReplied, RunFinished, RunStarted, Stopped, Unparsed
from orchestrator.journal.journal import Journal
from orchestrator.providers.messages import Message
from orchestrator.providers.pool import Pool
from orchestrator.runs.cells import Cells, Report
from orchestrator.runs.subcalls import SubCalls
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.guest import Interpreter
from orchestrator.sandbox.host_imports import HostImports


class Tools(msgspec.Struct, frozen=True):
    """What all runs share."""

    engine: Engine
    pool: Pool
    functions: tuple[prompts.Function, ...]
    output_limit: int


class Query(msgspec.Struct, frozen=True):
    """What the caller asks, and the language that the root model is taught."""

    text: str
    context: Context
    protocol: Protocol = "python"


class Run:
    """One execution of a query."""

    def __init__(self, tools: Tools, journal: Journal, query: Query, budget: Budget) -> None:
        self._tools = tools
        self._journal = journal
        self._query = query
        self._budget = budget
        self._subcalls = SubCalls(tools.pool, budget, journal)
        self._answer: str | None = None
        self._draft: str | None = None
        self._told = 0

    async def execute(self) -> None:
        """Runs to its end, whatever that is; the journal then says everything."""
        self._cells = self._begin()
        try:
            stopped, error = await self._loop()
        except asyncio.CancelledError:
            self._finish("cancelled", "the caller went away, or the server stopped")
            raise
        except Exception:
            self._finish("internal_error", "an internal error; the server's log has its place")
            raise
        finally:
            self._cells.close()
        self._finish(stopped, error)

    def _begin(self) -> Cells:
        clock = time.time_ns()
        seed = int.from_bytes(self._journal.run_id.encode()[:8])
        self._journal.write(
            RunStarted(
                run_id=self._journal.run_id,
                query=self._query.text,
                context_id=self._query.context.id,
                context_kind=self._query.context.kind,
                context_lengths=tuple(self._query.context.lengths),
                max_iterations=self._budget.max_iterations,
                max_sub_calls=self._budget.max_sub_calls,
                max_seconds=self._budget.max_seconds,
                max_fuel=self._budget.max_fuel,
                protocol=self._query.protocol,
                output_limit=self._tools.output_limit,
                sandbox=self._tools.engine.settings,
                seed=seed,
                clock_start_ns=clock,
                component_sha256=self._tools.engine.sha256,
            )
        )
        imports = HostImports(self._query.context, self._subcalls.ask, asyncio.get_running_loop(), seed, clock)
        interpreter = Interpreter(self._tools.engine, imports, self._query.context, seed)
        return Cells(interpreter, self._subcalls, self._budget, self._journal, self._tools.output_limit)

    async def _loop(self) -> tuple[Stopped, str | None]:
        try:
            async with asyncio.timeout(self._budget.max_seconds):
                return await self._turns()
        except TimeoutError:
            self._give_partial(self._draft)
            return "max_seconds", f"max_seconds ({self._budget.max_seconds:g}) was reached before an answer"

    async def _turns(self) -> tuple[Stopped, str | None]:
        messages = self._opening()
        last_turn = False
        while self._budget.turns_left and self._budget.fuel_left and not last_turn:
            last_turn = self._budget.refused
            try:
                reply = await self._ask_root(messages)
            except ProviderError as error:
                self._give_partial(self._draft)
                return "provider_error", str(error)
            self._budget.iterations += 1
            report = await self._act(reply)
            if self._answer is not None:
                self._journal.write(Answer(text=self._answer, partial=False))
                return "answered", None
            messages += [Message("assistant", reply), Message("user", f"{report}\n{prompts.status(self._budget)}")]
        self._give_partial(self._draft or await self._best_answer(messages))
        if not self._budget.fuel_left:
            return "max_fuel", f"max_fuel ({self._budget.max_fuel}) was reached before an answer"
        if last_turn:
            return "max_sub_calls", f"max_sub_calls ({self._budget.max_sub_calls}) was reached before an answer"
        return "max_iterations", f"max_iterations ({self._budget.max_iterations}) was reached before an answer"

    def _opening(self) -> list[Message]:
        told = prompts.Told(self._tools.engine.settings, self._tools.output_limit)
        system = prompts.system(self._query.protocol, self._tools.functions, self._budget, told)
        question = prompts.question(self._query.text, self._query.context.kind, self._query.context.lengths)
        return [Message("system", system), Message("user", question)]

    async def _ask_root(self, messages: Sequence[Message], *, best_answer: bool = False) -> str:
        """The next reply. Raises ProviderError."""
        turn = self._budget.iterations + 1
        told = tuple(each.content for each in messages[self._told :] if each.role != "assistant")
        self._told = len(messages)
        self._journal.write(ModelCalled(turn=turn, prompt_chars=sum(len(each.content) for each in messages), told=told))
        constrained = self._query.protocol == "json" and not best_answer
        reply = await self._tools.pool.complete("root", tuple(messages), SCHEMA if constrained else None)
        self._journal.write(ModelReplied(turn=turn, reply=reply, best_answer=best_answer))
        return reply.text

    async def _act(self, reply: str) -> str:
        """Do what a reply says, up to an error or an answer; returns what the model is told of it."""
        actions: list[Action] = parse_reply(reply) if reply.strip() else [UnparsedReply(prompts.EMPTY_REPLY)]
        reports: list[str] = []
        for position, action in enumerate(actions, 1):
            report = await self._act_on(action)
            reports.append(report.text)
            self._answer, self._draft = report.answer, report.draft or self._draft
            if report.failed or report.answer is not None:
                if position < len(actions):
                    reports.append(prompts.not_run(len(actions) - position))
                break
        return "\n\n".join(reports)

    async def _act_on(self, action: Action) -> Report:
        match action:
            case RunCell():
                return await self._cells.run(self._budget.iterations, action.code)
            case RunCommands():
                return await self._cells.run_commands(self._budget.iterations, action.commands)
            case Final():
                return Report("", failed=False, answer=action.text)
            case UnparsedReply():
                self._journal.write(Unparsed(turn=self._budget.iterations, reason=action.reason))
                return Report(prompts.unparsed(action.reason), failed=True)

    async def _best_answer(self, messages: Sequence[Message]) -> str | None:
        """One last call, which is no turn: what the model thinks by now."""
        try:
            reply = await self._ask_root([*messages, Message("user", prompts.BEST_ANSWER)], best_answer=True)
        except ProviderError:
            return None
        [first, *_] = parse_reply(reply)
        return first.text if isinstance(first, Final) else reply.strip() or None

    def _give_partial(self, answer: str | None) -> None:
        if answer is not None:
            self._journal.write(Answer(text=answer, partial=True))

    def _finish(self, stopped: Stopped, error: str | None) -> None:
        self._journal.write(RunFinished(stopped=stopped, error=error))
