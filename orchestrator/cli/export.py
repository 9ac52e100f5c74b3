"""`rlm export`: a run as something that a person can read."""

import argparse

from orchestrator.cli.inputs import read_journal
from orchestrator.journal.export import script


def export(options: argparse.Namespace) -> int:
    print(script(read_journal(options.journal)), end="")
    return 0
