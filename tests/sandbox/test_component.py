"""The guest as machine code: what is compiled, once, and what is refused."""

import hashlib
import os

import pytest
import wasmtime
from wasmtime.component import Component

from orchestrator.config import SandboxSettings
from orchestrator.errors import SandboxError
from orchestrator.sandbox.build import cache, component, component_files
from orchestrator.sandbox.engine import EXPORTS, Engine
from orchestrator.sandbox.instance import Instance
from orchestrator.sandbox.linker import link


def test_the_component_is_named_by_its_own_hash(engine):
    """What a run's first event names is the hash of the bytes that run."""
    content = (cache.folder() / f"{engine.sha256}.wasm").read_bytes()
    assert hashlib.sha256(content).hexdigest() == engine.sha256


def test_what_is_cached_is_not_built_again(engine):
    """A second engine on the same sources says nothing of building or compiling."""
    said = []
    Engine(SandboxSettings(), said.append).close()
    assert said == []


def test_a_component_that_is_no_valid_code_is_refused(engine, tmp_path):
    """Its state would be sound, but a function adds what is not there."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path)
    wasm = component_files.keep(bytes(wasmtime.wat2wasm("(component (core module (memory 1) (func i32.add drop)))")))
    with pytest.raises(SandboxError) as error:
        component.load(engine._engine, "", lambda message: None, wasm.stem)
    assert str(error.value) == f"the component {wasm.stem} cannot be compiled: failed to compile: wasm[0]::function[0]"


def test_a_component_of_another_program_is_refused(engine):
    """It asks the host for other things."""
    with pytest.raises(SandboxError) as error:
        link(engine._engine, Component(engine._engine, wasmtime.wat2wasm("(component)")))
    assert str(error.value) == "the component is no guest of this program: it does not import wasi:cli/environment"


def test_a_component_without_what_the_host_calls_is_refused():
    """As one of an earlier version would be."""
    exports = dict.fromkeys(EXPORTS, print) | {"run-commands": None}
    with pytest.raises(SandboxError) as error:
        Instance("", None, None, exports)
    assert str(error.value) == "the component is no guest of this program: it does not export run-commands"
