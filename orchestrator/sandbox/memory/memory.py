"""The linear memories of guests, which the host supplies, so that a running interpreter can be copied: snapshot, fork.

Between two calls nothing of a guest lives outside its linear memory, so an image of it is its whole state. Sound only if
1. nothing but memory can change in a guest: the component passes soundness.make_sound when it is built;
2. an image is taken of a guest that is ready: not running, never stopped, by one thread at a time (instance.Instance);
3. an image never changes, and is used only with the component that it came from (mappings.SealedFile, Image.component);
4. the host gives a guest no handle of its own (linker.link defines no function that returns one);
5. an image is mapped while wasmtime asks for the memory, never later, and is not larger than the limit (Engine.fork);
6. guests run on the engine's own threads, whose stacks are larger than a guest's (threads.GuestThreads).
Each has a test that breaks it (tests/sandbox/test_memory.py, test_soundness.py); selftest.py compares a fork with its original.

An image is a list of sealed files, mapped copy on write, and a few patches, copied. If the system cannot map like
that (macOS), an image is one patch: a plain copy.
"""

import ctypes
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import wasmtime
from wasmtime import _bindings
from wasmtime import _ffi as ffi

from orchestrator.errors import SandboxError
from orchestrator.sandbox.memory import mappings
from orchestrator.sandbox.memory.mappings import PAGE, Range, SealedFile

# Up to so much is copied at every snapshot and fork; more becomes a file of its own, once. Cells that
# call modules write up to 3 MiB: to copy that takes 1.5 ms, and a file after each such cell took 6 to 10.
PATCH_BYTES = 4 << 20
# Every mapping counts against the system's limit (vm.max_map_count, 65,530 for the process).
MOST_EXTENTS = 8
MOST_SEGMENTS = 32


class Segment(msgspec.Struct, frozen=True):
    """[start, stop) of a memory is the same place of a file. `shared`: made to be forked by many runs."""

    start: int
    stop: int
    file: SealedFile
    shared: bool


class Image(msgspec.Struct, frozen=True, eq=False):
    """The state of a guest of `component` (a sha256): its memory of `size` bytes, zero where no segment or patch is."""

    component: str
    size: int
    segments: tuple[Segment, ...] = ()
    patches: tuple[tuple[int, bytes], ...] = ()

    def __repr__(self) -> str:
        """Without what it holds, which is a run's own."""
        return (
            f"<image of {self.component[:12]}: {self.size} bytes, {len(self.segments)} segments, {len(self.patches)} patches>"
        )

    def held_bytes(self, beside: "Image") -> int:
        """What it takes of the machine's memory, beside the files that it shares with another."""
        files = {each.file for each in self.segments} - {each.file for each in beside.segments}
        return sum(file.held_bytes for file in files) + sum(len(content) for _, content in self.patches)


def base_image(component: str, content: bytes) -> Image:
    """What a new guest begins with."""
    if not mappings.MAPPABLE:
        return Image(component, len(content), (), ((0, content),))
    file = SealedFile(len(content), iter([(0, memoryview(content))]))
    return Image(component, len(content), (Segment(0, len(content), file, shared=True),))


class Memory:
    """One live linear memory, at an address of its own for as long as it lives."""

    def __init__(self, capacity: int, size: int, image: Image | None) -> None:
        """Reserves `capacity` bytes, of which `size` are open. Raises OSError."""
        self.capacity = capacity
        self._address: int | None = mappings.reserve(capacity)
        self._segments = image.segments if image else ()
        self.size = 0
        try:
            self.grow(image.size if image else size)
            if image is not None:
                self._fill(image)
        except BaseException:
            self.release()
            raise

    @property
    def address(self) -> int:
        """Raises SandboxError if it is gone: the place may be somebody else's by now."""
        if self._address is None:
            raise SandboxError("the memory of a guest was used after its end")
        return self._address

    def grow(self, size: int) -> None:
        """Opens it up to `size`; what follows cannot be touched. Raises OSError."""
        if size > self.capacity:
            raise OSError("a memory cannot grow beyond what was reserved")
        mappings.make_writable(self.address + self.size, size - self.size)
        self.size = size

    def release(self) -> None:
        """Gives it back; more than once is fine."""
        if self._address is not None:
            mappings.release(self._address, self.capacity)
            self._address = None

    def view(self, start: int = 0, stop: int | None = None) -> memoryview:
        return mappings.view(self.address + start, (self.size if stop is None else stop) - start)

    def snapshot(self, component: str, *, shared: bool = False) -> Image:
        """An image of what it holds now; costs what was written since the last one. Raises OSError."""
        if not mappings.MAPPABLE:
            return Image(component, self.size, (), ((0, bytes(self.view())),))
        with _light_work:
            # Against its segments: what they cover counts as unwritten, so the patches always hold all that differs from them.
            written = mappings.written(self.address, self.size)
            if not shared and sum(stop - start for start, stop in written) <= PATCH_BYTES:
                patches = tuple((start, ctypes.string_at(self.address + start, stop - start)) for start, stop in written)
                return Image(component, self.size, self._segments, patches)
        # Outside the lock: it copies much, and others should not wait for it.
        self._freeze(written, shared)
        return Image(component, self.size, self._segments)

    def _fill(self, image: Image) -> None:
        for each in image.segments:
            mappings.map_privately(self.address + each.start, each.stop - each.start, each.file, each.start)
        for start, content in image.patches:
            ctypes.memmove(self.address + start, content, len(content))

    def _freeze(self, written: list[Range], shared: bool) -> None:  # noqa: FBT001  (snapshot's own)
        """What was written becomes a sealed file, which takes its place here too: it counts as unwritten from now on."""
        # Each segment is a mapping of every fork, and a file is held as a whole for the last byte of it that is used: if that
        # becomes too much, the segments of this run alone go into the new file. The shared ones stay: all runs have them once.
        own = [each for each in self._segments if not each.shared]
        held = sum(file.held_bytes for file in {each.file for each in own}) + sum(stop - start for start, stop in written)
        crowded = len(self._segments) > MOST_SEGMENTS or held > self.size
        kept = [(each.start, each.stop) for each in own] if crowded else []
        extents = mappings.coalesce(written + kept, MOST_EXTENTS)
        file = SealedFile(self.size, ((start, self.view(start, stop)) for start, stop in extents))
        for start, stop in extents:
            mappings.map_privately(self.address + start, stop - start, file, start)
            self._segments = cover(self._segments, Segment(start, stop, file, shared))


def cover(segments: tuple[Segment, ...], new: Segment) -> tuple[Segment, ...]:
    """The segments, with what `new` covers cut out of the others."""
    parts = [new]
    for each in segments:
        if each.start < new.start:
            parts.append(msgspec.structs.replace(each, stop=min(each.stop, new.start)))
        if each.stop > new.stop:
            parts.append(msgspec.structs.replace(each, start=max(each.start, new.stop)))
    return tuple(sorted(parts, key=lambda each: each.start))


class _Supply(threading.local):
    """What the next memory on this thread begins with, and the memories that were made.

    wasmtime asks for a memory in the midst of an instantiation, on the same thread, and passes on nothing of ours.
    """

    image: Image | None = None
    made: list[Memory]


_supply = _Supply()
# Many threads that map memory at once only wait for each other, in the kernel and for the interpreter's lock.
_light_work = threading.Lock()
# C holds a memory by its number, which it hands back as a pointer. From 1: ctypes makes None of 0.
_live: dict[int, Memory] = {}
_numbers = itertools.count(1)


@contextmanager
def supplying(image: Image | None) -> Iterator[list[Memory]]:
    """Memories that are made inside begin as `image`; yields the list of them."""
    with _light_work:
        _supply.image, _supply.made = image, []
        try:
            yield _supply.made
        finally:
            _supply.image, _supply.made = None, []


def supply_memories(config: wasmtime.Config) -> None:
    """Engines of this configuration get their memories from here."""
    creator = _bindings.wasmtime_memory_creator(None, _new_memory, _NO_FINALIZER)
    ffi.wasmtime_config_host_memory_creator_set(config.ptr(), ctypes.byref(creator))
    # wasmtime aborts the process if both are on.
    ffi.wasmtime_config_memory_init_cow_set(config.ptr(), False)  # noqa: FBT003  (a C function)


def _error(message: str) -> int:
    error = wasmtime.WasmtimeError(message)
    # Consumed: wasmtime frees it.
    return ctypes.cast(error._consume(), ctypes.c_void_p).value or 0


@_bindings.wasmtime_new_memory_callback_t  # type: ignore[untyped-decorator]
def _new_memory(_environment: Any, _type: Any, minimum: int, _maximum: int, reserved: int, guard: int, created: Any) -> int:
    try:
        # Compiled code leaves out its own checks of the bounds: it relies on `reserved` bytes that never move, and on `guard`
        # bytes behind them that can never be touched.
        if reserved < minimum or (reserved + guard) % PAGE:
            return _error("memories of this kind are not supplied")
        memory = Memory(reserved + guard, minimum, _supply.image)
    except OSError as failure:
        return _error(f"no memory for another guest: {failure.strerror or failure}")
    number = next(_numbers)
    _live[number] = memory
    _supply.made.append(memory)
    created[0].env = number
    created[0].get_memory = _get_memory
    created[0].grow_memory = _grow_memory
    created[0].finalizer = _release_memory
    return 0


@_bindings.wasmtime_memory_get_callback_t  # type: ignore[untyped-decorator]
def _get_memory(number: int, size: Any, maximum: Any) -> int:
    memory = _live[number]
    size[0] = memory.size
    maximum[0] = memory.capacity
    return memory.address


@_bindings.wasmtime_memory_grow_callback_t  # type: ignore[untyped-decorator]
def _grow_memory(number: int, size: int) -> int:
    try:
        _live[number].grow(size)
    except OSError as failure:
        return _error(str(failure))
    return 0


# Of the field `finalizer`: the bindings have no name for its type.
_FINALIZER = _bindings.wasmtime_linear_memory._fields_[3][1]
_NO_FINALIZER = _FINALIZER(0)


@_FINALIZER  # type: ignore[untyped-decorator]
def _release_memory(number: int) -> None:
    _live.pop(number).release()
