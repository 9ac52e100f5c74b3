"""How much memory there is: the machine's, or what its control group allows if that is less."""

import os
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def memory_bytes(groups: Path = _CGROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Bytes."""
    return min([_physical(), *_allowed(groups, own)])


def share() -> int:
    """What this program may take of it: seven eighths."""
    return memory_bytes() * 7 // 8


def _physical() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _allowed(groups: Path, own: Path) -> Iterator[int]:
    """By the groups that this process is in, and those around them."""
    try:
        places = [line.split(":", 2)[1:] for line in own.read_text().splitlines()]
    except OSError:
        return
    for controllers, name in places:
        if controllers == "":
            yield from _limits(groups, groups / name.lstrip("/"), "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits(groups / "memory", groups / "memory" / name.lstrip("/"), "memory.limit_in_bytes")


def _limits(top: Path, group: Path, file: str) -> Iterator[int]:
    for folder in [group, *group.parents]:
        if folder != top and top not in folder.parents:
            return
        try:
            yield int((folder / file).read_text())
        except (OSError, ValueError):  # none there, or "max"
            continue
