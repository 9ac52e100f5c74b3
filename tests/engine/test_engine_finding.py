"""What `rlm init` finds where a real server listens."""

import httpx
import pytest
from llama import NAME

from orchestrator.cli.finding import Choice, find_models
from orchestrator.config import OpenAISettings

pytestmark = pytest.mark.engine


class AtItsOwnPort(httpx.AsyncHTTPTransport):
    """The server as if it listened where llama.cpp does by itself; nothing listens elsewhere."""

    def __init__(self, port):
        super().__init__()
        self._port = port

    async def handle_async_request(self, request):
        if request.url.port != 8080:
            raise httpx.ConnectError("refused")
        request.url = request.url.copy_with(port=self._port)
        return await super().handle_async_request(request)


async def test_its_model_is_found(llama_server, monkeypatch):
    """By the name that it gives, at the address that its protocol needs."""
    for key in ("DEEPSEEK_API_KEY", "OPENAI_API_KEY", "LITELLM_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    found = await find_models(AtItsOwnPort(httpx.URL(llama_server.url).port))
    expected = OpenAISettings(model=NAME, base_url="http://127.0.0.1:8080/v1")
    assert found == [Choice(expected, "llama.cpp at http://127.0.0.1:8080/v1")]
