"""What a match in a lazy text answers."""

import re
from typing import Any

from .search import Search
from .windows import Placed


class LazyMatch:
    """As re.Match. It holds its groups, not the text around them."""

    def __init__(self, placed: Placed, search: Search, pattern: Any) -> None:
        # There may be millions of them: what few ask for is made when it is asked for.
        match, self._offset = placed
        self.re, self._search = pattern, search
        self._regs, self._texts = match.regs, (match[0], *match.groups())
        self.lastindex, self.lastgroup = match.lastindex, match.lastgroup

    @property
    def string(self) -> Any:
        return self._search.text

    @property
    def pos(self) -> int:
        return self._search.start

    @property
    def endpos(self) -> int:
        return self._search.stop

    @property
    def regs(self) -> tuple[tuple[int, int], ...]:
        return tuple(map(self.span, range(len(self._regs))))

    @property
    def __class__(self) -> Any:
        """For isinstance."""
        return re.Match

    def group(self, *groups: Any) -> Any:
        if len(groups) > 1:
            return tuple(self._texts[self._number(each)] for each in groups)
        return self._texts[self._number(groups[0]) if groups else 0]

    def __getitem__(self, group: Any) -> Any:
        return self._texts[self._number(group)]

    def groups(self, default: Any = None) -> tuple[Any, ...]:
        return tuple(default if text is None else text for text in self._texts[1:])

    def groupdict(self, default: Any = None) -> dict[str, Any]:
        texts = self.groups(default)
        return {name: texts[number - 1] for name, number in self.re.groupindex.items()}

    def start(self, group: Any = 0) -> int:
        return self.span(group)[0]

    def end(self, group: Any = 0) -> int:
        return self.span(group)[1]

    def span(self, group: Any = 0) -> tuple[int, int]:
        start, end = self._regs[self._number(group)]
        return (self._offset + start, self._offset + end) if start >= 0 else (-1, -1)

    def expand(self, template: str) -> str:
        # `re` expands templates for its own matches alone: so for one with the same groups, which it looks ahead at.
        names = {number: name for name, number in self.re.groupindex.items()}
        groups = "".join(_group(text, names.get(number)) for number, text in enumerate(self._texts[1:], 1))
        same = re.match(f"(?s).{{{len(self._texts[0])}}}(?={groups})", "".join(text or "" for text in self._texts))
        return str(same.expand(template)) if same else ""

    def __copy__(self) -> "LazyMatch":
        return self

    def __deepcopy__(self, memo: Any) -> "LazyMatch":
        return self

    def __repr__(self) -> str:
        return f"<re.Match object; span={self.span()}, match={self._texts[0]!r:.50}>"

    def _number(self, group: Any) -> int:
        number: Any = self.re.groupindex.get(group, -1) if isinstance(group, str) else group
        if not hasattr(number, "__index__") or not 0 <= number.__index__() < len(self._texts):
            raise IndexError("no such group")
        return int(number.__index__())


def _group(text: str | None, name: str | None) -> str:
    """A group that matches so much of any text; or that never does."""
    opening = f"(?P<{name}>" if name else "("
    return f"{opening}(?!))?" if text is None else f"{opening}.{{{len(text)}}})"
