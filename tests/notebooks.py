"""A guest without a run around it: its sub-calls are answered by a function, its calls are kept."""

import json

import msgspec

from orchestrator.dialogue.command_text import parse_block
from orchestrator.dialogue.commands import CONTEXT, Malformed
from orchestrator.errors import BudgetExceeded
from orchestrator.runs.cells import sent_commands
from orchestrator.sandbox.guest import Guest
from orchestrator.sandbox.messages import CellRequest, HostError, HostResult, Opening, SubReply


async def shout(prompts):
    """The usual sub-model."""
    return [SubReply(text=prompt.upper()) for prompt in prompts]


def as_sent(*commands):
    """JSON commands as a run sends them to the guest: checked, with every field."""
    checked = parse_block(json.dumps(commands))
    assert not any(isinstance(each, Malformed) for each in checked)
    return msgspec.json.encode(checked).decode()


class Notebook:
    """The guest over a context, and its owner; `calls` are the records of the last cell."""

    def __init__(self, engine, context, ask=shout, seed=7, clock_start_ns=10**18):
        self._ask = ask
        self._limits = engine.settings
        self.calls = []
        opening = Opening(seed=seed, clock_start_ns=clock_start_ns, limits=engine.settings)
        self.guest = Guest(engine, context, opening, self)

    async def answer(self, call):
        try:
            return HostResult(tuple(await self._ask([each.text for each in call.prompts])))
        except BudgetExceeded as error:
            return HostResult(error=HostError("BudgetError", str(error)))

    def record(self, record):
        self.calls.append(record)

    async def run_cell(self, number, code):
        return await self._run(number, "python", code, names_context=CONTEXT.search(code) is not None)

    async def run_commands(self, number, commands, *, names_context=True, room=10_000):
        return await self._run(number, "commands", sent_commands(commands, room), names_context=names_context)

    async def _run(self, number, kind, text, *, names_context):
        self.calls = []
        request = CellRequest(number=number, kind=kind, text=text, names_context=names_context, fuel=self._limits.fuel)
        return await self.guest.run(request)
