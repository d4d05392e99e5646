"""How many requests a second the sandbox answers on one core, so that other benchmarks measure us and not it.
Options come in; a table with the machine, requests a second and a CPU-second, and the ratio to bare HTTP goes
out."""

import argparse
import asyncio
import os
import platform
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent))

import uvloop

from benchmarks.sandbox_loads import LOADS, Load, mail
from sandbox.testing import SandboxServer

TARGET = 5_000


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


# The kernel counts processor time in hundredths of a second: a handful of requests may take none.
TICK = 0.01


def measure(
    make: Callable[[str], Load], *, count: int, connections: int, keep: int
) -> tuple[str, float, float]:
    """The load's name, requests a second, and requests a CPU-second of the server."""
    with SandboxServer(keep=keep) as server:
        load = make(server.url)
        requests = [load.request(number, urlsplit(server.url).netloc) for number in range(count)]
        before, start = server.stats()["cpu_seconds"], time.perf_counter()
        statuses = uvloop.run(drive(server.url, requests, connections))
        wall, cpu = time.perf_counter() - start, server.stats()["cpu_seconds"] - before
        if statuses != {str(load.status).encode(): count}:
            raise SystemExit(f"{load.name}: expected {count} times {load.status}, got {dict(statuses)}")
        totals = server.stats()["totals"]
        if load.status < 300 and (totals["unique"], totals["duplicates"]) != (count, 0):
            raise SystemExit(f"{load.name}: {count} sent, but counted as {totals}")
    return load.name, count / wall, count / max(cpu, TICK)


def machine() -> str:
    """One line about the machine and how busy it is."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE) if info.exists() else []
    model = names[0] if names else platform.processor()
    python = platform.python_version()
    return f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.system()}, Python {python}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
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
    for make in LOADS:
        name, wall, cpu = measure(
            make, count=options.requests, connections=options.connections, keep=options.keep
        )
        limit = limit or cpu
        print(f"{name:<28}{wall:>12,.0f}{cpu:>16,.0f}{cpu / limit:>14.0%}")
    print(f"\ntarget: {TARGET:,} mail sends a second on one core")


if __name__ == "__main__":
    main()
