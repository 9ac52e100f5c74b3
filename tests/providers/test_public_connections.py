"""Hosts that a caller names: which addresses are connected to."""

import asyncio
import ipaddress
import socket

import pytest
from backends import ModelBackend

from orchestrator.errors import ProviderError
from orchestrator.providers.public_connections import PublicConnections, is_public


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address):
    """Wrapped ones too."""
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104  (nothing is bound)
        *("255.255.255.255", "224.0.0.1", "240.0.0.1", "::", "::1", "fe80::1", "fc00::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::"),
        *("::127.0.0.1", "::ffff:0:7f00:1", "64:ff9b:1::7f00:1", "fec0::1", "fe80::1%eth0"),
    ],
)
def test_all_others_are_not(address):
    """Loopback, private, link-local (where clouds keep keys), multicast, and any of them wrapped in another."""
    assert not is_public(ipaddress.ip_address(address))


async def read(connections, url):
    async with connections.stream("GET", url, headers={}) as response:
        await response.aread()
        return response.status_code


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "0"])
async def test_a_host_of_the_inside_is_refused(host):
    """However it is written; nothing is sent."""
    async with ModelBackend().running() as server:
        port = server.url.split(":")[2].partition("/")[0]
        with pytest.raises(ProviderError) as error:
            await read(PublicConnections(()), f"http://{host}:{port}/")
    assert str(error.value) == f"the host {host!r} is not public: the operator has to list it (own_keys.own_key_hosts)"


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "nothing.invalid"])
async def test_a_host_that_does_not_exist_is_told(host):
    """Also if it cannot be a name at all."""
    with pytest.raises(ProviderError) as error:
        await read(PublicConnections({host}), f"http://{host}/")
    assert str(error.value) == f"the host {host!r} is not known"


async def test_a_name_that_is_not_ascii_is_asked_for_as_it_was_checked(monkeypatch):
    """The older encoding of names would make another host of it (strasse); no address is no host."""
    names = []

    async def resolve(host, port, **_):
        names.append(host)
        return []

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    with pytest.raises(ProviderError, match="is not known"):
        await read(PublicConnections({"straße.example"}), "http://straße.example/")
    assert names == ["xn--strae-oqa.example"]


async def test_a_host_that_is_listed_is_not():
    """The operator knows it."""
    async with ModelBackend().running() as server:
        assert await read(PublicConnections({"127.0.0.1"}), server.url + "/models") == 404


async def test_a_name_is_resolved_once(monkeypatch):
    """A name that is public when it is checked and private when it is connected to (DNS rebinding) reaches nothing."""
    asked = []

    async def resolve(host, port, **_):
        asked.append(host)
        address = "192.0.2.1" if len(asked) > 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    monkeypatch.setattr("orchestrator.providers.public_connections.is_public", lambda address: True)
    async with ModelBackend().running() as server:
        assert await read(PublicConnections(()), server.url.replace("127.0.0.1", "rebinding.example")) == 404
    assert asked == ["rebinding.example"]
