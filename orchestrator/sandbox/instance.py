"""One live guest. It is ready, running, or dead for ever after a trap: only a ready one can be called or copied."""

import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import wasmtime
from wasmtime.component import Func

from orchestrator.errors import SandboxError
from orchestrator.sandbox.memory.memory import Image, Memory, base_image


class _Permission(threading.local):
    """Whether this thread may enter guests: it is one of the engine's own, with a stack that is large enough."""

    allowed = False


_permission = _Permission()


def allow_guests_here() -> None:
    """Called once on each thread whose stack is larger than a guest's."""
    _permission.allowed = True


class Instance:
    """One live guest: its store, its memory, its exports."""

    def __init__(self, component: str, store: wasmtime.Store, memory: Memory, exports: Mapping[str, Func | None]) -> None:
        """Raises SandboxError where an export is missing: the component is not one of ours."""
        self.store = store
        self._component = component
        self._memory = memory
        self._exports = {name: function for name, function in exports.items() if function}
        if missing := exports.keys() - self._exports.keys():
            raise SandboxError(f"the component is no guest of this program: it does not export {min(missing)}")
        self._lock = threading.Lock()
        self._dead = False

    def call(self, name: str, *arguments: Any) -> Any:
        """Runs an export; whatever it raises, the guest is dead then. Raises wasmtime.WasmtimeError, SandboxError."""
        with self._claiming():
            try:
                return self._exports[name](self.store, *arguments)
            except BaseException as error:
                self._dead = True
                # wasmtime's frames hold the error, whose traceback holds them: a cycle that would keep this guest's memory.
                traceback.clear_frames(error.__traceback__)
                raise

    def snapshot(self, *, shared: bool = False) -> Image:
        """Its state, between two calls. `shared`: for many runs to fork. Raises SandboxError."""
        with self._claiming():
            try:
                return self._memory.snapshot(self._component, shared=shared)
            except OSError as error:
                raise SandboxError(f"a guest's memory cannot be kept: {error.strerror or error}") from None

    def whole_image(self) -> Image:
        """Its state as one file, so that a fork is one mapping."""
        with self._claiming():
            return base_image(self._component, bytes(self._memory.view()))

    def memory_digest(self, digest: Any) -> None:
        """Feeds all of its memory to a hashlib object."""
        with self._claiming():
            digest.update(self._memory.view())

    def remains(self) -> memoryview:
        """The memory that it left when it was stopped, to be read while this object is there. Raises SandboxError."""
        if not self._dead:
            raise SandboxError("the guest lives: its memory may change")
        return self._memory.view().toreadonly()

    @contextmanager
    def _claiming(self) -> Iterator[None]:
        if not _permission.allowed:
            raise SandboxError("a guest was entered on a thread that is not the engine's: its stack may be too small")
        # Never waits: a host import that called its own guest would wait for itself.
        if not self._lock.acquire(blocking=False):
            raise SandboxError("the guest is running: it can be neither called nor copied now")
        try:
            if self._dead:
                raise SandboxError("the guest was stopped: it can be neither called nor copied any more")
            yield
        finally:
            self._lock.release()
