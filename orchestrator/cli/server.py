"""A server that goes on elsewhere, by its HTTP interface."""

import argparse
import os
from collections.abc import Iterator
from typing import Any, TypeVar

import httpx
import msgspec

from orchestrator.cli.command import add_config
from orchestrator.cli.settings import read_settings
from orchestrator.errors import ConfigError, InvalidRequest

TOKEN = "RLM_TOKEN"  # the environment variable with the token, if the server wants one
SECONDS = 60.0  # for an answer; of events there is one at least every 15 s
ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  (where it listens; it is reached on this machine)

T = TypeVar("T")


def add_server(parser: argparse.ArgumentParser) -> None:
    """--server, --config."""
    parser.add_argument("--server", metavar="URL", help="default: http://HOST:PORT of the configuration")
    add_config(parser)


def add_run(parser: argparse.ArgumentParser) -> None:
    """The run that a command is about."""
    parser.add_argument("run", metavar="RUN", help="its id, or how that begins")


class Server:
    """Raises ConfigError if it cannot be reached, InvalidRequest for what it refuses."""

    def __init__(self, options: argparse.Namespace) -> None:
        token = os.environ.get(TOKEN)
        self._client = httpx.Client(
            base_url=options.server or _address(options),
            headers={"authorization": f"Bearer {token}"} if token else {},
            timeout=SECONDS,
            trust_env=False,
        )

    def get(self, path: str, kind: type[T], **wanted: Any) -> T:
        """What is there, read as that."""
        return self._send("GET", path, kind, params=wanted)

    def post(self, path: str, kind: type[T], body: Any = None) -> T:
        """What came of it, read as that."""
        return self._send("POST", path, kind, **({} if body is None else {"json": body}))

    def lines(self, path: str) -> Iterator[bytes]:
        """Of a stream, as they come."""
        with self._reached(), self._client.stream("GET", path, headers={"accept": "application/jsonl"}) as response:
            if response.is_error:
                response.read()
            self._check(response)
            yield from (line.encode() for line in response.iter_lines() if line)

    def find(self, beginning: str) -> str:
        """The id of the one run that begins so."""
        found = self.get("/runs", _Page, limit=2, run_id=beginning).runs
        if len(found) != 1:
            raise InvalidRequest(f"{beginning}: {'several runs begin' if found else 'no run begins'} so; `rlm runs` lists them")
        return found[0].run_id

    def _send(self, method: str, path: str, kind: type[T], **sent: Any) -> T:
        with self._reached():
            response = self._client.request(method, path, **sent)
        self._check(response)
        return msgspec.json.decode(response.content, type=kind)

    def _check(self, response: httpx.Response) -> None:
        if response.is_error:
            try:
                raise InvalidRequest(msgspec.json.decode(response.content, type=_Problem).detail)
            except msgspec.DecodeError:
                raise InvalidRequest(f"{self._client.base_url} answers {response.status_code}: is it this server?") from None

    def _reached(self) -> "_Reached":
        return _Reached(str(self._client.base_url))


class _Reached:
    """Says what to do if the server is not there."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
            raise ConfigError(f"no server at {self._url} ({error}): start it with `rlm serve`, or say --server URL") from None


class _Listed(msgspec.Struct):
    run_id: str


class _Page(msgspec.Struct):
    runs: list[_Listed]


class _Problem(msgspec.Struct):
    detail: str


def _address(options: argparse.Namespace) -> str:
    server = read_settings(options.config).server
    host = "127.0.0.1" if server.host in ANYWHERE else server.host
    return f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"
