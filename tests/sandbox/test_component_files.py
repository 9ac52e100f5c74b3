"""The components on this machine: found by their sha256, carried by a wheel, brought from elsewhere."""

import hashlib
import os
from importlib.metadata import PackageNotFoundError

import pytest
import wasmtime

from orchestrator import shipped
from orchestrator.errors import SandboxError
from orchestrator.sandbox.build import component_files

SMALL = bytes(wasmtime.wat2wasm("(component (core module (memory 1)))"))
OTHER = bytes(wasmtime.wat2wasm("(component (core module (memory 2)))"))


@pytest.fixture
def folder(tmp_path):
    """The empty cache folder of another machine."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    return tmp_path / "cache" / "rlm"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """installed(component): the wheel that carries it is installed now."""

    def install(component):
        data = tmp_path / hashlib.sha256(component).hexdigest()
        (data / "guest").mkdir(parents=True)
        (data / "guest" / f"{data.name}.wasm").write_bytes(component)
        monkeypatch.setattr(shipped, "_FOLDER", data)
        return data.name

    return install


def refused(function, *arguments):
    with pytest.raises(SandboxError) as error:
        function(*arguments)
    return str(error.value)


def test_a_component_that_was_kept_is_found_by_its_sha256(folder):
    """Its bytes are what was kept."""
    sha256 = component_files.keep(SMALL).stem
    assert component_files.find(sha256) == folder / f"{hashlib.sha256(SMALL).hexdigest()}.wasm"
    assert component_files.read(component_files.find(sha256)) == SMALL


def test_what_could_not_be_forked_is_not_kept(folder):
    """Nothing is written."""
    assert refused(component_files.keep, b"PK") == "the guest cannot be forked: it is no WebAssembly component"
    assert component_files.every() == []


@pytest.mark.parametrize("name", ["", "../secret", "A" * 64, "0" * 63])
def test_what_is_no_sha256_is_refused(folder, name):
    """A journal's name for its component may be anything; no path is made of it."""
    assert refused(component_files.find, name) == f"{name!r} is not the sha256 of a component"


def test_a_damaged_component_is_refused(folder):
    """Its name says what it must hold."""
    wasm = component_files.keep(SMALL)
    wasm.write_bytes(OTHER)
    assert refused(component_files.read, wasm) == f"{wasm} is damaged; delete it and start again"


def test_new_runs_use_the_component_that_the_wheel_carries(folder, installed):
    """Nothing is built, whatever else is kept."""
    component_files.keep(OTHER)
    sha256 = installed(SMALL)
    assert component_files.newest(pytest.fail) == component_files.current() == folder / f"{sha256}.wasm"


def test_the_component_of_an_earlier_wheel_stays(folder, installed):
    """Journals name it; it is the older one of both."""
    names = [installed(SMALL)]
    component_files.newest(pytest.fail)
    names.append(installed(OTHER))
    assert component_files.newest(pytest.fail).stem == names[1]
    os.utime(folder / f"{names[0]}.wasm", (0, 0))
    assert [wasm.stem for wasm in component_files.every()] == names


def test_a_wheel_whose_component_is_damaged_is_refused(folder, installed):
    """It is not put where it would be taken for another."""
    sha256 = installed(SMALL)
    carried = shipped.component()
    carried.write_bytes(OTHER)
    assert refused(component_files.find, sha256) == f"{carried} is damaged; delete it and start again"


def test_a_checkout_that_has_built_nothing_has_none_for_new_runs(folder):
    """Asking for it builds nothing."""
    assert component_files.current() is None


def test_without_componentize_py_the_reason_says_what_to_install(folder, monkeypatch):
    """In a checkout that was installed without what it needs; asking what is there needs nothing."""

    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(component_files, "version", missing)
    assert component_files.current() is None
    said = refused(component_files.newest, pytest.fail)
    assert said == "building the Python guest needs componentize-py and tzdata; run: pip install componentize-py tzdata"
