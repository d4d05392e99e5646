"""Who is it that asks? In, a request and the number of proxies of ours; out, REMOTE_ADDR as the first of these proxies saw it.

Each proxy adds the address it was called from to the end of X-Forwarded-For. What stands before the entries of
our own proxies was written by the caller, who may write anything.
"""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "HTTP_X_FORWARDED_FOR"


class ClientAddress:
    """Middleware: above all that limits, logs or keeps evidence by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        told = [part.strip() for part in request.META.get(HEADER, "").split(",")]
        proxies: int = settings.TRUSTED_PROXIES
        if 0 < proxies <= len(told) and is_address(told[-proxies]):
            request.META["REMOTE_ADDR"] = told[-proxies]
        return self.get_response(request)


def network_of(request: HttpRequest) -> str:
    """The caller as far as limits tell callers apart: an IPv4 address, or the /64 that one subscriber has in IPv6."""
    text = request.META.get("REMOTE_ADDR", "")
    if not is_address(text):
        return "unknown"
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network(f"{address.compressed.partition('%')[0]}/64", strict=False))


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
