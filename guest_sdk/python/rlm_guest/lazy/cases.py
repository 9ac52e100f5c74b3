"""Upper and lower case of a large text: lazy too, if each character has one other."""

import re
from typing import Any

from . import sizes
from .characters import CASED, of_characters
from .searching import Searching
from .sources import Mapped
from .whole import AsWhole

_METHODS = ("lower", "upper", "casefold", "swapcase")
# Those that become more than one character, and sigma, which is another at the end of a word.
_APART = {name: {each for each in CASED if len(getattr(each, name)()) != 1} for name in _METHODS}
_APART["lower"].add("\N{GREEK CAPITAL LETTER SIGMA}")
_APART["swapcase"].add("\N{GREEK CAPITAL LETTER SIGMA}")
_HERE = {name: re.compile(f"[{''.join(characters)}]") for name, characters in _APART.items()}
_FAR = {name: f"[{of_characters(characters)}]" for name, characters in _APART.items()}


class Cases(Searching, AsWhole):
    """lower, upper, casefold, swapcase."""

    def lower(self) -> Any:
        """As str.lower; lazy if the text is long."""
        return self._changed("lower")

    def upper(self) -> Any:
        """As str.upper; lazy if the text is long."""
        return self._changed("upper")

    def casefold(self) -> Any:
        """As str.casefold; lazy if the text is long."""
        return self._changed("casefold")

    def swapcase(self) -> Any:
        """As str.swapcase; lazy if the text is long."""
        return self._changed("swapcase")

    def _changed(self, name: str) -> Any:
        change = getattr(str, name)
        if self.length <= sizes.STR or self.has_any(_HERE[name], _FAR[name]):
            return change(self.whole(f"{name}()"))
        return type(self)(Mapped(self.between, self.length, change))
