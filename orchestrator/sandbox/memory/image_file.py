"""An image in a file, for a run that is put away: one line of JSON, then the bytes of its ranges.

A file can be cut or changed at any time, so it is never mapped: reading checks it and makes a sealed image of it.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from orchestrator.errors import SandboxError
from orchestrator.sandbox.memory import mappings
from orchestrator.sandbox.memory.mappings import Range, SealedFile
from orchestrator.sandbox.memory.memory import Image, Segment


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line; `sha256` is that of the bytes behind it."""

    component: str
    size: int
    ranges: list[Range]
    sha256: str


def save(image: Image, path: Path) -> None:
    """Whole or not at all. Raises OSError."""
    pieces = list(_pieces(image))
    digest = hashlib.sha256()
    for _, content in pieces:
        digest.update(content)
    ranges = [(start, start + len(content)) for start, content in pieces]
    header = _Header(image.component, image.size, ranges, digest.hexdigest())
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as partial:
        partial.write(msgspec.json.encode(header) + b"\n")
        for _, content in pieces:
            partial.write(content)
    os.replace(partial.name, path)


def load(path: Path, component: str) -> Image:
    """The image, for that component only. Raises SandboxError if it is another's or damaged, OSError."""
    with open(path, "rb") as file:
        try:
            header = msgspec.json.decode(file.readline(), type=_Header)
        except (msgspec.DecodeError, UnicodeError):
            raise SandboxError(f"{path} is no image of a guest") from None
        content = file.read()
    if header.component != component:
        raise SandboxError(f"{path} is an image of the component {header.component}, which {component} cannot run")
    # The hash is of the content alone: that the ranges divide it up, and lie inside the memory, is checked beside it.
    if hashlib.sha256(content).hexdigest() != header.sha256 or not _fits(header, len(content)):
        raise SandboxError(f"{path} is damaged")
    pieces, position = [], 0
    for start, stop in header.ranges:
        pieces.append((start, memoryview(content)[position : position + stop - start]))
        position += stop - start
    if not mappings.MAPPABLE:
        return Image(component, header.size, (), tuple((start, bytes(piece)) for start, piece in pieces))
    sealed = SealedFile(header.size, iter(pieces))
    return Image(component, header.size, (Segment(0, header.size, sealed, shared=False),))


def _pieces(image: Image) -> list[tuple[int, bytes]]:
    """Its content, later pieces over earlier ones."""
    mapped = [(each.start, os.pread(each.file.descriptor, each.stop - each.start, each.start)) for each in image.segments]
    return [*mapped, *image.patches]


def _fits(header: _Header, length: int) -> bool:
    inside = all(0 <= start <= stop <= header.size for start, stop in header.ranges)
    return inside and sum(stop - start for start, stop in header.ranges) == length
