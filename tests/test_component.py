"""The built guest: where it is kept, and who may write there."""

import hashlib
import os
import stat

import pytest

from orchestrator.config import SandboxSettings
from orchestrator.errors import SandboxError
from orchestrator.sandbox import component
from orchestrator.sandbox.engine import Engine


@pytest.fixture
def cache(tmp_path):
    os.environ["XDG_CACHE_HOME"] = str(tmp_path)
    return tmp_path / "rlm"


def test_the_cache_folder_is_made_for_this_user_alone(cache):
    """Nobody else may read or write it."""
    assert component.cache_folder() == cache
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_cache_folder_that_others_can_write_is_refused(cache, mode):
    """Loading compiled code that others can write is running their code."""
    cache.mkdir()
    cache.chmod(mode)
    with pytest.raises(SandboxError) as error:
        component.cache_folder()
    assert str(error.value) == (
        f"others can write to the cache folder {cache}, which holds compiled code; run: chmod 700 {cache}"
    )


def test_a_cache_folder_that_is_a_link_is_refused(cache, tmp_path):
    """A link may point to a folder of somebody else's."""
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    cache.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SandboxError):
        component.cache_folder()


def test_a_cache_that_is_a_file_is_a_clear_error(cache):
    """The message names the folder and the reason."""
    cache.write_text("")
    with pytest.raises(SandboxError) as error:
        component.cache_folder()
    assert str(error.value) == f"the cache folder {cache} cannot be used: File exists"


def test_the_component_is_named_by_its_own_hash(engine):
    """What a run's first event names is the hash of the bytes that run."""
    content = (component.cache_folder() / f"{engine.sha256}.wasm").read_bytes()
    assert hashlib.sha256(content).hexdigest() == engine.sha256


def test_what_is_cached_is_not_built_again(engine):
    """A second engine on the same sources says nothing of building or compiling."""
    said = []
    Engine(SandboxSettings(), said.append).close()
    assert said == []
