"""An image put away: what it has beside the one that it came from, in a file."""

import hashlib
import os
from collections.abc import Iterator

import msgspec

from orchestrator.errors import SandboxError
from orchestrator.sandbox.memory.mappings import Range, SealedFile
from orchestrator.sandbox.memory.memory import Image, Segment, cover
from orchestrator.sandbox.memory.spool import Place, Spool

PIECE = 1 << 20  # bytes that are held at once while it is written and read


class ParkedImage(msgspec.Struct, frozen=True):
    """`segments` and `patches` of a memory of `size` bytes stand one behind the other in `place`."""

    component: str
    size: int
    segments: tuple[Range, ...]
    patches: tuple[Range, ...]
    place: Place
    sha256: bytes


def park(image: Image, spool: Spool) -> ParkedImage:
    """All but its shared segments. Raises OSError, SandboxError."""
    segments = tuple((each.start, each.stop) for each in image.segments if not each.shared)
    patches = tuple((start, start + len(content)) for start, content in image.patches)
    place = spool.place(sum(stop - start for start, stop in segments + patches))
    digest = hashlib.sha256()
    place.write(_digested(_pieces(image), digest))
    return ParkedImage(image.component, image.size, segments, patches, place, digest.digest())


def bring_back(parked: ParkedImage, origin: Image) -> Image:
    """`origin`: the image that it came from, or one that was made as that was. Raises SandboxError."""
    reading = _Reading(parked.place)
    try:
        segments = origin.segments
        if parked.segments:
            file = SealedFile(parked.size, (piece for each in parked.segments for piece in reading.pieces(each)))
            for start, stop in parked.segments:
                segments = cover(segments, Segment(start, stop, file, shared=False))
        patches = tuple((each[0], b"".join(piece for _, piece in reading.pieces(each))) for each in parked.patches)
    except OSError as error:
        raise SandboxError(f"a guest that was parked cannot be read: {error}") from None
    if reading.digest.digest() != parked.sha256:
        raise SandboxError("a guest that was parked is damaged: the disk has changed it")
    return Image(parked.component, parked.size, segments, origin.patches + patches)


class _Reading:
    """What was put away, from its beginning on."""

    def __init__(self, place: Place) -> None:
        self.digest = hashlib.sha256()
        self._place = place
        self._position = 0

    def pieces(self, of: Range) -> Iterator[tuple[int, memoryview]]:
        """The next ones, which are those of that range: where each begins, and what it has. Raises OSError."""
        start, stop = of
        while start < stop:
            piece = self._place.read(self._position, min(PIECE, stop - start))
            self.digest.update(piece)
            yield start, memoryview(piece)
            self._position += len(piece)
            start += len(piece)


def _pieces(image: Image) -> Iterator[bytes]:
    for each in image.segments:
        if not each.shared:
            for start in range(each.start, each.stop, PIECE):
                yield os.pread(each.file.descriptor, min(PIECE, each.stop - start), start)
    for _, content in image.patches:
        yield content


def _digested(pieces: Iterator[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    for each in pieces:
        digest.update(each)
        yield each
