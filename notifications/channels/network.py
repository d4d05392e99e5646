"""One HTTP client for all channels: in, a POST; out, an Answer, or Lost with the Outcome that the failure means.

Before a request can have been taken, a failure is Transient; after that it is Unknown: the provider may have acted,
whatever became of its answer.
"""

import datetime as dt
import email.utils
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp
import requests
from aiohttp.abc import AbstractResolver
from django.utils.translation import gettext_noop as _
from yarl import URL

from notifications.channels.taxonomy import Row, later, outcome, unknown
from notifications.errors import Outcome
from notifications.masking import words_of

# Idle connections live shorter than any provider keeps them (the shortest that we know is 60 s): a POST on a
# connection that the other side just closed is an unknown outcome.
KEEP_ALIVE = 15.0
# Longest wait for a connection, be it a free one of the pool or a new one; it must end before the request as a whole does.
CONNECT = 5.0
# What is read of an answer; a push endpoint comes from a browser and could answer without end.
LIMIT_BYTES = 64 * 1024
LONGEST_WAIT = dt.timedelta(days=1)

# First match wins. What cannot have reached the provider stands above.
FAILURES: Sequence[tuple[tuple[type[Exception], ...], str, Row]] = (
    (
        (aiohttp.ConnectionTimeoutError, requests.ConnectTimeout),
        "connect_timeout",
        later(_("No connection came about in time.")),
    ),
    ((aiohttp.ClientConnectorDNSError,), "dns", later(_("The provider's name has no address."))),
    (
        (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError, aiohttp.ServerFingerprintMismatch),
        "connect",
        later(_("No connection came about.")),
    ),
    (
        (aiohttp.InvalidURL, requests.exceptions.InvalidURL, requests.exceptions.MissingSchema),
        "invalid_url",
        later(_("The provider's address is no URL.")),
    ),
    ((TimeoutError, requests.Timeout), "timeout", unknown(_("No answer came in time."))),
    (
        (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, requests.ConnectionError),
        "connection_lost",
        unknown(_("The connection broke before the answer.")),
    ),
    (
        (aiohttp.ClientError, requests.RequestException),
        "network",
        unknown(_("The answer could not be read.")),
    ),
)
# urllib3 hides a failed connection inside requests.ConnectionError, and only its words tell.
NEVER_CONNECTED = ("NewConnectionError", "NameResolutionError", "Connection refused")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered; of the body at most `LIMIT_BYTES`."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class Lost(Exception):  # noqa: N818 (the request, not an error of ours)
    """No answer came. `outcome` says whether the request can have been taken."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.kind)
        self.outcome = outcome


class Client:
    """The connections of one channel, opened at the first request, in the loop that makes it. `resolver` says where
    names lead; without one all addresses will do, as for a URL that an operator wrote into the settings."""

    def __init__(
        self, *, width: int, timeout: float, resolver: Callable[[], AbstractResolver] | None = None
    ) -> None:
        self._width, self._timeout, self._resolver = width, timeout, resolver
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str | URL, *, headers: Mapping[str, str], body: bytes) -> Answer:
        """One POST. No redirect is followed. Raises Lost."""
        session = self._session or self._open()
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                content = await response.content.read(LIMIT_BYTES)
                while not response.content.at_eof() and len(content) < LIMIT_BYTES:
                    content += await response.content.read(LIMIT_BYTES - len(content))
                return Answer(response.status, response.reason or "", response.headers, content)
        except (aiohttp.ClientError, TimeoutError) as error:
            failure = from_exception(error)
            assert failure is not None  # both are in the table
            raise Lost(failure) from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._width,
                keepalive_timeout=KEEP_ALIVE,
                ttl_dns_cache=60,
                resolver=self._resolver() if self._resolver else None,
            ),
            timeout=aiohttp.ClientTimeout(total=self._timeout, connect=CONNECT),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # no proxy look-up for each request
            skip_auto_headers=("Accept-Encoding",),
        )
        return self._session


def from_exception(error: Exception) -> Outcome | None:
    """The outcome of a network failure of aiohttp or requests; None when the exception is none."""
    for types, code, row in FAILURES:
        if isinstance(error, types):
            text = f"{row.meaning} {words_of(error)}".rstrip()
            if code == "connection_lost" and any(word in str(error) for word in NEVER_CONNECTED):
                return outcome(later(row.meaning), code="connect", error=text)
            return outcome(row, code=code, error=text)
    return None


def retry_after(headers: Mapping[str, str]) -> dt.timedelta | None:
    """How long the provider asks us to wait: Retry-After (RFC 9110 §10.2.3: seconds or a date), or SendGrid's
    X-RateLimit-Reset (epoch seconds). At most a day, so that a wrong clock cannot park a message for ever."""
    seconds: float | None = None
    if value := headers.get("Retry-After"):
        seconds = _seconds_or_date(value.strip())
    elif reset := headers.get("X-RateLimit-Reset"):
        seconds = float(reset) - time.time() if _is_number(reset) else None
    if seconds is None:
        return None
    return dt.timedelta(seconds=min(max(seconds, 0), LONGEST_WAIT.total_seconds()))


def _seconds_or_date(value: str) -> float | None:
    if _is_number(value):
        return float(value)
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def _is_number(value: str) -> bool:
    return value.isascii() and value.replace(".", "", 1).isdigit() and len(value) < 20
