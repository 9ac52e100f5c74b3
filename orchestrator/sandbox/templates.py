"""One image for each context: a guest that has loaded it, made once, forked by every run that uses it."""

import threading
import time
from typing import Protocol

import msgspec
import wasmtime

from orchestrator.config import CellLimits, SandboxSettings
from orchestrator.contexts.context import Context
from orchestrator.errors import SandboxError
from orchestrator.sandbox.entered import entering
from orchestrator.sandbox.execution import preparation
from orchestrator.sandbox.host_imports import MAX_TEXT_CHARS
from orchestrator.sandbox.instance import Instance
from orchestrator.sandbox.memory.memory import Image
from orchestrator.sandbox.messages import Opening
from orchestrator.sandbox.modules.registry import Modules
from orchestrator.sandbox.questions import MAX_BATCH_CHARS


class Forks(Protocol):
    """What an engine does for templates."""

    settings: SandboxSettings
    blank: Image
    modules: Modules

    def fork(self, image: Image | None = None, limits: CellLimits | None = None, extra_bytes: int = 0) -> Instance: ...


def extra_bytes(context: Context, limits: CellLimits) -> int:
    """What a guest may use beside memory_bytes, to hold the context."""
    return 0 if context.is_lazy(limits.context_inline_limit) else context.guest_bytes


def begin(engine: Forks, context: Context, template: Image | None, opening: Opening) -> Instance:
    """A guest at the beginning of a run, forked from the context's template if there is one. Raises SandboxError."""
    limits = opening.limits
    instance = engine.fork(template, limits, extra_bytes(context, limits))
    if template is None:
        start(instance, context, limits)
    instance.call("seed", opening.seed)
    return instance


def start(instance: Instance, context: Context, limits: CellLimits) -> None:
    """Gives a guest its limits, and what its context is. Raises SandboxError."""
    described = {
        "output_chars": limits.output_chars,
        "max_batch_chars": MAX_BATCH_CHARS,
        "max_text_chars": MAX_TEXT_CHARS,
        "context": {
            "kind": context.kind,
            "length": context.length,
            "count": context.count,
            "inline": not context.is_lazy(limits.context_inline_limit),
            "bytes": context.guest_bytes,
        },
    }
    try:
        instance.call("start", msgspec.json.encode(described).decode())
    except wasmtime.WasmtimeError as error:
        raise SandboxError(f"the guest does not start: {error}") from None


_Key = tuple[str, int, int]


def _key(context: Context, limits: CellLimits) -> _Key:
    """A template holds what `start` gave it, and had the memory of its run's limit to load into."""
    return context.id, limits.output_chars, limits.memory_bytes


class _Entry:
    """The template of one context, or the attempt to make it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.image: Image | None = None
        self.tried = False
        self.used = time.monotonic()


class Templates:
    """The templates of all contexts.

    The least recently used leave first, when all are larger than template_bytes or older than template_seconds.
    """

    def __init__(self, engine: Forks) -> None:
        self._engine = engine
        self._settings = engine.settings
        self._lock = threading.Lock()
        self._entries: dict[_Key, _Entry] = {}

    def held(self, context: Context, limits: CellLimits) -> Image | None:
        """The template, if there is one."""
        if context.is_lazy(limits.context_inline_limit):
            return None
        with self._lock:
            entry = self._entries.get(_key(context, limits))
            if entry is None or entry.image is None:
                return None
            entry.used = time.monotonic()
            return entry.image

    def image(self, context: Context, limits: CellLimits) -> Image | None:
        """The template, made now if there is none; None for a context that is lazy, or that no guest can load."""
        if context.is_lazy(limits.context_inline_limit):
            return None
        with self._lock:
            entry = self._entries.setdefault(_key(context, limits), _Entry())
        with entry.lock:
            if not entry.tried:
                entry.image = self._load(context, limits)
                entry.tried = True
            entry.used = time.monotonic()
        self.expire()
        return entry.image

    @property
    def held_bytes(self) -> int:
        """What all of them take of the machine's memory."""
        with self._lock:
            return sum(self._size(each) for each in self._entries.values())

    def expire(self) -> None:
        """Lets go of what is too much or too old."""
        self._let_go(self._settings.template_bytes, time.monotonic() - self._settings.template_seconds)

    def forget(self, context: Context) -> None:
        """No other run is expected over it."""
        with self._lock:
            for key in [each for each in self._entries if each[0] == context.id]:
                del self._entries[key]

    def shrink(self, to: int) -> None:
        """Lets go of what is more than so many bytes."""
        self._let_go(to, 0.0)

    def _let_go(self, most: int, oldest_allowed: float) -> None:
        with self._lock:
            by_use = sorted(self._entries.items(), key=lambda item: item[1].used)
            sizes = {key: self._size(entry) for key, entry in by_use}
            held = sum(sizes.values())
            for key, entry in by_use:
                if entry.tried and (held > most or entry.used < oldest_allowed):
                    held -= sizes[key]
                    del self._entries[key]

    def _size(self, entry: _Entry) -> int:
        return entry.image.held_bytes(self._engine.blank) if entry.image else 0

    def _load(self, context: Context, limits: CellLimits) -> Image | None:
        """On a thread of the engine's. A context that cannot be loaded fails in the cell that tries, not here."""
        with entering(preparation(context, limits, self._engine.modules)):
            instance = self._engine.fork(None, limits, extra_bytes(context, limits))
            start(instance, context, limits)
            try:
                loaded = instance.call("load-context")
            except wasmtime.WasmtimeError:
                return None
            return instance.snapshot(shared=True) if loaded else None
