"""The root loop (Algorithm 1 of arXiv 2512.24601) and nothing else.

The root model sees the query, what the context is, and the bounded output of its own cells; never the context.
"""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from orchestrator import prompts
from orchestrator.budget import Budget
from orchestrator.contexts import Context
from orchestrator.errors import ProviderError
from orchestrator.events import (
    Answer,
    CellFinished,
    CellStarted,
    CellTrapped,
    ModelCalled,
    ModelReplied,
    RunFinished,
    RunStarted,
    Stopped,
    Unparsed,
)
from orchestrator.journal import Journal
from orchestrator.pool import Pool
from orchestrator.providers.base import Message
from orchestrator.replies import Action, Final, RunCell, parse_reply
from orchestrator.replies import Unparsed as UnparsedReply
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.host_imports import HostImports
from orchestrator.sandbox.interpreter import CellOutcome, Interpreter
from orchestrator.sandbox.limits import Trap
from orchestrator.subcalls import SubCalls


class Tools(msgspec.Struct, frozen=True):
    """What all runs share."""

    engine: Engine
    pool: Pool
    functions: tuple[prompts.Function, ...]
    output_limit: int


class Run:
    """One execution of a query."""

    def __init__(self, tools: Tools, journal: Journal, query: str, context: Context, budget: Budget) -> None:
        self._tools = tools
        self._journal = journal
        self._query = query
        self._context = context
        self._budget = budget
        self._subcalls = SubCalls(tools.pool, budget, journal)
        self._cells = 0
        self._answer: str | None = None
        self._draft: str | None = None

    async def execute(self) -> None:
        """Runs to its end, whatever that is; the journal then says everything."""
        try:
            self._interpreter = self._begin()
            stopped, error = await self._loop()
        except asyncio.CancelledError:
            self._finish("cancelled", "the caller went away, or the server stopped")
            raise
        except Exception:
            self._finish("internal_error", "an internal error; the server's log has its place")
            raise
        self._finish(stopped, error)

    def _begin(self) -> Interpreter:
        clock = time.time_ns()
        seed = int.from_bytes(self._journal.run_id.encode()[:8])
        self._journal.write(
            RunStarted(
                run_id=self._journal.run_id,
                query=self._query,
                context_id=self._context.id,
                context_kind=self._context.kind,
                context_lengths=tuple(self._context.lengths),
                max_iterations=self._budget.max_iterations,
                max_sub_calls=self._budget.max_sub_calls,
                seed=seed,
                clock_start_ns=clock,
                component_sha256=self._tools.engine.sha256,
            )
        )
        imports = HostImports(self._context, self._subcalls.ask, asyncio.get_running_loop(), seed, clock)
        return Interpreter(self._tools.engine, imports, self._context, seed)

    async def _loop(self) -> tuple[Stopped, str | None]:
        messages = self._opening()
        last_turn = False
        while self._budget.turns_left and not last_turn:
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
        if last_turn:
            return "max_sub_calls", f"max_sub_calls ({self._budget.max_sub_calls}) was reached before an answer"
        return "max_iterations", f"max_iterations ({self._budget.max_iterations}) was reached before an answer"

    def _opening(self) -> list[Message]:
        tools = self._tools
        system = prompts.system(tools.functions, self._budget, tools.engine.settings, tools.output_limit)
        question = prompts.question(self._query, self._context.kind, self._context.lengths)
        return [Message("system", system), Message("user", question)]

    async def _ask_root(self, messages: Sequence[Message], *, best_answer: bool = False) -> str:
        """The next reply. Raises ProviderError."""
        turn = self._budget.iterations + 1
        self._journal.write(ModelCalled(turn=turn, prompt_chars=sum(len(each.content) for each in messages)))
        reply = await self._tools.pool.complete("root", tuple(messages))
        self._journal.write(ModelReplied(turn=turn, reply=reply, best_answer=best_answer))
        return reply.text

    async def _act(self, reply: str) -> str:
        """Do what a reply says, up to an error or an answer; returns what the model is told of it."""
        actions: list[Action] = parse_reply(reply) if reply.strip() else [UnparsedReply(prompts.EMPTY_REPLY)]
        reports: list[str] = []
        for position, action in enumerate(actions, 1):
            report, stop = await self._act_on(action)
            reports.append(report)
            if stop or self._answer is not None:
                if position < len(actions):
                    reports.append(prompts.not_run(len(actions) - position))
                break
        return "\n\n".join(reports)

    async def _act_on(self, action: Action) -> tuple[str, bool]:
        """One action: the report of it, and whether the rest of the reply must not be run."""
        match action:
            case RunCell():
                return await self._run_cell(action.code)
            case Final():
                self._answer = action.text
                return "", True
            case UnparsedReply():
                self._journal.write(Unparsed(turn=self._budget.iterations, reason=action.reason))
                return prompts.unparsed(action.reason), True

    async def _run_cell(self, code: str) -> tuple[str, bool]:
        self._cells += 1
        turn, cell = self._budget.iterations, self._cells
        self._subcalls.turn, self._subcalls.cell = turn, cell
        self._journal.write(CellStarted(turn=turn, cell=cell, code=code))
        outcome = await self._interpreter.run_cell(cell, code)
        if isinstance(outcome, Trap):
            return self._trapped(turn, cell, outcome), True
        return self._finished(turn, cell, outcome), outcome.error is not None

    def _finished(self, turn: int, cell: int, outcome: CellOutcome) -> str:
        self._answer, self._draft = outcome.answer, outcome.draft
        shown = prompts.shortened(outcome.head, outcome.tail, outcome.length, self._tools.output_limit)
        self._journal.write(
            CellFinished(
                turn=turn,
                cell=cell,
                output=shown,
                output_chars=outcome.length,
                error=outcome.error,
                answer=outcome.answer,
                fuel=outcome.fuel,
                guest_seconds=outcome.seconds,
            )
        )
        return prompts.cell_report(cell, shown, outcome.length, outcome.error)

    def _trapped(self, turn: int, cell: int, trap: Trap) -> str:
        message = prompts.trapped(trap.kind, self._tools.engine.settings)
        self._journal.write(
            CellTrapped(turn=turn, cell=cell, limit=trap.kind, message=message, fuel=trap.fuel, guest_seconds=trap.seconds)
        )
        return f"Block {cell} was stopped. {message}"

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
