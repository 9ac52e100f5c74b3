"""`rlm cancel`: ends a run of a server."""

from collections.abc import Sequence

from orchestrator.cli.command import command_parser
from orchestrator.cli.say import say, write
from orchestrator.cli.server import Server, add_run, add_server
from orchestrator.journal.results import RunSummary


def main(arguments: Sequence[str]) -> int:
    """Prints what it has of an answer; status 0 also if it had ended before."""
    parser = command_parser("cancel", "End a run of a server with what it has; one that has ended stays as it is.")
    add_run(parser)
    add_server(parser)
    options = parser.parse_args(arguments)
    server = Server(options)
    run = server.post(f"/runs/{server.find(options.run)}/cancel", RunSummary)
    if run.answer is not None:
        write(f"{run.answer}\n")
    say(f"run {run.run_id}: {run.status}")
    return 0
