"""The whole standard library and the time zones, kept as compiled code: a module is run when it is first imported.

A cell has no file system. While the component is built there is one: every module is compiled then and kept compressed,
in pages that a guest does not touch before it needs one of them.
"""

import importlib
import io
import marshal
import os
import sys
import zlib
from collections.abc import Iterator
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.resources.abc import ResourceReader
from types import CodeType, ModuleType
from typing import Any, BinaryIO, NamedTuple, NoReturn

from . import absent

# What is changed of a module when it is imported, by `replace` of a module of the guest's.
_CHANGED = {
    "asyncio": "rlm_guest.parallel.loop",
    "concurrent.futures": "rlm_guest.parallel.pools",
    "concurrent.futures.thread": "rlm_guest.parallel.pools",
    "queue": "rlm_guest.parallel.queues",
}


class _Module(NamedTuple):
    path: str
    code: bytes  # marshalled and compressed
    files: dict[str, bytes] | None  # of a package: its data, compressed


class Library(MetaPathFinder, InspectLoader):
    """Finds and loads the modules of the folders that it has read."""

    def __init__(self) -> None:
        self._modules: dict[str, _Module] = {}

    def read(self, folder: str, without: frozenset[str] = frozenset(), package: str = "") -> None:
        """Keeps the modules in a folder, except those named in `without`, and all in the packages below it."""
        for entry in sorted(os.listdir(folder)):
            path, name = f"{folder}/{entry}", entry.removesuffix(".py")
            if name in without or name == "__init__":
                continue
            if name != entry:
                self._modules[package + name] = _Module(path, _compiled(path), None)
            elif os.path.exists(initial := f"{path}/__init__.py"):
                self._modules[package + name] = _Module(initial, _compiled(initial), dict(_data(path)))
                self.read(path, package=f"{package}{name}.")

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        module = self._modules.get(fullname)
        if module is None:
            return None
        loader = _Changing(self) if fullname in _CHANGED else self
        spec = ModuleSpec(fullname, loader, origin=module.path, is_package=module.files is not None)
        spec.has_location = True
        if module.files is not None:
            spec.submodule_search_locations = [os.path.dirname(module.path)]
        return spec

    def is_package(self, fullname: str) -> bool:
        return self._modules[fullname].files is not None

    def get_code(self, fullname: str) -> CodeType:
        return marshal.loads(zlib.decompress(self._modules[fullname].code))  # noqa: S302  (it was written below)

    def get_source(self, fullname: str) -> None:
        """Is not kept."""

    def get_resource_reader(self, fullname: str) -> "_Files":
        return _Files(self._modules[fullname].files or {})


class _Changing(Library):
    """The loader of what is changed. Not of others: a warning at an import counts its frame, and would be shown elsewhere."""

    def __init__(self, library: Library) -> None:
        self._modules = library._modules

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        importlib.import_module(_CHANGED[module.__name__]).replace(module)


class _Files(ResourceReader):
    """The data of a package, as importlib.resources asks for it."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def open_resource(self, resource: str) -> BinaryIO:
        if resource not in self._files:
            raise FileNotFoundError(resource)
        return io.BytesIO(zlib.decompress(self._files[resource]))

    def resource_path(self, resource: str) -> NoReturn:
        raise FileNotFoundError(resource)

    def is_resource(self, path: str) -> bool:
        return path in self._files

    def contents(self) -> Iterator[str]:
        return iter(self._files)


def _compiled(path: str) -> bytes:
    with open(path, "rb") as source:
        code = compile(source.read(), path, "exec", dont_inherit=True)
    return zlib.compress(marshal.dumps(code), 9)


def _data(folder: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(os.listdir(folder)):
        if not entry.endswith(".py") and os.path.isfile(f"{folder}/{entry}"):
            with open(f"{folder}/{entry}", "rb") as file:
                yield entry, zlib.compress(file.read(), 9)


def _folder(module: str) -> str:
    """The one that it is found in, without importing it."""
    origin = PathFinder.find_spec(module).origin
    return os.path.dirname(origin.removesuffix("/__init__.py"))


def keep() -> None:
    """Called first of all while the component is built."""
    library = Library()
    for module in ("argparse", "tzdata"):
        library.read(_folder(module), frozenset(absent.MODULES))
    library.read(f"{os.path.dirname(__file__)}/parallel", package="rlm_guest.parallel.")
    sys.meta_path.insert(sys.meta_path.index(PathFinder), library)
