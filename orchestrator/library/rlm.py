"""RLM: questions over inputs far larger than any model's window, from Python."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import msgspec

from orchestrator import config
from orchestrator.config import AnyProvider, Settings
from orchestrator.errors import ConfigError
from orchestrator.journal.events import AnyEvent
from orchestrator.library.asking import Asking, split
from orchestrator.library.background import Background
from orchestrator.library.inputs import Input, add_input
from orchestrator.library.own_model import OwnModel, OwnProvider, Role
from orchestrator.library.results import Result
from orchestrator.library.streams import Stream
from orchestrator.opening import Orchestrator
from orchestrator.providers.messages import Provider
from orchestrator.providers.naming import parse_model
from orchestrator.runs.replay import replay
from orchestrator.runs.service import RunService

Model = str | OwnModel  # PROVIDER/MODEL, as ollama/qwen3:32b; or an object with an async `complete`


class RLM:
    """Holds a sandbox and its models; close it, or use it in a `with`. Any thread may ask, several at once."""

    def __init__(
        self,
        model: Model | None = None,
        sub_model: Model | None = None,
        *,
        configuration: str | Path | None = None,
        **limits: Any,
    ) -> None:
        """Without a model, those of the configuration (a config.toml). `limits`: its settings, as max_iterations=5.

        Raises ConfigError.
        """
        settings = config.load(Path(configuration)) if configuration else config.DEFAULTS
        settings = _limit(settings, limits)
        own: list[Provider] = []
        if model is not None:
            settings, own = _with_models(settings, model, sub_model)
        elif sub_model is not None:
            raise ConfigError("sub_model: name a model, too")
        if own:
            config.check_keys(settings, "RLM")
        else:
            config.check(settings, "RLM")
        self._background = Background()
        self._open = AsyncExitStack()
        try:
            self._runs: RunService = self._background.submit(self._start(settings, own)).result()
        except BaseException:
            self._background.stop()
            raise

    def ask(self, question: str, context: Input, **asking: Unpack[Asking]) -> Result:
        """The result of a run, which is no error if the model did not answer; `asking`: asking.py.

        Raises InvalidRequest, AboveCap, UnknownModel, SandboxError.
        """
        return self.stream(question, context, **asking).result()

    async def ask_async(self, question: str, context: Input, **asking: Unpack[Asking]) -> Result:
        """`ask`, awaited in any loop."""
        stream = await asyncio.wrap_future(self._background.submit(self._begin(question, context, asking)))
        return await stream.result_async()

    def stream(self, question: str, context: Input, **asking: Unpack[Asking]) -> Stream:
        """A run that has begun: iterate over its events (also with `async for`), then ask for its `result`."""
        return self._background.submit(self._begin(question, context, asking)).result()

    def run(self, task: str, context: Input, max_iterations: int | None = None) -> Result:
        """`ask`, by the names that users of similar libraries know."""
        return self.ask(task, context, max_iterations=max_iterations)

    def close(self) -> None:
        """Cancels what still runs, and gives all memory back."""
        self._background.submit(self._open.aclose()).result()
        self._background.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    async def _start(self, settings: Settings, own: list[Provider]) -> RunService:
        """In the background: building and compiling the guest takes seconds, the first time."""
        self._orchestrator = Orchestrator(settings, lambda message: None, providers=own)
        return await self._open.enter_async_context(self._orchestrator.open())

    async def _begin(self, question: str, context: Input, asking: Asking) -> Stream:
        # A thread: a folder of many files takes its time, and other runs go on in this loop.
        added = await asyncio.to_thread(add_input, self._runs.contexts, context)
        query, limits = split(question, added.context, asking)

        def execute_again(events: Sequence[AnyEvent]) -> int:
            return self._background.submit(
                replay(events, query.context, self._orchestrator.engine, self._orchestrator.settings)
            ).result()

        return Stream(self._background, self._runs.start(query, limits), execute_again, added.notes)


def _limit(settings: Settings, limits: dict[str, Any]) -> Settings:
    values = msgspec.to_builtins(settings)
    for name, value in limits.items():
        if name not in values or name == "providers":
            known = ", ".join(each for each in values if each != "providers")
            raise ConfigError(f"{name}: there is no such limit; there are {known}")
        values[name] = values[name] | value if isinstance(values[name], dict) and isinstance(value, dict) else value
    try:
        limited: Settings = msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"RLM: {error}") from None
    return limited


def _with_models(settings: Settings, model: Model, sub_model: Model | None) -> tuple[Settings, list[Provider]]:
    """The settings of the models that have a name, and those that are objects."""
    chosen: list[tuple[Model, Role]] = [(model, "both")] if sub_model is None else [(model, "root"), (sub_model, "sub")]
    named: list[AnyProvider] = []
    own: list[Provider] = []
    for each, role in chosen:
        if isinstance(each, str):
            named.append(msgspec.structs.replace(parse_model(each, settings.providers), role=role))
        else:
            own.append(OwnProvider(each, role))
    return msgspec.structs.replace(settings, providers=tuple(named)), own
