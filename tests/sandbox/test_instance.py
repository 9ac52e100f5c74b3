"""The states of a guest, and which images it may begin with: what would silently break a fork is refused."""

import asyncio

import pytest
import wasmtime

from orchestrator.errors import SandboxError
from orchestrator.sandbox import templates
from orchestrator.sandbox.build import selftest
from orchestrator.sandbox.entered import entering
from orchestrator.sandbox.execution import preparation
from orchestrator.sandbox.memory.memory import Image
from orchestrator.sandbox.messages import SubReply
from orchestrator.sandbox.threads import THREAD_STACK, WASM_STACK


@pytest.fixture
def in_guest(engine):
    """in_guest(function): its result, from a thread of the engine's on which guests may be entered."""

    def run(function):
        def inside():
            with entering(preparation(engine.nothing, engine.settings, engine.modules)):
                return function()

        return engine.enter(inside).result()

    return run


def started(engine):
    guest = engine.fork()
    templates.start(guest, engine.nothing, engine.settings)
    return guest


def test_a_guest_that_was_stopped_can_be_neither_called_nor_copied(engine, in_guest):
    """A copy of its memory would run, and fail much later."""

    def attempts():
        guest = started(engine)
        with pytest.raises(wasmtime.WasmtimeError):
            guest.call("run-cell", 1, "import os\nos._exit(1)")
        for attempt in (guest.snapshot, lambda: guest.call("run-cell", 2, "1")):
            with pytest.raises(SandboxError) as error:
                attempt()
            yield str(error.value)

    assert set(in_guest(lambda: list(attempts()))) == {"the guest was stopped: it can be neither called nor copied any more"}


def test_only_a_guest_that_was_stopped_leaves_its_memory(engine, in_guest):
    """That of another changes; what is left cannot be changed."""
    guest = in_guest(lambda: started(engine))
    with pytest.raises(SandboxError) as error:
        guest.remains()
    assert str(error.value) == "the guest lives: its memory may change"
    with pytest.raises(wasmtime.WasmtimeError):
        in_guest(lambda: guest.call("run-cell", 1, "import os\nos._exit(1)"))
    assert guest.remains().readonly


async def test_a_guest_that_runs_can_be_neither_called_nor_copied(engine, new_notebook):
    """Not by another thread while it waits for a sub-call: wasmtime would end the process, or the copy be half a call."""
    refused = []

    async def ask(prompts):
        for attempt in (
            notebook.guest._state._instance.snapshot,
            lambda: notebook.guest._state._instance.call("run-cell", 2, "1"),
        ):
            try:
                await asyncio.wrap_future(engine.enter(attempt))
            except SandboxError as error:
                refused.append(str(error))
        return [SubReply(text="fine")]

    notebook = new_notebook(ask=ask)
    outcome = await notebook.run_cell(1, "llm_query('x')")
    assert outcome.head == "'fine'\n"
    assert refused == ["the guest is running: it can be neither called nor copied now"] * 2


def test_a_guest_is_entered_only_on_the_engines_threads(engine, in_guest):
    """Another thread's stack may be smaller than a guest's, which would end the process."""
    guest = in_guest(lambda: started(engine))
    with pytest.raises(SandboxError) as error:
        guest.call("run-cell", 1, "1")
    assert str(error.value) == "a guest was entered on a thread that is not the engine's: its stack may be too small"
    assert THREAD_STACK >= WASM_STACK + (1 << 20)


def test_an_image_of_another_component_is_refused(engine, in_guest):
    """It would run, and mean something else."""
    with pytest.raises(SandboxError) as error:
        in_guest(lambda: engine.fork(Image("another", 10)))
    assert str(error.value) == f"an image of the component another cannot be run by {engine.sha256}"


def test_an_image_larger_than_the_limit_is_refused(engine, in_guest):
    """wasmtime asks for the limit only when a memory grows."""
    with pytest.raises(SandboxError) as error:
        in_guest(lambda: engine.fork(Image(engine.sha256, 300 << 20)))
    assert str(error.value) == f"an image of {300 << 20} bytes is larger than the limit of {256 << 20}"


def test_the_self_test_finds_a_fork_that_differs(engine, in_guest):
    """One byte of one variable is enough; a true fork passes."""

    def differing():
        original = started(engine)
        selftest.make_state(original)
        image = original.snapshot()
        selftest.check_fork(original, engine.fork(image))
        other = engine.fork(image)
        other.call("run-cell", 2, "text[7] += 'x'")
        selftest.check_fork(engine.fork(image), other)

    with pytest.raises(SandboxError) as error:
        in_guest(differing)
    assert str(error.value) == ("a forked guest differs from its original on this machine; please report this with its kernel")
