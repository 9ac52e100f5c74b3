"""The component's entry: the exports of guest_sdk/wit/rlm.wit, each one line into rlm_guest."""

# ruff: noqa: E402  (what is imported after the library was read is in it, and in memory that reading it left free)
from rlm_guest import library

library.keep()

import json

import wit_world
from rlm_guest import runner, standard  # noqa: F401  (standard: for what it imports)


class WitWorld(wit_world.WitWorld):
    """What the host calls."""

    def describe(self) -> str:
        return json.dumps(runner.describe())

    def start(self, settings: str) -> None:
        runner.start(json.loads(settings))

    def seed(self, seed: int) -> None:
        runner.seed(seed)

    def load_context(self) -> bool:
        return runner.load_context()

    def run_cell(self, number: int, code: str) -> str:
        return runner.run_cell(number, code)

    def run_commands(self, number: int, commands: str) -> str:
        return runner.run_commands(number, commands)
