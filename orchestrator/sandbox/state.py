"""The state of a run's guest from one cell to the next, and the way back to it.

| state        | loaded  | before          | parked    | instance | the next cell runs in                               |
|--------------|---------|-----------------|-----------|----------|-----------------------------------------------------|
| not begun    | None    | None            | None      | None     | a fork of the origin, which it decides              |
| first cell   | decided | None            | None      | live     | this instance                                       |
| later cell   | decided | the image of it | if it was | live     | this instance                                       |
| rolled back  | decided | as it was       | if it was | None     | a fork of `before`; of the origin, if that is None  |
| parked       | decided | None            | in a file | None     | a fork of what that has, which is `before` again    |

What was parked stays in its file as long as it is what `before` has: a cell that waits again and again is written once.
The origin is the context's template, or a blank guest. A guest that had not gone beyond it is parked as if it was rolled back.
"""

from orchestrator.contexts.context import Context
from orchestrator.errors import SandboxError
from orchestrator.sandbox import templates
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.instance import Instance
from orchestrator.sandbox.memory import parked
from orchestrator.sandbox.memory.memory import Image
from orchestrator.sandbox.memory.parked import ParkedImage
from orchestrator.sandbox.messages import Opening


class State:
    """What the next cell of a run begins with. Everything here happens on a guest's thread."""

    def __init__(self, engine: Engine, context: Context, opening: Opening) -> None:
        self._engine = engine
        self._context = context
        self._opening = opening
        self._loaded: bool | None = None
        self._template: Image | None = None
        self._before: Image | None = None
        self._parked: ParkedImage | None = None
        self._instance: Instance | None = None

    @property
    def loaded(self) -> bool:
        """Whether the guest began with its context loaded."""
        return self._loaded is True

    def enter(self, *, names_context: bool) -> Instance:
        """The instance for the next cell; the state before that cell is kept. Raises SandboxError."""
        if self._loaded is None:
            self._choose_origin(names_context=names_context)
        # Taken before a cell, not after it: the state of a run's last cell is never needed.
        elif self._instance is not None:
            self._before, self._parked = self._instance.snapshot(), None
        self._instance = self._instance or self.fork()
        return self._instance

    def fork(self) -> Instance:
        """Another guest in the state before the last cell. Raises SandboxError."""
        if self._loaded and self._template is None:
            self._template = self._template_again()
        if self._before is None and self._parked is not None:
            self._before = parked.bring_back(self._parked, self._template or self._engine.blank)
        if self._before is None:
            return templates.begin(self._engine, self._context, self._template, self._opening)
        # No seed here, unlike in templates.begin: the image has the random state that the cells before left.
        extra = templates.extra_bytes(self._context, self._opening.limits)
        return self._engine.fork(self._before, self._opening.limits, extra)

    def roll_back(self) -> None:
        """The last cell never was. Its instance is dead or not to be relied on: it is left, not mended."""
        self._instance = None

    def begin_anew(self) -> None:
        """No cell ever was: the next one finds what the first one found. The origin stays, as the journal has it."""
        self._instance = self._before = self._parked = None

    def park(self) -> bool:
        """Keeps it in a file, as what it has beside the origin. False if that cannot be: nothing has changed then."""
        try:
            if self._instance is not None:
                self._parked = parked.park(self._instance.snapshot(), self._engine.spool)
            elif self._before is not None and self._parked is None:
                self._parked = parked.park(self._before, self._engine.spool)
        except (OSError, SandboxError):
            return False
        # The template is not this run's to keep: it is made again if it is gone by then, and is the same.
        self._instance = self._before = self._template = None
        return True

    def release(self) -> None:
        """Gives all memory back."""
        self._instance = self._before = self._parked = self._template = None

    def _choose_origin(self, *, names_context: bool) -> None:
        """The template, if the opening says so, or the cell names the context, or another run has made it already."""
        # To load the context costs a moment and memory: a cell that does not name it is not made to wait for that.
        limits, loaded = self._opening.limits, self._opening.loaded
        if names_context if loaded is None else loaded:
            self._template = self._engine.templates.image(self._context, limits)
        elif loaded is None:
            self._template = self._engine.templates.held(self._context, limits)
        self._loaded = self._template is not None

    def _template_again(self) -> Image:
        found = self._engine.templates.image(self._context, self._opening.limits)
        if found is None:
            raise SandboxError("a context that was loaded cannot be loaded again")
        return found
