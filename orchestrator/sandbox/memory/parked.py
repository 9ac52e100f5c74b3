"""An image put away: what it has beside the one that it came from, in a file."""

import hashlib
import itertools
import os
from collections.abc import Iterator

import msgspec

from orchestrator.errors import SandboxError
from orchestrator.sandbox.memory.mappings import Range, SealedFile
from orchestrator.sandbox.memory.memory import Image, Segment, cover
from orchestrator.sandbox.memory.spool import Place, Spool

PIECE = 1 << 20  # bytes that are held at once while it is written


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
    try:
        content = memoryview(parked.place.read())
    except OSError as error:
        raise SandboxError(f"a guest that was parked cannot be read: {error}") from None
    if hashlib.sha256(content).digest() != parked.sha256:
        raise SandboxError("a guest that was parked is damaged: the disk has changed it")
    ends = tuple(itertools.accumulate(stop - start for start, stop in parked.segments + parked.patches))
    pieces = [content[start:stop] for start, stop in itertools.pairwise((0, *ends))]
    segments = origin.segments
    if parked.segments:
        starts = (start for start, _ in parked.segments)
        file = SealedFile(parked.size, zip(starts, pieces, strict=False))
        for start, stop in parked.segments:
            segments = cover(segments, Segment(start, stop, file, shared=False))
    own = zip(parked.patches, pieces[len(parked.segments) :], strict=True)
    patches = tuple((start, bytes(piece)) for (start, _), piece in own)
    return Image(parked.component, parked.size, segments, origin.patches + patches)


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
