"""Memory of guests is given back at once when it is said: the collector of cycles is off."""

import asyncio
import gc

import pytest

from orchestrator.sandbox.memory import memory


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def down_to(before):
    """Whether so few memories are live, now or in a moment: threads give them back."""
    for _ in range(300):
        if len(memory._live) <= before:
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.parametrize(
    "cell", ["x = bytearray(50 << 20)", "1 / 0", "import os\nos._exit(0)", "while True: pass", "def f(): f()\nf()"]
)
async def test_at_the_close_of_a_run(new_notebook, no_collector, cell):
    """Whether its cells ended, failed, or were stopped."""
    await new_notebook().run_cell(1, "1")
    before = len(memory._live)
    notebook = new_notebook()
    await notebook.run_cell(1, "y = bytearray(50 << 20)")
    await notebook.run_cell(2, cell)
    notebook.guest.close()
    assert await down_to(before)


async def test_at_a_trap(new_notebook, no_collector):
    """Of each cell that was stopped, while its run goes on: one memory is left, that of the next cell."""
    notebook = new_notebook()
    before = len(memory._live)
    for number in range(1, 6):
        await notebook.run_cell(number, "x = bytearray(50 << 20)\nimport os\nos._exit(0)")
    await notebook.run_cell(6, "1")
    assert await down_to(before + 1)


async def test_at_a_cancelled_cell(new_notebook, no_collector):
    """Its caller went away in the midst of it."""
    before = len(memory._live)
    notebook = new_notebook()
    task = asyncio.create_task(notebook.run_cell(1, "x = bytearray(50 << 20)\nwhile True: pass"))
    await asyncio.sleep(0.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    notebook.guest.close()
    assert await down_to(before)
