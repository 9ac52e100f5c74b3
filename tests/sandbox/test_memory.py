"""Linear memories that the host supplies: bounds, snapshots, forks; on hand-written modules, by every way of the platform."""

import ctypes
import fcntl
import gc
import os
import random
import re
from pathlib import Path

import pytest
import wasmtime
from wat_guest import Guest

from orchestrator.errors import SandboxError
from orchestrator.sandbox.build.soundness import WASM_PAGE
from orchestrator.sandbox.memory import mappings, memory
from orchestrator.sandbox.memory.memory import MOST_SEGMENTS, PATCH_BYTES


@pytest.mark.parametrize("at", [2 * WASM_PAGE, 3 * WASM_PAGE, 2**31, 2**32 - 1])
def test_what_is_outside_is_a_trap(new, at):
    """Right behind the end, beyond growth that was not made, at the end of the address space; in a fork too."""
    guest = new()
    for each in (guest, new(guest.snapshot())):
        assert each.get(2 * WASM_PAGE - 1) == 0
        with pytest.raises(wasmtime.Trap, match="out of bounds"):
            each.get(at - 2**32 if at >= 2**31 else at)


def test_growth_opens_exactly_what_was_asked_for(new):
    """The system's own table says so: readable up to the size, nothing to the end of the guard."""
    guest = new()
    assert guest.grow(3) == 2
    fork = new(guest.snapshot())
    for each in (guest, fork):
        assert each.memory.size == 5 * WASM_PAGE
        assert each.get(5 * WASM_PAGE - 1) == 0
        assert opened(each.memory.address, each.memory.capacity) == 5 * WASM_PAGE
    with pytest.raises(wasmtime.Trap, match="out of bounds"):
        fork.get(5 * WASM_PAGE)


def opened(address, capacity):
    """How many bytes of a region can be touched; they must be its first."""
    total = 0
    for line in Path("/proc/self/maps").read_text().splitlines():
        start, stop, rights = re.match(r"(\w+)-(\w+) (....)", line).groups()
        start, stop = int(start, 16), int(stop, 16)
        if start >= address and stop <= address + capacity and rights != "---p":
            assert (start, rights) == (address + total, "rw-p")
            total += stop - start
    return total


def test_growth_beyond_the_limit_is_refused(new):
    """As memory.grow says it: -1. In a fork the limit is that of its own store."""
    guest = new(limit=4 * WASM_PAGE)
    assert (guest.grow(2), guest.grow(1)) == (2, -1)
    fork = new(guest.snapshot(), limit=5 * WASM_PAGE)
    assert (fork.grow(1), fork.grow(1)) == (4, -1)


def test_a_fork_and_its_original_do_not_see_each_other(new):
    """Nor two forks of one image."""
    guest = new()
    guest.set(100, 7)
    image = guest.snapshot()
    first, second = new(image), new(image)
    guest.set(100, 8)
    first.set(100, 9)
    assert [each.get(100) for each in (guest, first, second, new(image))] == [8, 9, 7, 7]


def test_a_fork_outlives_its_original(new):
    """And the image, once it is mapped."""
    guest = new()
    guest.fill(0, 5, 2 * WASM_PAGE)
    fork = new(guest.snapshot(shared=True))
    del guest
    gc.collect()
    assert fork.get(2 * WASM_PAGE - 1) == 5


@pytest.mark.parametrize("seed", range(4))
def test_chains_of_snapshots_keep_every_byte(new, seed):
    """Small and large writes, growth, snapshots and forks of forks in any order, against a plain bytearray."""
    chance = random.Random(seed)
    guest, plain, history = new(), bytearray(2 * WASM_PAGE), []
    for _ in range(60):
        if chance.random() < 0.2:
            grown = chance.randrange(8)
            guest.grow(grown)
            plain += bytes(grown * WASM_PAGE)
        length = chance.choice([1, 5000, 2 * PATCH_BYTES])
        start, value = chance.randrange(len(plain)), chance.randrange(256)
        length = min(length, len(plain) - start)
        guest.fill(start, value, length)
        plain[start : start + length] = bytes([value]) * length
        image = guest.snapshot(shared=chance.random() < 0.1)
        history.append((image, bytes(plain)))
        if chance.random() < 0.4:
            image, content = chance.choice(history[-5:])
            guest, plain = new(image), bytearray(content)
        assert bytes(guest.memory.view()) == plain
    for image, content in history[::10]:
        assert bytes(new(image).memory.view()) == content


mapped_only = pytest.mark.skipif(not mappings.MAPPABLE, reason="plain copies here: there is no file to seal or to share")


@pytest.fixture
def mapped(wasm):
    return lambda image=None: Guest(*wasm, image)


@mapped_only
def test_a_snapshot_costs_what_changed_and_shares_the_rest(mapped):
    """One page after one write, whatever the size; a large change becomes a file once, and is not written again."""
    guest = mapped()
    guest.grow(900)
    guest.fill(0, 1, 800 * WASM_PAGE)
    large = guest.snapshot()
    assert (len(large.segments), large.patches) == (1, ())
    guest.set(5 * mappings.PAGE, 2)
    light = guest.snapshot()
    assert light.segments == large.segments
    assert [(start, len(content)) for start, content in light.patches] == [(5 * mappings.PAGE, mappings.PAGE)]


@mapped_only
def test_reading_changes_nothing(mapped):
    """A fork that has read everything has nothing of its own."""
    guest = mapped()
    guest.grow(100)
    guest.fill(0, 1, 90 * WASM_PAGE)
    fork = mapped(guest.snapshot(shared=True))
    for at in range(0, 102 * WASM_PAGE, mappings.PAGE):
        fork.get(at)
    assert fork.snapshot().patches == ()


@mapped_only
def test_the_number_of_mappings_is_bounded(mapped):
    """The system allows 65,530 for a process: many heavy cells are merged."""
    guest, chance = mapped(), random.Random(1)
    guest.grow(990)
    for _ in range(100):
        for _ in range(300):
            guest.set(chance.randrange(990 * WASM_PAGE), 1)
        assert len(guest.snapshot().segments) <= 2 * MOST_SEGMENTS
    assert bytes(mapped(guest.snapshot()).memory.view()) == bytes(guest.memory.view())


@mapped_only
def test_what_images_hold_is_bounded_by_the_memory(mapped):
    """A file is held as a whole for its last byte that is used: an array that is rewritten slice by slice must not pile up."""
    guest, blank = mapped(), mapped().snapshot()
    guest.grow(900)
    slices = 9
    guest.fill(0, 1, 900 * WASM_PAGE)
    guest.snapshot()
    for turn in range(3 * slices):
        # Each slice but its last page, and that one later: every file keeps one page in use.
        guest.fill(turn % slices * 100 * WASM_PAGE, 2 + turn % 100, 99 * WASM_PAGE)
        image = guest.snapshot()
        assert image.held_bytes(beside=blank) <= guest.memory.size + PATCH_BYTES
    assert bytes(mapped(image).memory.view()) == bytes(guest.memory.view())


@mapped_only
def test_an_image_cannot_change(mapped):
    """Not written, not cut, not grown, not unsealed: a fork would see it, or the process would end."""
    guest = mapped()
    guest.fill(0, 1, 2 * WASM_PAGE)
    [segment] = guest.snapshot(shared=True).segments
    descriptor = segment.file.descriptor
    for attempt in (
        lambda: os.pwrite(descriptor, b"x", 0),
        lambda: os.ftruncate(descriptor, 0),
        lambda: os.ftruncate(descriptor, 10 * WASM_PAGE),
        lambda: fcntl.fcntl(descriptor, mappings._F_ADD_SEALS, 0),
    ):
        with pytest.raises(PermissionError):
            attempt()
    assert not os.get_inheritable(descriptor)


@mapped_only
def test_everything_is_given_back(mapped):
    """Memories with their stores, files with their last image."""

    def held():
        gc.collect()
        files = [each for each in os.listdir("/proc/self/fd") if "memfd:rlm" in read_link(f"/proc/self/fd/{each}")]
        return len(memory._live), len(files)

    before = held()
    guests = []
    for _ in range(20):
        guest = mapped()
        guest.fill(0, 1, 2 * WASM_PAGE)
        guests += [guest, mapped(guest.snapshot(shared=True))]
    assert held() == (before[0] + 40, before[1] + 20)
    guests.clear()
    del guest
    assert held() == before


def read_link(path):
    return os.readlink(path) if os.path.lexists(path) else ""


def test_a_memory_that_is_gone_cannot_be_used(new):
    """Its addresses may be somebody else's by now."""
    guest = new()
    gone = guest.memory
    del guest
    gc.collect()
    with pytest.raises(SandboxError) as error:
        gone.snapshot("c")
    assert str(error.value) == "the memory of a guest was used after its end"


@pytest.mark.parametrize("call", ["reserve", "make_writable", "map_privately"])
def test_no_memory_for_another_guest_is_a_clean_error(new, monkeypatch, call):
    """Whatever the system refuses; what was reserved is given back, and the next one works."""
    if call == "map_privately" and not mappings.MAPPABLE:
        return
    guest = new()
    guest.fill(0, 1, 2 * WASM_PAGE)
    image = guest.snapshot(shared=True)
    gc.collect()  # what earlier tests left ends now, not in the middle
    before = len(memory._live)
    with monkeypatch.context() as patch:
        patch.setattr(mappings, call, refuse)
        with pytest.raises(wasmtime.WasmtimeError) as error:
            new(image)
    assert str(error.value) == "no memory for another guest: Cannot allocate memory"
    assert (len(memory._live), new(image).get(0)) == (before, 1)


def test_growth_that_the_system_refuses_is_told_to_the_guest(new, monkeypatch):
    """memory.grow is -1; nothing was opened, and it works again later."""
    guest = new()
    with monkeypatch.context() as patch:
        patch.setattr(mappings, "make_writable", refuse)
        assert guest.grow(1) == -1
    with pytest.raises(wasmtime.Trap, match="out of bounds"):
        guest.get(2 * WASM_PAGE)
    assert guest.grow(1) == 2


def refuse(*arguments):
    raise OSError(12, "Cannot allocate memory")


def test_an_old_kernel_without_the_scan_is_found_out(monkeypatch, mapped):
    """The first refusal of the ioctl is the last attempt."""
    monkeypatch.setattr(mappings, "_PAGEMAP_SCAN", 0xC0606699)
    monkeypatch.setattr(mappings._Scan, "available", True)
    guest = mapped()
    guest.set(5, 1)
    assert [start for start, _ in guest.snapshot().patches] == [0]
    assert mappings._Scan.available is False


def test_an_image_does_not_print_what_it_holds(new):
    """It may stand in an error or a log."""
    guest = new()
    ctypes.memmove(guest.memory.address, b"secret", 6)
    assert re.fullmatch(r"<image of c: 131072 bytes, \d segments, \d patches>", repr(guest.snapshot()))


@pytest.mark.parametrize(
    ("ranges", "most", "expected"),
    [
        ([], 3, []),
        ([(0, 1)], 3, [(0, 1)]),
        ([(5, 6), (0, 1)], 3, [(0, 1), (5, 6)]),
        ([(0, 1), (2, 3), (10, 11)], 2, [(0, 3), (10, 11)]),
        ([(0, 1), (2, 3), (10, 11)], 1, [(0, 11)]),
        ([(0, 100), (10, 20), (50, 60)], 3, [(0, 100)]),
        ([(0, 5), (5, 8)], 3, [(0, 8)]),
    ],
)
def test_ranges_are_joined_over_the_smallest_gaps(ranges, most, expected):
    """Sorted, apart, and never more than asked for."""
    assert mappings.coalesce(ranges, most) == expected
