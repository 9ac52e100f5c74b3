"""create_app without arguments, as `litestar --app orchestrator.app:create_app run` calls it."""

import pytest
from litestar.testing import AsyncTestClient

from orchestrator.app import create_app
from orchestrator.errors import ConfigError

OWN = """
[[rules]]
query = "how long"
replies = ["FINAL(it is long)"]
"""


@pytest.mark.parametrize(
    ("configured", "query", "answer"),
    [
        (True, "how long is it?", "it is long"),
        (False, "How many errors does the payment service have in this log?", "1"),
    ],
)
async def test_it_takes_the_configuration_of_its_folder_or_the_defaults(tmp_path, monkeypatch, configured, query, answer):
    """The defaults answer the questions of the demo."""
    monkeypatch.chdir(tmp_path)
    if configured:
        (tmp_path / "script.toml").write_text(OWN)
        (tmp_path / "config.toml").write_text('[[providers]]\nprovider_type = "scripted"\nmodel = "script.toml"\n')
    async with AsyncTestClient(create_app()) as client:
        response = await client.post("/query", json={"query": query, "context": "ERROR service=payment"})
    assert response.json()["answer"] == answer


def test_a_mistake_in_the_configuration_stops_it(tmp_path, monkeypatch):
    """With the key's path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("modle = 1\n")
    with pytest.raises(ConfigError, match=r"^config\.toml: modle: unknown key$"):
        create_app()
