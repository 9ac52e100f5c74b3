"""Commands as a user runs them."""

import asyncio
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


async def run(*command, folder=None):
    """(exit status, stdout, stderr) of a command; the package is that of this checkout wherever it runs."""
    pipe = asyncio.subprocess.PIPE
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(*map(str, command), stdout=pipe, stderr=pipe, cwd=folder, env=environment)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def rlm(*arguments, folder=None):
    """The same for `rlm`."""
    return await run(sys.executable, "-m", "orchestrator", *arguments, folder=folder)
