"""The built guest: where it is kept, and who may write there."""

import hashlib

from orchestrator.config import SandboxSettings
from orchestrator.sandbox.build import cache
from orchestrator.sandbox.engine import Engine


def test_the_component_is_named_by_its_own_hash(engine):
    """What a run's first event names is the hash of the bytes that run."""
    content = (cache.folder() / f"{engine.sha256}.wasm").read_bytes()
    assert hashlib.sha256(content).hexdigest() == engine.sha256


def test_what_is_cached_is_not_built_again(engine):
    """A second engine on the same sources says nothing of building or compiling."""
    said = []
    Engine(SandboxSettings(), said.append).close()
    assert said == []
