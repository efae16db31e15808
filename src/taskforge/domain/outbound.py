"""Where requests of ours may go: never into the network that the server itself stands in, unless a setting says so."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from taskforge.domain.errors import ForbiddenAddress, InvalidInput, InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Sequence

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

LONGEST_URL = 2000
WEB_PORTS = (80, 443)
_LOWEST_OTHER_PORT = 1024
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
"""Addresses of version 6 behind which one of version 4 stands (NAT64)."""
_COMPATIBLE = IPv6Network("::/96")
_OF_PROTOCOLS = IPv4Network("192.0.0.0/24")
"""Not public either, where `ipaddress` of some versions knows a part of it only."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL in its parts. ``path`` has the query with it."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _port_of(self.scheme) else f"{host}:{self.port}"


def parse_networks(text: str, field: str) -> tuple[Network, ...]:
    """Networks with commas: ``127.0.0.0/8,10.1.0.0/16``. Raises InvalidSetting."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InvalidSetting(
            f"{field} must be networks with commas: {error}", field=field, hint="127.0.0.0/8,10.1.0.0/16"
        ) from None


def parse_target(url: str, field: str = "url") -> Target:
    """The parts of a URL of http or https without credentials. Raises InvalidInput; does not look up the host."""
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > LONGEST_URL or "\\" in url:
        raise InvalidInput(
            f"a URL has at most {LONGEST_URL:,} printable ASCII characters",
            field=field,
            hint="https://example.com/hooks",
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise InvalidInput("this is no URL of a web server", field=field, hint="https://example.com/hooks")
    if "@" in parts.netloc:
        raise InvalidInput("a URL must not have a user or a password in it", field=field)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _port_of(parts.scheme), path)


def check_addresses(target: Target, found: Sequence[str], allowed: Sequence[Network]) -> Sequence[str]:
    """The addresses of the target's host, if it may be spoken with at every one of them. Raises ForbiddenAddress.

    Public addresses are spoken with over https, on the ports of the web or above 1023. What is in a network
    that is ``allowed`` may have any port, and plain http.
    """
    addresses = [ip_address(text.partition("%")[0]) for text in found]
    if all(_is_in(address, allowed) for address in addresses):
        return found
    if not all(is_public(address) or _is_in(address, allowed) for address in addresses):
        raise ForbiddenAddress(
            f"{target.host!r:.100} has an address that is not public",
            field="url",
            hint="the setting outbound_networks can allow the network that it is in",
        )
    if target.scheme != "https":
        raise ForbiddenAddress("a public address is spoken with over https only", field="url")
    if target.port < _LOWEST_OTHER_PORT and target.port not in WEB_PORTS:
        raise ForbiddenAddress(
            f"the port {target.port} is not one of a web server", field="url", hint="443, or one above 1023"
        )
    return found


def is_public(address: Address) -> bool:
    """Whether it can be reached over the internet, and is nothing of the machine's or its network's own."""
    if isinstance(address, IPv6Address):
        within = _within(address)
        if within is not None:
            return is_public(within)
        if address.is_site_local:
            return False
    elif address in _OF_PROTOCOLS:
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    )


def _within(address: IPv6Address) -> IPv4Address | None:
    """The address of version 4 that one of version 6 leads to."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in (*_TRANSLATED, _COMPATIBLE)):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    own = mapped or address
    return any(own in network for network in networks if network.version == own.version)


def _port_of(scheme: str) -> int:
    return 443 if scheme == "https" else 80
