"""Where does a name lead? In, a host's name; out, its addresses that are on the public internet, or an error of DNS.

It stands in the connector itself: the connection goes to an address that was looked at here, so a name that answers
differently a moment later (DNS rebinding) gains nothing.
"""

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from notifications.conf import conf
from notifications.push_hosts import LOOPBACK

# Addresses that carry an IPv4 address to which a gateway may lead (RFC 6052, RFC 3056, RFC 4380).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PublicResolver(AbstractResolver):
    """Answers of `inner`, without those that lead into a private network, to this machine, or to a cloud's metadata."""

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if conf().sandbox and host in LOOPBACK:
            return found
        public = [entry for entry in found if is_public(entry["host"])]
        if not public:
            raise OSError(None, "the name leads to no public address")
        return public

    async def close(self) -> None:
        await self._inner.close()


def is_public(text: str) -> bool:
    """Is it an address that anybody on the internet could call?"""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.sixtofour or address.teredo:
            return False
        inside = address.ipv4_mapped
        if inside is None and address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None:
            address = inside
    return address.is_global and not address.is_multicast
