"""The component's entry: the exports of guest_sdk/wit/rlm.wit, each one line into rlm_guest."""

import json

import wit_world
from rlm_guest import runner


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
