"""The postman for the providers' webhooks. Signed bodies with an address come in, POSTs to 127.0.0.1 and
their outcomes go out. Posting happens in a few threads, so that a slow receiver never slows a provider; the
queue is bounded."""

import asyncio
import base64
import ipaddress
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import unquote, urlsplit

from sandbox.server import Headers

QUEUE_LIMIT = 20_000
THREADS = 4
TIMEOUT = 10.0
RETRY_DELAYS = (0.5, 2.0, 5.0)

Sign = Callable[[], tuple[bytes, Headers]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one POST ended; status 0 is no answer."""

    provider: str
    url: str
    status: int
    body: str
    at: float

    @property
    def is_accepted(self) -> bool:
        """Did the receiver take it?"""
        return 200 <= self.status < 300

    def as_json(self) -> dict[str, object]:
        """The outcome as the control API shows it."""
        return asdict(self)


class Postman:
    """Posts webhooks and remembers how the last ones ended."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "webhook")
        self._waiting = 0
        self.counts: Counter[str] = Counter()
        self.outcomes: deque[Outcome] = deque(maxlen=200)

    @property
    def waiting(self) -> int:
        """POSTs that are under way or wait for a retry."""
        return self._waiting

    def send(self, provider: str, url: str, sign: Sign, *, retries: int = 0) -> None:
        """Post in the background; `sign` is called for each try, since a signature covers the time."""
        if self._waiting >= QUEUE_LIMIT:
            self.counts["dropped"] += 1
            return
        self._waiting += 1
        task = asyncio.ensure_future(self._deliver(provider, url, sign, retries))
        task.add_done_callback(self._done)

    async def post(self, provider: str, url: str, sign: Sign) -> Outcome:
        """Post once and return the outcome."""
        body, headers = sign()
        outcome = await asyncio.get_running_loop().run_in_executor(
            self._pool, _post, provider, url, body, headers
        )
        self.counts["accepted" if outcome.is_accepted else "refused"] += 1
        self.outcomes.append(outcome)
        return outcome

    def reset(self) -> None:
        """Forget counts and outcomes."""
        self.counts.clear()
        self.outcomes.clear()

    async def _deliver(self, provider: str, url: str, sign: Sign, retries: int) -> None:
        for delay in (*RETRY_DELAYS[:retries], None):
            outcome = await self.post(provider, url, sign)
            if outcome.is_accepted or delay is None:
                return
            await asyncio.sleep(delay)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._waiting -= 1
        if not task.cancelled() and task.exception():
            raise task.exception() or RuntimeError


def check_url(url: str) -> None:
    """ValueError unless it is an http URL on this machine: the sandbox must reach nobody else."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"{url} is no http:// address")
    if parts.hostname != "localhost" and not _is_loopback(parts.hostname):
        raise ValueError(
            f"{parts.hostname} is not this machine: webhooks go to 127.0.0.1, ::1 or localhost only"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _post(provider: str, url: str, body: bytes, headers: Headers) -> Outcome:
    try:
        check_url(url)
        status, text = _exchange(url, body, headers)
    except (OSError, HTTPException, ValueError) as error:
        status, text = 0, f"{type(error).__name__}: {error}"
    return Outcome(provider, url, status, text[:2000], time.time())


def _exchange(url: str, body: bytes, headers: Headers) -> tuple[int, str]:
    parts = urlsplit(url)
    sent = dict(headers)
    if parts.username is not None:  # http://user:secret@… is how anymail's webhook secret is given
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        sent["Authorization"] = f"Basic {base64.b64encode(credentials).decode()}"
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read(2000).decode("utf-8", "replace")
    finally:
        connection.close()
