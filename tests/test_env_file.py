""".env beside config.toml."""

import os
import socket

import pytest

from orchestrator import config
from orchestrator.errors import ConfigError

CONFIG = '[[providers]]\nprovider_type = "deepseek"\nmodel = "m"\n'


@pytest.fixture
def key(tmp_path, monkeypatch):
    """key(text): the key of a provider with this .env, or the error without the folder."""
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    (tmp_path / "config.toml").write_text(CONFIG)

    def key(content):
        if content is not None:
            (tmp_path / ".env").write_bytes(content if isinstance(content, bytes) else content.encode())
        try:
            return config.load(tmp_path / "config.toml").providers[0].api_key
        except ConfigError as error:
            return str(error).replace(f"{tmp_path}/", "")

    return key


NOT_SET = "config.toml: providers[0].api_key_env: the environment variable DEEPSEEK_API_KEY is not set"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("DEEPSEEK_API_KEY=sk-1\n", "sk-1"),
        ("# mine\n\nexport DEEPSEEK_API_KEY='sk-1' # here\r\n", "sk-1"),
        ("\ufeffDEEPSEEK_API_KEY=sk-1", "sk-1"),
        ("OTHER=1\n", NOT_SET),
        ("DEEPSEEK_API_KEY\n", NOT_SET),
        ("", NOT_SET),
        (None, NOT_SET),
        ("A=1\nDEEPSEEK_API_KEY 'sk-secret\n", ".env: line 2 is no NAME=VALUE"),
        ("DEEPSEEK_API_KEY='sk-secret\n", ".env: line 1 is no NAME=VALUE"),
        ("DEEPSEEK_API_KEY=sk-\0\n", ".env: a name or a value has a character that no environment variable can have"),
        ("'DEEPSEEK=API'=sk-secret\n", ".env: a name or a value has a character that no environment variable can have"),
        (b"DEEPSEEK_API_KEY=\xff\n", ".env: is not UTF-8"),
    ],
)
def test_a_key_may_stand_in_a_file(key, content, found):
    """What is wrong with it is said without its values."""
    assert key(content) == found


def test_the_environment_wins(key):
    """The file only fills in what is not there."""
    os.environ["DEEPSEEK_API_KEY"] = "sk-2"
    assert key("DEEPSEEK_API_KEY=sk-1\nRLM_TEST_OTHER=${DEEPSEEK_API_KEY}\n") == "sk-2"
    assert os.environ["RLM_TEST_OTHER"] == "sk-2"


def test_one_that_is_no_file_is_named(key, tmp_path):
    """A folder, or a socket."""
    (tmp_path / ".env").mkdir()
    assert key(None) == ".env: cannot be read: Is a directory"
    (tmp_path / ".env").rmdir()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / ".env"))
        assert key(None) == ".env: cannot be read: No such device or address"


def test_nothing_of_it_is_logged(key, caplog, capfd):
    """Neither by its reader."""
    key("DEEPSEEK_API_KEY='sk-secret\n")
    key("DEEPSEEK_API_KEY=sk-secret\n")
    assert (caplog.text, capfd.readouterr()) == ("", ("", ""))
