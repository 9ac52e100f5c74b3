"""`make trials`: tasks of ten kinds, asked of a model through RLM in both languages, and directly where the input fits."""

import argparse
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import generated
import real
from players import Mailbox
from tasks import Task

from orchestrator import RLM
from orchestrator.errors import RLMError
from orchestrator.library.asking import Asking
from orchestrator.library.results import Result
from orchestrator.library.rlm import Model

HEADER = (
    "| kind | characters | way | right | turns | sub-calls | tokens | seconds | answer |\n|---|---|---|---|---|---|---|---|---|"
)
SHOWN = 60  # characters of an answer


class Row(NamedTuple):
    """One trial."""

    task: Task
    way: str
    right: bool
    turns: int
    sub_calls: int
    tokens: int
    seconds: float
    answer: str

    def __str__(self) -> str:
        answer = " ".join(self.answer.split()).replace("|", "\\|")[:SHOWN]
        right = "yes" if self.right else "NO"
        return (
            f"| {self.task.kind} | {self.task.size:,} | {self.way} | {right} | {self.turns} | {self.sub_calls} | {self.tokens:,} "
            f"| {self.seconds:.1f} | {answer} |"
        )


def make_tasks(seed: int, only: list[str] | None = None) -> Iterator[Task]:
    """One of each kind; the same seed makes the same tasks on the same machine."""
    for make in (*generated.KINDS, *real.KINDS):
        task = make(random.Random(f"{seed} {make.__name__}"))
        if task is None:
            print(f"(no {make.__name__}: this machine has no text for it)", file=sys.stderr)
        elif not only or task.kind in only:
            yield task


def play(model: Model, tasks: list[Task], ways: list[str], window: int) -> Iterator[Row]:
    """All ways on one server. `window`: characters that the model can read; what is longer is not asked directly."""
    with RLM(model=model) as rlm:
        for way in ways:
            asking: Asking = {"route": "direct"} if way == "direct" else {"protocol": "json" if way == "json" else "python"}
            for task in tasks:
                if way != "direct" or task.size <= window:
                    yield _row(task, way, rlm.ask(task.question, task.context, **asking))


def _row(task: Task, way: str, result: Result) -> Row:
    return Row(
        task,
        way,
        task.is_right(result.answer or ""),
        result.iterations,
        result.sub_calls,
        result.usage.total_tokens,
        result.duration_ms / 1000,
        result.answer or f"(none: {result.error})",
    )


def summary(rows: list[Row]) -> str:
    """Right ones by way."""
    lines = []
    for way in dict.fromkeys(row.way for row in rows):
        mine = [row for row in rows if row.way == way]
        lines.append(
            f"{way}: {sum(row.right for row in mine)} of {len(mine)} right, {sum(row.tokens for row in mine):,} tokens"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="PROVIDER/MODEL, as ollama/qwen3:32b; with --url only its name there")
    parser.add_argument("--url", help="of an OpenAI-compatible server, up to and including /v1")
    parser.add_argument("--mailbox", type=Path, help="a folder: requests go there, replies come from there")
    parser.add_argument("--ways", nargs="+", default=["python", "json", "direct"], choices=["python", "json", "direct"])
    parser.add_argument("--only", nargs="+", help="these kinds")
    parser.add_argument("--window", type=int, default=100_000, help="characters that the model can read at once")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.mailbox is None and not arguments.model:
        sys.exit("make trials MODEL=ollama/qwen3:32b, or MODEL=NAME MODEL_URL=http://127.0.0.1:8080/v1, or MAILBOX=FOLDER")
    model: Model = Mailbox(arguments.mailbox) if arguments.mailbox else arguments.model
    if arguments.url:
        os.environ["OPENAI_BASE_URL"] = arguments.url
        model = f"openai/{arguments.model}"
    rows = []
    tasks = list(make_tasks(arguments.seed, arguments.only))
    if unknown := set(arguments.only or ()) - {task.kind for task in tasks}:
        kinds = ", ".join(task.kind for task in make_tasks(arguments.seed))
        sys.exit(f"trials: there is no kind {', '.join(sorted(unknown))}; there are: {kinds}")
    print(HEADER)
    try:
        for row in play(model, tasks, arguments.ways, arguments.window):
            rows.append(row)
            print(row, flush=True)
    except RLMError as error:
        sys.exit(f"trials: {error}")
    print(f"\n{summary(rows)}")


if __name__ == "__main__":
    main()
