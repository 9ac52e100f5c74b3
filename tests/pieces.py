"""A module's input, handed out in pieces."""

import itertools


class Cut:
    """A text as a module's source that is handed out in pieces of the given lengths, over and over."""

    def __init__(self, text, pieces=(1 << 20,)):
        self._bytes = text.encode()
        self._pieces = itertools.cycle(pieces)
        self.length = len(self._bytes)

    def read_into(self, room, start):
        length = min(len(room), next(self._pieces))
        room[:length] = self._bytes[start : start + length]
        return length
