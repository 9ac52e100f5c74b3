"""Which server a request is for, and which site's page it comes from."""

import ipaddress
import re
from collections.abc import Iterable

import msgspec

from orchestrator.server_settings import ServerSettings

_AUTHORITY = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_PORTS = {"http": 80, "https": 443}


class Authority(msgspec.Struct, frozen=True):
    """A host and a port, as all ways of writing them compare; the port is None if none is written."""

    name: str
    port: int | None


def parse_authority(text: str) -> Authority | None:
    """None if it is none."""
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return None
    return Authority(normal_name(found["name"]), int(found["port"]) if found["port"] else None)


def normal_name(name: str) -> str:
    """In lower case, without the dot of the root; an address in its shortest form, without brackets."""
    try:
        return ipaddress.ip_address(name.strip("[]")).compressed
    except ValueError:
        return name.lower().removesuffix(".")


def is_loopback(name: str) -> bool:
    """Whether a host's normal name means this machine alone."""
    return name == "localhost" or (is_address(name) and ipaddress.ip_address(name).is_loopback)


def is_address(text: str) -> bool:
    """Whether it is an IP address, and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class Hosts:
    """The names of this server, and the other sites whose pages may ask it."""

    def __init__(self, settings: ServerSettings) -> None:
        self._names = {normal_name(each) for each in (settings.host, *settings.hosts)} - {"0.0.0.0", "::"}  # noqa: S104  (they are left out)
        self._origins = set(filter(None, map(_split_origin, settings.origins)))

    def is_ours(self, host: Authority, address: str) -> bool:
        """`address`: where the connection arrived, which no name server can make somebody else's."""
        return is_loopback(host.name) or host.name in self._names or host.name == normal_name(address)

    def is_listed(self, origin: str) -> bool:
        """Whether it is a site that the operator names."""
        return _split_origin(origin) in self._origins


def is_same(origin: str, host: Authority) -> bool:
    """Whether a page of that origin is this server's own, as the request itself names it. Behind a proxy it may be https."""
    split = _split_origin(origin)
    return split is not None and split[1:] == (host.name, host.port or _PORTS[split[0]])


def only(values: Iterable[bytes]) -> str | None:
    """The value of a header that is there once; None if there are none or several, which are read in different ways."""
    found = list(values)
    return found[0].decode("latin-1").strip() if len(found) == 1 else None


def _split_origin(origin: str) -> tuple[str, str, int] | None:
    scheme, separator, rest = origin.partition("://")
    authority = parse_authority(rest)
    if not separator or scheme not in _PORTS or authority is None:
        return None
    return scheme, authority.name, authority.port or _PORTS[scheme]
