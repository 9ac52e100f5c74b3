"""The state of a run's guest from one cell to the next, and the way back to it.

| state        | origin | before          | instance | the next cell runs in                             |
|--------------|--------|-----------------|----------|---------------------------------------------------|
| not begun    | None   | None            | None     | a fork of the origin, which it decides            |
| first cell   | set    | None            | live     | this instance                                     |
| later cell   | set    | the image of it | live     | this instance                                     |
| rolled back  | set    | as it was       | None     | a fork of `before`; of the origin, if that is None |
"""

import msgspec

from orchestrator.contexts.context import Context
from orchestrator.sandbox import templates
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.instance import Instance
from orchestrator.sandbox.memory.memory import Image
from orchestrator.sandbox.messages import Opening


class _Origin(msgspec.Struct, frozen=True):
    """What the first cell begins with: the context's template, or None for a blank guest."""

    template: Image | None


class State:
    """What the next cell of a run begins with. Everything here happens on a guest's thread."""

    def __init__(self, engine: Engine, context: Context, opening: Opening) -> None:
        self._engine = engine
        self._context = context
        self._opening = opening
        self._origin: _Origin | None = None
        self._before: Image | None = None
        self._instance: Instance | None = None

    @property
    def loaded(self) -> bool:
        """Whether the guest began with its context loaded."""
        return self._origin is not None and self._origin.template is not None

    def enter(self, *, names_context: bool) -> Instance:
        """The instance for the next cell; the state before that cell is kept. Raises SandboxError."""
        if self._origin is None:
            self._origin = self._choose_origin(names_context=names_context)
        # Taken before a cell, not after it: the state of a run's last cell is never needed.
        elif self._instance is not None:
            self._before = self._instance.snapshot()
        self._instance = self._instance or self.fork()
        return self._instance

    def fork(self) -> Instance:
        """Another guest in the state before the last cell. Raises SandboxError."""
        if self._before is None:
            template = self._origin.template if self._origin else None
            return templates.begin(self._engine, self._context, template, self._opening)
        # No seed here, unlike in templates.begin: the image has the random state that the cells before left.
        extra = templates.extra_bytes(self._context, self._opening.limits)
        return self._engine.fork(self._before, self._opening.limits, extra)

    def roll_back(self) -> None:
        """The last cell never was. Its instance is dead or not to be relied on: it is left, not mended."""
        self._instance = None

    def begin_anew(self) -> None:
        """No cell ever was: the next one finds what the first one found. The origin stays, as the journal has it."""
        self._instance = self._before = None

    def release(self) -> None:
        """Gives all memory back."""
        self._instance = self._before = self._origin = None

    def _choose_origin(self, *, names_context: bool) -> _Origin:
        """The template, if the opening says so, or the cell names the context, or another run has made it already."""
        # To load the context costs a moment and memory: a cell that does not name it is not made to wait for that.
        limits, loaded = self._opening.limits, self._opening.loaded
        image = None
        if names_context if loaded is None else loaded:
            image = self._engine.templates.image(self._context, limits)
        elif loaded is None:
            image = self._engine.templates.held(self._context, limits)
        return _Origin(image)
