"""At every start: a fork is its original, bit for bit, or this machine runs nothing."""

import hashlib

from orchestrator.errors import SandboxError
from orchestrator.sandbox.instance import Instance

_STATE = """
import decimal, random, re
def counter():
    for number in range(100): yield number
numbers = counter(); next(numbers)
text = ["é😀" * n for n in range(200)]; pattern = re.compile("a+b"); names = {str(n) for n in range(50)}
decimal.getcontext().prec = 7
"""
_PROBE = """
print(next(numbers), text[7], list(names), random.random(), id(text), pattern.search("xaab"), decimal.Decimal(1) / 3)
"""


def check_fork(original: Instance, fork: Instance) -> None:
    """Two guests over the same memory must do the same. Raises SandboxError."""
    if _did(original) != _did(fork):
        raise SandboxError("a forked guest differs from its original on this machine; please report this with its kernel")


def make_state(guest: Instance) -> None:
    guest.call("run-cell", 1, _STATE)


def _did(guest: Instance) -> tuple[str, str]:
    report = guest.call("run-cell", 2, _PROBE)
    digest = hashlib.sha256()
    guest.memory_digest(digest)
    return report, digest.hexdigest()
