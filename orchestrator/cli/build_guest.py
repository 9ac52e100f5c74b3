"""`rlm build-guest`: what the first start does too."""

import argparse

from orchestrator.cli.inputs import read_settings
from orchestrator.cli.say import say
from orchestrator.sandbox.engine import Engine


def build_guest(options: argparse.Namespace) -> int:
    settings = read_settings(options.config)
    Engine(settings.sandbox, say, module_folder=settings.module_folder).close()
    return 0
