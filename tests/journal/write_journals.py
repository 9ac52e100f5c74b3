"""Writes tests/cases/journals anew: PYTHONPATH=.:tests python tests/journal/write_journals.py

Only for a new FORMAT, under new names: the files of earlier formats stay as they are, every later version must read them.
"""

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import msgspec
from fakes import FakeModel, python

from orchestrator.config import OpenAISettings, SandboxSettings, Settings
from orchestrator.contexts.store import ContextStore
from orchestrator.journal.events import FORMAT, AnyEvent
from orchestrator.journal.export import script
from orchestrator.journal.history import detail
from orchestrator.journal.lines import to_lines
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.pool import Pool
from orchestrator.runs.execute import Tools
from orchestrator.runs.query import Query, WantedLimits
from orchestrator.runs.service import RunService
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.guest import describe
from orchestrator.store.runs import RunStore

CASES = Path(__file__).parents[1] / "cases" / "journals"
CONTEXT = "the context, and the other words"
RUNS = {
    "cells": [
        python("import random\nx = llm_query('a')\nprint(x, len(context), modules.text.describe()['words'])"),
        python("x = 'lost'\nllm_query('paid')\nimport os\nos._exit(1)"),
        "prose, and no block",
        python("try:\n    llm_batch(['fails', 'paid'])\nexcept LLMError as error:\n    print(error)\n1 / 0"),
        python("FINAL({'x': x, 'é😀': '\\u2028'})"),
    ],
    "commands": [
        '[{"op": "regex", "pattern": "the", "store": "hits"}, {"op": "llm_query", "prompt": "about ${hits}", "store": "y"}]',
        '{"op": "final", "answer": "${y}"}',
    ],
    "partial": [python("answer['content'] = 'a draft'"), python("print('x' * 5000)")],
}


def printed(text: str) -> str:
    """What an exported script prints over the context, in plain Python."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "context").write_text(CONTEXT)
        command = [sys.executable, "-I", "-c", text, str(Path(folder) / "context")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def sub(prompt):
    return httpx.Response(400, text="no such luck") if prompt == "fails" else prompt.upper()


async def events_of(engine: Engine, replies: list[str]) -> list[AnyEvent]:
    """Of a run over a small text, with such replies."""
    provider = OpenAISettings(model="fake", base_url="http://model/v1")
    settings = Settings(providers=(provider,), sandbox=engine.settings, output_limit=1000)
    async with httpx.AsyncClient(transport=FakeModel(list(replies), sub=sub)) as client:
        pool = Pool([OpenAIProvider(provider, client)])
        runs = RunService(settings, Tools(engine, await describe(engine)), pool, ContextStore(), RunStore())
        query = Query("What is it?", runs.contexts.add_text(CONTEXT))
        return list(await runs.start(query, WantedLimits(max_iterations=len(replies))).wait())


async def main() -> None:
    engine = Engine(SandboxSettings(fuel=3_000_000_000, memory_bytes=256 << 20))
    for name, replies in RUNS.items():
        events = await events_of(engine, replies)
        path = CASES / f"format{FORMAT}_{name}"
        path.with_suffix(".jsonl").write_bytes(b"".join(to_lines(events)))
        shown = msgspec.json.format(msgspec.json.encode(detail(events)))
        path.with_suffix(".json").write_bytes(shown + b"\n")
        if name != "commands":
            path.with_suffix(".out").write_text(printed(script(events)))
    engine.close()


if __name__ == "__main__":
    asyncio.run(main())
