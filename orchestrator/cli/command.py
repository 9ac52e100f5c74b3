"""What all commands share: how they take arguments."""

import argparse
from pathlib import Path


def command_parser(name: str, description: str) -> argparse.ArgumentParser:
    """For the arguments behind `rlm NAME`."""
    return argparse.ArgumentParser(prog=f"rlm {name}", description=description, allow_abbrev=False)


def add_config(parser: argparse.ArgumentParser) -> None:
    """--config: None if it is not given."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration; default: config.toml, if it is there")


def add_journal(parser: argparse.ArgumentParser) -> None:
    """The run that a command is about."""
    parser.add_argument(
        "journal",
        metavar="RUN|FILE",
        help="a run of `rlm query` (how its id begins), or a file with GET /runs/RUN/journal",
    )
