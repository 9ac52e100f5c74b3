"""One image for each context: a guest that has loaded it, made once, forked by every run that uses it."""

import threading
import time
from typing import Protocol

import msgspec
import wasmtime

from orchestrator.config import SandboxSettings
from orchestrator.contexts.context import Context
from orchestrator.errors import SandboxError
from orchestrator.sandbox.host_imports import MAX_BATCH_CHARS, MAX_TEXT_CHARS, HostImports, ModuleRunner, entering
from orchestrator.sandbox.instance import Instance
from orchestrator.sandbox.limits import Meter
from orchestrator.sandbox.memory.memory import Image


class Forks(Protocol):
    """What an engine does for templates."""

    settings: SandboxSettings
    blank: Image

    def fork(self, image: Image | None = None, extra_bytes: int = 0) -> Instance: ...


def extra_bytes(context: Context, settings: SandboxSettings) -> int:
    """What a guest may use beside memory_bytes, to hold the context."""
    return 0 if _is_lazy(context, settings) else context.guest_bytes


def begin(engine: "Forks", context: Context, template: Image | None, seed: int) -> Instance:
    """A guest at the beginning of a run, forked from the context's template where there is one. Raises SandboxError."""
    instance = engine.fork(template, extra_bytes(context, engine.settings))
    if template is None:
        start(instance, context, engine.settings)
    instance.call("seed", seed)
    return instance


def start(instance: Instance, context: Context, settings: SandboxSettings) -> None:
    """Tells a guest its settings, and what its context is. Raises SandboxError."""
    described = {
        "output_chars": settings.output_chars,
        "max_batch_chars": MAX_BATCH_CHARS,
        "max_text_chars": MAX_TEXT_CHARS,
        "context": {
            "kind": context.kind,
            "lengths": context.lengths,
            "inline": not _is_lazy(context, settings),
            "bytes": context.guest_bytes,
        },
    }
    try:
        instance.call("start", msgspec.json.encode(described).decode())
    except wasmtime.WasmtimeError as error:
        raise SandboxError(f"the guest does not start: {error}") from None


def _is_lazy(context: Context, settings: SandboxSettings) -> bool:
    return context.kind == "documents" or (context.kind == "text" and context.guest_bytes > settings.context_inline_limit)


class _Entry:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.image: Image | None = None
        self.tried = False
        self.used = time.monotonic()


class Templates:
    """The least recently used leave first, when all are larger than template_bytes or older than template_seconds."""

    def __init__(self, engine: Forks) -> None:
        self._engine = engine
        self._settings = engine.settings
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def held(self, context: Context) -> Image | None:
        """The template, where there is one."""
        with self._lock:
            entry = self._entries.get(context.id)
            if entry is None or entry.image is None:
                return None
            entry.used = time.monotonic()
            return entry.image

    def image(self, context: Context) -> Image | None:
        """The template, made now where there is none; None for a context that is lazy, or that no guest can load."""
        if _is_lazy(context, self._settings):
            return None
        with self._lock:
            entry = self._entries.setdefault(context.id, _Entry())
        with entry.lock:
            if not entry.tried:
                entry.image = self._loaded(context)
                entry.tried = True
            entry.used = time.monotonic()
        self.expire()
        return entry.image

    def expire(self) -> None:
        """Lets go of what is too much or too old."""
        oldest_allowed = time.monotonic() - self._settings.template_seconds
        with self._lock:
            by_use = sorted(self._entries.items(), key=lambda item: item[1].used)
            sizes = {key: entry.image.held_bytes(self._engine.blank) if entry.image else 0 for key, entry in by_use}
            held = sum(sizes.values())
            for key, entry in by_use:
                if entry.tried and (held > self._settings.template_bytes or entry.used < oldest_allowed):
                    held -= sizes[key]
                    del self._entries[key]

    def _loaded(self, context: Context) -> Image | None:
        """On a thread of the engine's. A context that cannot be loaded is told to the cell that tries, not here."""
        with entering(Loader(context, self._settings.seconds)):
            instance = self._engine.fork(None, extra_bytes(context, self._settings))
            start(instance, context, self._settings)
            try:
                loaded = instance.call("load-context")
            except wasmtime.WasmtimeError:
                return None
            return instance.snapshot(shared=True) if loaded else None


class Loader:
    """Who is in the guest while a template is made."""

    def __init__(self, context: Context, seconds: float) -> None:
        self.imports = HostImports(context, None, None, seed=0, clock_start_ns=0)
        self.meter = Meter(seconds)
        self.fuel_left = 0

    @property
    def modules(self) -> ModuleRunner:
        """Our own code alone is in the guest then, and it calls none."""
        raise SandboxError("a guest called a module before its first cell")
