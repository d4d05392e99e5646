"""May a push endpoint be called? In, the URL that a browser handed over; out, the URL to call, or EndpointError.

Whoever can subscribe can name any URL, our own network's too (SSRF). So its host must be a push service that we know, by https,
when it is kept and again when it is called; `channels/public_addresses.py` looks at where the name leads.
"""

import re

from yarl import URL

from notifications.conf import conf

# The whole of a URL that no two parsers read differently: no user, no backslash, no space, no second @.
_PLAIN = re.compile(r"https?://[a-zA-Z0-9.\-\[\]:]+/[!-\[\]-~]*")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class EndpointError(ValueError):
    """No endpoint of a push service that we write to. The message holds no endpoint: who knows one can use it."""


def checked(endpoint: str) -> URL:
    """The URL to call. Raises EndpointError."""
    if not _PLAIN.fullmatch(endpoint):
        raise EndpointError("This is not the URL of a push service.")
    try:
        url = URL(endpoint)
        host, port = url.host or "", url.explicit_port
    except ValueError:
        raise EndpointError("This is not the URL of a push service.") from None
    settings = conf()
    if settings.sandbox and host in LOOPBACK:
        return url
    if url.scheme != "https" or port not in (None, 443) or not _is_listed(host, settings.push_hosts):
        raise EndpointError(
            'This push service is not one of NOTIFICATIONS["PUSH_HOSTS"], or is not called by https on its usual port.'
        )
    return url


def _is_listed(host: str, listed: tuple[str, ...]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in listed)
