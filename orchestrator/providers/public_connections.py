"""Connections to hosts that a caller names: to public addresses alone, so that nobody looks into the operator's network."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Collection
from typing import Any

import httpx

from orchestrator.errors import ProviderError
from orchestrator.providers.connections import TIMEOUTS

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
UNICAST = ipaddress.ip_network("2000::/3")  # RFC 4291, 2.4
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


class PublicConnections:
    """One for each call. The name is resolved here, and the connection goes to an address that was checked: a name server
    that says something else the next time (DNS rebinding) is not asked again."""

    def __init__(self, listed: Collection[str]) -> None:
        """`listed`: hosts that may be anywhere."""
        self._listed = listed
        self._tls = httpx.create_ssl_context()

    @contextlib.asynccontextmanager
    async def stream(self, method: str, url: str, **request: Any) -> AsyncIterator[httpx.Response]:
        """The response, to be read inside. Raises httpx.HTTPError; ProviderError if the host is not public."""
        named = httpx.URL(url)
        pinned = named.copy_with(host=await self._resolve(named))
        # The certificate has to be the named host's.
        request["extensions"] = {"sni_hostname": named.raw_host.decode()}
        request["headers"] = request.get("headers", {}) | {"Host": named.netloc.decode()}
        async with (
            httpx.AsyncClient(verify=self._tls, timeout=TIMEOUTS, trust_env=False) as client,
            client.stream(method, pinned, **request) as response,
        ):
            yield response

    async def _resolve(self, url: httpx.URL) -> str:
        loop = asyncio.get_running_loop()
        try:
            # As it goes over the wire: what is not ASCII would be encoded anew, in an older way, which may name another host.
            found = await loop.getaddrinfo(url.raw_host.decode(), url.port or 443, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # the second is of a name that is none, as a..b
            found = []
        if not found:
            raise ProviderError(f"the host {url.host!r} is not known", remedy="later") from None
        addresses = [str(each[4][0]) for each in found]
        if url.host not in self._listed and not all(is_public(ipaddress.ip_address(each)) for each in addresses):
            raise ProviderError(
                f"the host {url.host!r} is not public: the operator has to list it (own_keys.own_key_hosts)", remedy="mend"
            )
        return addresses[0]


def is_public(address: Address) -> bool:
    """Whether it is one of the internet's, also if another is wrapped in it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        # All that is given out; outside are other ways to wrap an address, as ::127.0.0.1.
        if address not in UNICAST:
            return False
    return address.is_global and not address.is_multicast
