"""`rlm show`: a run of a server, turn by turn, and its result."""

from collections.abc import Sequence

import msgspec

from orchestrator.cli.command import command_parser
from orchestrator.cli.say import write
from orchestrator.cli.server import Server, add_run, add_server
from orchestrator.journal.history import RunDetail, Turn


def main(arguments: Sequence[str]) -> int:
    """Status 0 whatever the run came to."""
    parser = command_parser("show", "Show a run of a server: its question, what each turn did, its answer.")
    add_run(parser)
    parser.add_argument("--json", action="store_true", help="all that GET /runs/RUN says")
    add_server(parser)
    options = parser.parse_args(arguments)
    server = Server(options)
    run = server.get(f"/runs/{server.find(options.run)}", RunDetail)
    write(f"{msgspec.json.encode(run).decode()}\n" if options.json else _in_words(run))
    return 0


def _in_words(run: RunDetail) -> str:
    turns = "".join(_turn(each) for each in run.history)
    answer = "" if run.answer is None else f"\n{'Answer' if run.success else 'Partial answer'}: {run.answer}\n"
    error = f"\n{run.stopped}: {run.error}\n" if run.error else ""
    head = f"Run {run.run_id}, {run.started_at}, {run.status}, {', '.join(run.models) or 'no model asked'}"
    return f"{head}\nQuestion: {run.query}\n{turns}{answer}{error}"


def _turn(turn: Turn) -> str:
    calls = f", {turn.sub_calls} sub-calls" if turn.sub_calls else ""
    lines = [f"\n-- Turn {turn.step} ({turn.prompt_tokens} tokens read, {turn.completion_tokens} written{calls})"]
    for each in turn.actions:
        lines += [part.rstrip("\n") for part in (each.code, each.output, each.error) if part]
    return "\n".join(lines) + "\n"
