"""An image put away: what it has beside its origin, in a file without a name; by every way of the platform."""

import os

import pytest
from wat_guest import Guest

from orchestrator.errors import SandboxError
from orchestrator.sandbox.build.soundness import WASM_PAGE
from orchestrator.sandbox.memory import mappings, spool
from orchestrator.sandbox.memory.memory import MOST_SEGMENTS
from orchestrator.sandbox.memory.parked import bring_back, park
from orchestrator.sandbox.memory.spool import Spool


@pytest.fixture
def origin(new):
    """A template of 6.5 MB."""
    guest = new()
    guest.grow(98)
    guest.fill(0, 7, 100 * WASM_PAGE)
    return guest.snapshot(shared=True)


@pytest.fixture
def away(tmp_path):
    return Spool(lambda: tmp_path)


CHANGES = {
    "nothing": lambda guest: None,
    "a byte": lambda guest: guest.set(3, 2),
    "its growth": lambda guest: guest.grow(3) and guest.set(102 * WASM_PAGE, 9),
    "zeros over the template": lambda guest: guest.fill(5 * WASM_PAGE, 0, 80 * WASM_PAGE),
    "much, snapshot by snapshot": lambda guest: [
        (guest.fill(n * WASM_PAGE, n, 70 * WASM_PAGE), guest.set(n * 5000, 1), guest.snapshot()) for n in range(MOST_SEGMENTS // 2)
    ],
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_comes_back_is_what_was_put_away(new, origin, away, change):
    """Byte for byte, over the origin or one that was made like it; and it goes on from there."""
    guest = new(origin)
    CHANGES[change](guest)
    content = bytes(guest.memory.view())
    parked = park(guest.snapshot(), away)
    fork = new(bring_back(parked, origin))
    assert bytes(fork.memory.view()) == content
    fork.fill(0, 5, 200)
    again = new(bring_back(park(fork.snapshot(), away), origin))
    assert bytes(again.memory.view()) == bytes(5 for _ in range(200)) + content[200:]


def test_only_what_differs_is_written(wasm, away):
    """Not the 6.5 MB of the template."""
    guest = Guest(*wasm)
    guest.grow(98)
    guest.fill(0, 7, 100 * WASM_PAGE)
    fork = Guest(*wasm, guest.snapshot(shared=True))
    fork.set(3, 2)
    assert park(fork.snapshot(), away).place.length == mappings.PAGE


def test_what_the_disk_has_changed_is_refused(new, origin, away):
    """Nothing of it is executed."""
    guest = new(origin)
    guest.set(3, 2)
    parked = park(guest.snapshot(), away)
    os.pwrite(away._file.descriptor, b"x", parked.place._start + 100)
    with pytest.raises(SandboxError) as error:
        bring_back(parked, origin)
    assert str(error.value) == "a guest that was parked is damaged: the disk has changed it"


def test_a_file_that_was_cut_is_refused(new, origin, away):
    """A part of it is gone."""
    guest = new(origin)
    guest.set(3, 2)
    parked = park(guest.snapshot(), away)
    os.ftruncate(away._file.descriptor, parked.place._start + 100)
    with pytest.raises(SandboxError) as error:
        bring_back(parked, origin)
    assert str(error.value) == "a guest that was parked cannot be read: a part of what was put away is gone"


def test_the_room_is_given_back(tmp_path, away):
    """The file has no name, and no more blocks than what is kept in it."""
    places = [away.place(1 << 20) for _ in range(20)]
    for each in places:
        each.write([b"x" * (1 << 20)])
    kept = places[7]
    del places, each
    os.fsync(away._file.descriptor)
    assert os.fstat(away._file.descriptor).st_blocks * 512 < 2 << 20
    assert kept.read(0, 1 << 20) == b"x" * (1 << 20)
    assert list(tmp_path.iterdir()) == []


def test_another_file_begins_in_time(away, monkeypatch):
    """Files have a largest size; what is in the first one stays there."""
    monkeypatch.setattr(spool, "LARGEST", 5000)
    places = [away.place(3000) for _ in range(3)]
    for number, each in enumerate(places):
        each.write([bytes([number]) * 3000])
    assert [each.read(0, 3000) for each in places] == [bytes([number]) * 3000 for number in range(3)]
    assert len({each._file for each in places}) == 2


def test_a_disk_that_others_need_is_left_to_them(away, monkeypatch):
    """The store of runs is on it, too."""
    room = os.statvfs_result((4096, 4096, 100, 50, 50, 9, 9, 9, 0, 255))
    monkeypatch.setattr(os, "fstatvfs", lambda descriptor: room)
    kept = away.place(20 * 4096)
    kept.write([b"x" * 20 * 4096])
    with pytest.raises(OSError, match=r"^the disk is too full$"):
        away.place(20 * 4096)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    """Which says so."""
    with pytest.raises(FileNotFoundError):
        Spool(lambda: tmp_path / "none").place(1)
