"""How many requests a second the sandbox answers on one core, so that other benchmarks measure us and not it.
Options come in; a table with the machine, requests a second and a CPU-second, and the ratio to bare HTTP goes out."""

import argparse
import asyncio
import base64
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent))

import uvloop

from sandbox import keys
from sandbox.testing import SandboxServer

TARGET = 5_000
JSON_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "python-requests",
    "Accept": "application/json",
}


@dataclass(frozen=True)
class Load:
    """One kind of request, with the status it must get; `body(number)` makes every message a new one."""

    name: str
    path: str
    headers: dict[str, str]
    body: Callable[[int], bytes]
    status: int

    def request(self, number: int, host: str) -> bytes:
        """The bytes of the request with this number."""
        body = self.body(number)
        headers = {"Host": host, **self.headers, "Content-Length": str(len(body))}
        lines = [
            f"POST {self.path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
            "",
            "",
        ]
        return "\r\n".join(lines).encode() + body


def mail(number: int) -> bytes:
    """A mail send of about 3 KB, shaped as Anymail shapes it."""
    paragraph = (
        "<p style='margin:0 0 16px'>Your excavator CAT 320 is ready at 7:30. Please bring your licence.</p>"
    )
    envelope = {
        "to": [{"email": f"customer-{number}@example.com", "name": "Ada Lovelace"}],
        "custom_args": {
            "notification_id": f"8f14e45f-ceea-467f-a8f7-{number:012d}",
            "anymail_id": f"c9f0-{number}",
        },
    }
    message = {
        "personalizations": [envelope],
        "headers": {
            "List-Unsubscribe": f"<https://rentals.example/u/{number:043d}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        "from": {"email": "rentals@example.com", "name": "Fundy Rentals"},
        "subject": "Pickup tomorrow at 7:30",
        "content": [
            {"type": "text/plain", "value": "Your excavator is ready. " * 20},
            {"type": "text/html", "value": f"<!doctype html><html><body>{paragraph * 18}</body></html>"},
        ],
        "categories": ["booking_reminders"],
        "tracking_settings": {"click_tracking": {"enable": False}},
    }
    return json.dumps(message).encode()


def text_message(number: int) -> bytes:
    """A text message of one segment."""
    form = {
        "To": f"+1506{2_000_000 + number % 7_999_999}",
        "From": keys.TWILIO_FROM,
        "Body": "Your excavator is ready at 7:30. Reply STOP to opt out.",
        "StatusCallback": f"http://127.0.0.1:8000/webhooks/twilio/status/?notification_id=8f14e45f-{number}",
    }
    return urlencode(form).encode()


def loads() -> list[Load]:
    """What is measured; the first is the limit that the others are compared with."""
    account = keys.twilio_account_sid()
    basic = base64.b64encode(f"{account}:{keys.twilio_auth_token()}".encode()).decode()
    form_headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {basic}"}
    bearer = JSON_HEADERS | {"Authorization": f"Bearer {keys.sendgrid_api_key()}"}
    return [
        Load("bare HTTP, same body (404)", "/sendgrid/v3/none", bearer, mail, 404),
        Load("SendGrid mail send", "/sendgrid/v3/mail/send", bearer, mail, 202),
        Load(
            "Twilio message",
            f"/twilio/2010-04-01/Accounts/{account}/Messages.json",
            form_headers,
            text_message,
            201,
        ),
    ]


class Client(asyncio.Protocol):
    """One keep-alive connection, which sends its next request when the last one was answered."""

    def __init__(self, requests: list[bytes], statuses: Counter[bytes], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._statuses = statuses
        self._done = done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclass
        self._next()

    def data_received(self, data: bytes) -> None:
        self._statuses[data[9:12]] += 1  # an answer is small, and no other is under way: one read holds it
        self._next()

    def _next(self) -> None:
        if self._requests:
            self._transport.write(self._requests.pop())
        else:
            self._transport.close()
            self._done.set_result(None)


async def drive(url: str, requests: list[bytes], connections: int) -> Counter[bytes]:
    """Send all requests over so many connections; counts of the statuses answered."""
    host, port = urlsplit(url).netloc.split(":")
    loop = asyncio.get_running_loop()
    statuses: Counter[bytes] = Counter()
    waits: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]
    for done in waits:
        await loop.create_connection(partial(Client, requests, statuses, done), host, int(port))
    await asyncio.gather(*waits)
    return statuses


def measure(load: Load, *, count: int, connections: int, keep: int) -> tuple[float, float]:
    """Requests a second, and requests a CPU-second of the server."""
    with SandboxServer(keep=keep) as server:
        requests = [load.request(number, urlsplit(server.url).netloc) for number in range(count)]
        before, start = server.stats()["cpu_seconds"], time.perf_counter()
        statuses = uvloop.run(drive(server.url, requests, connections))
        wall, cpu = time.perf_counter() - start, server.stats()["cpu_seconds"] - before
        if statuses != {str(load.status).encode(): count}:
            raise SystemExit(f"{load.name}: expected {count} times {load.status}, got {dict(statuses)}")
        totals = server.stats()["totals"]
        if load.status < 300 and (totals["unique"], totals["duplicates"]) != (count, 0):
            raise SystemExit(f"{load.name}: {count} sent, but counted as {totals}")
    return count / wall, count / cpu


def machine() -> str:
    """One line about the machine."""
    info = Path("/proc/cpuinfo")
    models = (
        [
            line.split(":")[1].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        ]
        if info.exists()
        else []
    )
    return f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=30_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument(
        "--keep", type=int, default=0, help="messages the sandbox keeps (default: it only counts)"
    )
    options = parser.parse_args()
    print(
        f"{machine()}\n{options.requests:,} requests, {options.connections} connections, a mail send has {len(mail(0)):,} bytes\n"
    )
    print(f"{'request':<28}{'per second':>12}{'per CPU-second':>16}{'of bare HTTP':>14}")
    limit = 0.0
    for load in loads():
        wall, cpu = measure(load, count=options.requests, connections=options.connections, keep=options.keep)
        limit = limit or cpu
        print(f"{load.name:<28}{wall:>12,.0f}{cpu:>16,.0f}{cpu / limit:>14.0%}")
    print(f"\ntarget: {TARGET:,} mail sends a second on one core")


if __name__ == "__main__":
    main()
