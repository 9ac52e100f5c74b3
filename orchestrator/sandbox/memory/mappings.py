"""What the operating system offers for memory: reserving, opening, mapping, sealed files, which pages were written.

Addresses and lengths are bytes; ranges are (start, stop) from the beginning of a region. Each call raises OSError.
"""

import ctypes
import fcntl
import itertools
import mmap
import os
import re
from collections.abc import Iterator, Sequence

PAGE = mmap.PAGESIZE
# Copy-on-write files that cannot change, and a way to ask which pages were written: Linux has both.
MAPPABLE = hasattr(os, "memfd_create") and os.path.exists("/proc/self/pagemap")

Range = tuple[int, int]

_PROT_NONE, _MAP_FIXED, _MAP_NORESERVE = 0, 0x10, 0x4000 if MAPPABLE else 0
_KEEP_SIZE, _PUNCH_HOLE = 0x1, 0x2  # of fallocate
_F_ADD_SEALS, _SEAL_ALL = 1033, 0x1 | 0x2 | 0x4 | 0x8  # seal, shrink, grow, write
# From linux/fs.h, Linux 6.7 and later. Older ones say no, and are asked through /proc/self/pagemap.
_PAGEMAP_SCAN = 0xC0606610
_IS_FILE, _IS_PRESENT, _IS_SWAPPED, _IS_ZERO_PAGE = 4, 8, 16, 32

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
if hasattr(_libc, "fallocate"):
    _libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
_libc.ioctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p]
# Faster than an array of ctypes, which makes a type for each length. It keeps the interpreter's lock.
_view_memory = ctypes.pythonapi["PyMemoryView_FromMemory"]
_view_memory.restype = ctypes.py_object
_view_memory.argtypes = [ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int]
_PYBUF_WRITE = 0x200
_MAP_FAILED = ctypes.c_void_p(-1).value


class SealedFile:
    """A file in memory whose content can never change again; it ends with the last reference to it.

    A mapped file that shrinks kills the process (SIGBUS), one that is written changes what was forked from it.
    """

    def __init__(self, size: int, pieces: Iterator[tuple[int, memoryview]]) -> None:
        """`pieces`: (position, content); what none of them covers is zero."""
        self.descriptor = os.memfd_create("rlm", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, size)
            for position, content in pieces:
                _write(self.descriptor, position, content)
            fcntl.fcntl(self.descriptor, _F_ADD_SEALS, _SEAL_ALL)
        except BaseException:
            os.close(self.descriptor)
            self.descriptor = -1
            raise

    @property
    def held_bytes(self) -> int:
        """What it takes of the machine's memory."""
        return os.fstat(self.descriptor).st_blocks * 512

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


_ZEROS = bytes(1 << 20)


def _write(descriptor: int, position: int, content: memoryview) -> None:
    """Zeros are left out: a hole in the file takes no memory."""
    while content:
        piece = content[: len(_ZEROS)]
        if not _is_zero(piece):
            piece = piece[: os.pwrite(descriptor, piece, position)]
        position, content = position + len(piece), content[len(piece) :]


def _is_zero(piece: memoryview) -> bool:
    # As bytes: a memoryview is compared item by item, which took three seconds for a gigabyte. Most pieces that are not zero
    # show it in their first page.
    return all(bytes(part) == _ZEROS[: len(part)] for part in (piece[:PAGE], piece[PAGE:]))


def reserve(length: int) -> int:
    """The address of a region that nothing can read or write."""
    return _map(None, length, _PROT_NONE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE, -1)


def release(address: int, length: int) -> None:
    _check(_libc.munmap(address, length))


def make_writable(address: int, length: int) -> None:
    _check(_libc.mprotect(address, length, mmap.PROT_READ | mmap.PROT_WRITE))


def forget(address: int, length: int) -> None:
    """Gives the pages back; they are zero when they are next used."""
    _check(_libc.madvise(address, length, mmap.MADV_DONTNEED))


def map_privately(address: int, length: int, file: SealedFile, position: int) -> None:
    """Puts a part of a file over a part of a region: shared until it is written."""
    flags = mmap.MAP_PRIVATE | _MAP_FIXED | _MAP_NORESERVE
    _map(address, length, mmap.PROT_READ | mmap.PROT_WRITE, flags, file.descriptor, position)


def punch_hole(descriptor: int, position: int, length: int) -> None:
    """Gives a part of a file back to the disk, if the system can: else that comes with the end of the file."""
    if hasattr(_libc, "fallocate"):
        _libc.fallocate(descriptor, _KEEP_SIZE | _PUNCH_HOLE, position, length)


def view(address: int, length: int) -> memoryview:
    """The bytes there, writable. It does not keep the region: who uses it later writes to what is there then."""
    found: memoryview = _view_memory(address, length, _PYBUF_WRITE)
    return found


def written(address: int, length: int) -> list[Range]:
    """The pages that were written since they were mapped, as ranges; a page of zeros that was only read is none."""
    if not length:
        return []
    scan = _written_by_scan if _Scan.available else _written_by_pagemap
    return scan(address, length)


class _Region(ctypes.Structure):
    """The kernel's struct page_region."""

    _fields_ = [("start", ctypes.c_uint64), ("end", ctypes.c_uint64), ("categories", ctypes.c_uint64)]


class _ScanArguments(ctypes.Structure):
    """The kernel's struct pm_scan_arg."""

    _fields_ = [
        (name, ctypes.c_uint64)
        for name in (
            "size",
            "flags",
            "start",
            "end",
            "walk_end",
            "vec",
            "vec_len",
            "max_pages",
            "category_inverted",
            "category_mask",
            "category_anyof_mask",
            "return_mask",
        )
    ]


class _Scan:
    """Whether PAGEMAP_SCAN is there, and how many regions one call of it brings."""

    available = True
    REGIONS = 4096


def _written_by_scan(address: int, length: int) -> list[Range]:
    """ioctl PAGEMAP_SCAN: pages that are present or swapped out, and not those of the file.

    A private page of a file that is written becomes a copy, which is of the file no more: that is how writing shows.
    """
    found: list[Range] = []
    regions = (_Region * _Scan.REGIONS)()
    arguments = _ScanArguments(
        size=ctypes.sizeof(_ScanArguments),
        start=address,
        end=address + length,
        vec=ctypes.addressof(regions),
        vec_len=_Scan.REGIONS,
        # Pages that have all of `mask`, the inverted ones turned round (so: neither), and any of `anyof_mask`.
        category_inverted=_IS_FILE | _IS_ZERO_PAGE,
        category_mask=_IS_FILE | _IS_ZERO_PAGE,
        category_anyof_mask=_IS_PRESENT | _IS_SWAPPED,
        return_mask=_IS_PRESENT,
    )
    with open("/proc/self/pagemap", "rb", buffering=0) as pagemap:
        while arguments.start < address + length:
            count = _libc.ioctl(pagemap.fileno(), _PAGEMAP_SCAN, ctypes.byref(arguments))
            if count < 0:
                # An older system, or one that forbids it: that does not change while this process runs.
                _Scan.available = False
                return _written_by_pagemap(address, length)
            found += [(region.start - address, region.end - address) for region in regions[:count]]
            # It stops early if there are more regions than room for them.
            arguments.start = arguments.walk_end
    return found


# The highest byte of an entry: 0x80 present, 0x40 swapped out, 0x20 a page of a file.
_STATES = bytes(state & 0xC0 != 0 and state & 0x20 == 0 for state in range(256))
_WRITTEN = re.compile(rb"\x01+")


def _written_by_pagemap(address: int, length: int) -> list[Range]:
    """/proc/self/pagemap has eight bytes for each page."""
    with open("/proc/self/pagemap", "rb", buffering=0) as pagemap:
        entries = os.pread(pagemap.fileno(), length // PAGE * 8, address // PAGE * 8)
    states = entries[7::8].translate(_STATES)
    return [(found.start() * PAGE, found.end() * PAGE) for found in _WRITTEN.finditer(states)]


def coalesce(ranges: Sequence[Range], most: int) -> list[Range]:
    """At most `most` ranges that cover the same, sorted and apart; the smallest gaps are covered too."""
    merged: list[Range] = []
    for start, stop in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    # The widest gaps stay: between `most` ranges there are most - 1.
    by_gap = sorted(range(1, len(merged)), key=lambda place: merged[place][0] - merged[place - 1][1], reverse=True)
    cuts = [0, *sorted(by_gap[: most - 1]), len(merged)]
    return [(merged[first][0], merged[last - 1][1]) for first, last in itertools.pairwise(cuts) if first < last]


def _map(address: int | None, length: int, protection: int, flags: int, descriptor: int, position: int = 0) -> int:
    result: int = _libc.mmap(address, length, protection, flags, descriptor, position)
    if result == _MAP_FAILED:
        _check(-1)
    return result


def _check(status: int) -> None:
    if status:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
