"""`rlm follow`: what a run of a server does, from its beginning to its end."""

import sys
from collections.abc import Sequence

import msgspec

from orchestrator.cli.command import command_parser
from orchestrator.cli.progress import RunProgress
from orchestrator.cli.say import say, write
from orchestrator.cli.server import Server, add_run, add_server
from orchestrator.journal.events import Answer, AnyEvent, RunFinished

_decode = msgspec.json.Decoder(AnyEvent).decode


def main(arguments: Sequence[str]) -> int:
    """The answer on stdout, all else on stderr; status 1 if the model did not answer. Ctrl-C does not end the run."""
    parser = command_parser("follow", "Show what a run of a server does, as it goes on; its answer on stdout at the end.")
    add_run(parser)
    parser.add_argument("--verbose", action="store_true", help="show code, output and sub-calls, too")
    add_server(parser)
    options = parser.parse_args(arguments)
    server = Server(options)
    run_id = server.find(options.run)
    answer: str | None = None
    end: RunFinished | None = None
    with RunProgress(sys.stderr, verbose=options.verbose) as progress:
        for line in server.lines(f"/runs/{run_id}/events"):
            event = _decode(line)
            progress.show(event)
            answer = event.text if isinstance(event, Answer) else answer
            end = event if isinstance(event, RunFinished) else end
    if answer is not None:
        write(f"{answer}\n")
    if end is None:
        say("the server has stopped; the run goes on when it is started again")
    elif end.error:
        say(f"{end.stopped}: {end.error}")
    return 0 if end is not None and end.stopped == "answered" else 1
