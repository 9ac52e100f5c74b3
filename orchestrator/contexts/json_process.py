"""A large JSON body is read in a process of its own: its decoding would hold the event loop, and take all memory there is.

Run as a program, this file reads the body from the file that is its stdin, and writes to stdout, as JSON, a Taken or a _Failed.
"""

import asyncio
import mmap
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from orchestrator.contexts.json_body import Taken, take
from orchestrator.errors import InvalidRequest, NoRoom, RequestError

MEMORY = 2 << 30  # bytes of address space beside the body itself
_TOO_MUCH = "the body takes too much memory to read; send fewer documents, or each as a file of a form to POST /contexts"


class _Failed(msgspec.Struct, frozen=True):
    status: int
    message: str


@contextmanager
def arriving_folder(folder: Path) -> Iterator[Path]:
    """One of its own for what such a process writes, so that nothing of it stays however it ends. Raises NoRoom."""
    try:
        own = tempfile.mkdtemp(prefix="arriving-", dir=folder)
    except OSError as error:
        raise NoRoom(f"there is no room for the context: {error.strerror}") from None
    try:
        yield Path(own)
    finally:
        shutil.rmtree(own, ignore_errors=True)


async def take_in_process(body: int, folder: Path, max_bytes: int) -> Taken:
    """As json_body.take; `body` is the descriptor of a file, `folder` an arriving_folder. Raises InvalidRequest, NoRoom."""
    package = str(Path(__file__).parents[2])
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, __file__, str(folder), str(max_bytes)]
    process = await asyncio.create_subprocess_exec(*command, stdin=body, stdout=pipe, env={"PYTHONPATH": package})
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        # What it writes is about to be removed.
        await process.wait()
        raise
    if process.returncode and process.returncode < 0:
        raise InvalidRequest(_TOO_MUCH)
    if process.returncode:
        raise RuntimeError("the process that reads a body failed; what it said is above")
    found = msgspec.json.decode(output, type=dict[str, msgspec.Raw])
    if "status" not in found:
        return msgspec.json.decode(output, type=Taken)
    failed = msgspec.json.decode(output, type=_Failed)
    raise NoRoom(failed.message) if failed.status == NoRoom.status else InvalidRequest(failed.message)


def _main() -> None:
    folder, max_bytes = sys.argv[1:]
    size = os.fstat(0).st_size
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY + size, MEMORY + size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answer: Taken | _Failed
    try:
        # Never closed: slices of it may still be held by an error.
        body = mmap.mmap(0, 0, access=mmap.ACCESS_READ)
        answer = take(body, Path(folder), int(max_bytes))
    except RequestError as error:
        answer = _Failed(error.status, str(error))
    except OSError as error:
        answer = _Failed(NoRoom.status, f"there is no room for the context: {error.strerror}")
    except MemoryError:
        answer = _Failed(InvalidRequest.status, _TOO_MUCH)
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    sys.stdout.buffer.flush()
    # The slices of the body end with the process; to take them apart one by one would only take time.
    os._exit(0)


if __name__ == "__main__":
    _main()
