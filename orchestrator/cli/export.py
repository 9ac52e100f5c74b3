"""`rlm export`: a run as something that a person can read."""

from collections.abc import Sequence

from orchestrator.cli.command import add_journal, command_parser
from orchestrator.cli.journals import find_journal, read_journal
from orchestrator.cli.say import write
from orchestrator.journal.export import script
from orchestrator.journal.listing import listing


def main(arguments: Sequence[str]) -> int:
    parser = command_parser("export", "Write a run as something that a person can read, on stdout.")
    add_journal(parser)
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument("--commands", action="store_true", help="each block of code or list of commands, and what it printed")
    form.add_argument("--script", action="store_true", help="the code as one Python script, with the models' answers in it")
    options = parser.parse_args(arguments)
    events = read_journal(find_journal(options.journal))
    write(script(events) if options.script else listing(events))
    return 0
