"""The guest's own Python, outside the guest: its host is the context itself, and the real module regex."""

import sys
import types

# What componentize-py puts into the component.
for name in ("wit_world", "componentize_py_types"):
    sys.modules.setdefault(name, types.ModuleType(name))
sys.modules["componentize_py_types"].Err = type("Err", (Exception,), {})

from rlm_guest import errors, host  # noqa: E402  (it needs the two)
from rlm_guest.lazy import sizes  # noqa: E402
from rlm_guest.lazy.documents import Documents  # noqa: E402
from rlm_guest.lazy.sources import Whole  # noqa: E402
from rlm_guest.lazy.table import Table  # noqa: E402
from rlm_guest.lazy.text import LazyText  # noqa: E402

from orchestrator.contexts.store import ContextStore  # noqa: E402
from orchestrator.contexts.utf8 import ContextBytes, JoinedBytes  # noqa: E402
from orchestrator.errors import ModuleError  # noqa: E402


class LazyContexts:
    """Lazy texts and documents over contexts that are at hand; `reads` and `calls` are those of the last one."""

    def __init__(self, run_module, monkeypatch):
        self._run_module = run_module
        self._store = ContextStore()
        self._patch = monkeypatch
        self.reads, self.calls = [], []
        monkeypatch.setattr(host, "read", self._read)
        monkeypatch.setattr(host, "call", self._call)

    def cut(self, piece=3, *, longest=4, near=5, ahead=2):
        """How much is read and held at once; `longest`: of a str."""
        for name, size in {"PIECE": piece, "STR": longest, "NEAR": near, "AHEAD": ahead}.items():
            self._patch.setattr(sizes, name, size)

    def text(self, text):
        self._begin(self._store.add_text(text))
        return LazyText(Whole(len(text)))

    def documents(self, documents):
        self._begin(self._store.add_documents(documents))
        return Documents(Whole(self.context.length), Table(self.context.count), range(self.context.count))

    def _begin(self, context):
        self.context, self.reads, self.calls = context, [], []

    def _read(self, document, start, length):
        self.reads.append((start, length))
        if document == host.TABLE:
            return self.context.read_table(start, length)
        assert document == host.WHOLE
        return self.context.read_all(start, length)

    def _call(self, name, arguments):
        assert name == "module"
        self.calls.append(arguments)
        source = (JoinedBytes if arguments.get("joined") else ContextBytes)(self.context, arguments["part"])
        try:
            return self._run_module(arguments["module"], arguments["function"], arguments["args"], source)
        except ModuleError as error:
            raise errors.ModuleError(str(error)) from None
