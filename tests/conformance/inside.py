"""Runs in a guest, behind files.py: CPython's tests are the documents of the context; the first one lists their names.

`collect(module)` imports a module of tests and prints the names of its tests, `run(number)` runs one of them and prints what
became of it: "ok", "skipped" or "failed", why, and the modules that it asked for in vain. Both as JSON.
"""

import contextlib
import gc
import importlib.abc
import importlib.machinery
import io
import json
import os
import sys
import unittest

_HOME = "/python/"  # where the tests look for themselves
for _number, _name in enumerate(json.loads(context[0]), 1):  # the cell's own
    files[_HOME + _name] = _number  # of files.py


class Injected(importlib.abc.MetaPathFinder, importlib.abc.ExecutionLoader):
    """Finds the tests among the documents."""

    def find_spec(self, fullname, path=None, target=None):
        if self.get_filename(fullname) is None:
            return None
        spec = importlib.machinery.ModuleSpec(fullname, self, origin=self.get_filename(fullname))
        spec.has_location = True
        if self.is_package(fullname):
            spec.submodule_search_locations = [os.path.dirname(spec.origin)]
        return spec

    def get_filename(self, fullname):
        name = _HOME + fullname.replace(".", "/")
        return next((each for each in (f"{name}/__init__.py", f"{name}.py") if each in files), None)

    def is_package(self, fullname):
        return self.get_filename(fullname).endswith("/__init__.py")

    def get_source(self, fullname):
        return files[self.get_filename(fullname)].decode()


class Unfound(importlib.abc.MetaPathFinder):
    """Is asked last of all: what nobody has."""

    names: set[str] = set()

    def find_spec(self, fullname, path=None, target=None):
        self.names.add(fullname)


class Result(unittest.TestResult):
    """The outcome of one test. One with a part that fails has failed."""

    outcome = ("ok", "")

    def addSkip(self, test, reason):
        if self.outcome[0] == "ok":
            self.outcome = ("skipped", reason)

    def addUnexpectedSuccess(self, test):
        self.outcome = ("failed", "unexpected success")

    def addFailure(self, test, err):
        self.outcome = ("failed", f"{err[0].__name__}: {err[1]}"[:2000])

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addFailure(subtest, err)


def collect(module):
    from test import support

    support.use_resources = ()  # as without -u: nothing that takes long
    support.findfile = lambda name, subdir="": os.path.join(_HOME, "test", subdir, name)
    support.load_package_tests = _load_package
    global _tests
    with _silence():
        tests = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(f"test.{module}"))
        _tests = list(_flat(tests))
        for name in {type(each).__module__ for each in _tests}:
            _set_up(sys.modules.get(name))
    gc.collect()
    gc.freeze()  # each test runs in a fork: what is looked at there is copied
    print(json.dumps([each.id().removeprefix(f"test.{module}.") for each in _tests]))


def run(number):
    result = Result()
    with _silence():
        unittest.TestSuite([_tests[number]]).run(result)
    print(json.dumps([*result.outcome, sorted(Unfound.names)]))


def _set_up(module):
    """Once, not in each fork; where it cannot be done, each test says so."""
    with contextlib.suppress(Exception):
        module.setUpModule()
        del module.setUpModule, module.tearDownModule


def _load_package(folder, loader, suite, pattern):
    for name in os.listdir(folder):
        if name.startswith("test"):
            module = f"{folder}/{name}".removeprefix(_HOME).removesuffix(".py").replace("/", ".")
            suite.addTest(loader.loadTestsFromName(module))
    return suite


def _flat(suite):
    for each in suite:
        yield from _flat(each) if isinstance(each, unittest.TestSuite) else [each]


@contextlib.contextmanager
def _silence():
    output = sys.stdout
    use_files()
    sys.stdout = sys.stderr = io.TextIOWrapper(io.BytesIO(), "utf-8")
    try:
        yield
    finally:
        sys.stdout = sys.stderr = output


sys.meta_path.insert(0, Injected())
sys.meta_path.append(Unfound())
