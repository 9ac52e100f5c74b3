"""`rlm build-guest`: what the first start does too."""

from collections.abc import Sequence

from orchestrator.cli.command import add_config, command_parser
from orchestrator.cli.say import say
from orchestrator.cli.settings import read_settings
from orchestrator.sandbox.engine import Engine


def main(arguments: Sequence[str]) -> int:
    parser = command_parser("build-guest", "Build and compile the Python guest, which the first start does too.")
    add_config(parser)
    settings = read_settings(parser.parse_args(arguments).config)
    Engine(settings.sandbox, say, module_folder=settings.module_folder).close()
    return 0
