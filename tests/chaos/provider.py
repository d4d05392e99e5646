"""The providers of the soak: in, orders to misbehave; out, who received what, over all lives of the sandbox.

A sandbox that stops forgets what it received; so it refuses everything, is read, and only then is gone.
"""

import uuid
from collections import Counter
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from sandbox.testing import SandboxServer

NAMES = ("sendgrid", "twilio", "webpush")
KEEP = 1_000_000
# What an answer takes when all is well: long enough that there is always something in flight.
LATENCY_MS = 40


class Provider(AbstractContextManager["Provider"]):
    """The sandbox, which can be gone for a while and comes back at the same address."""

    def __init__(self) -> None:
        self._server = SandboxServer(keep=KEEP)
        self._port = 0
        self.is_gone = False
        self.received: Counter[uuid.UUID] = Counter()
        self.counts: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._server.start()
        self._port = urlsplit(self._server.url).port or 0
        self.behave_well()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        return self._server.url

    def environment(self) -> dict[str, str]:
        return self._server.environment()

    def behave(self, name: str, **rule: Any) -> None:
        if not self.is_gone:
            self._server.behave(name, **rule)

    def behave_well(self, *names: str) -> None:
        """No faults, at one provider or at all."""
        if self.is_gone:
            return
        for name in names or NAMES:
            self._server.behave_well(name)
            self._server.behave(name, latency_ms=LATENCY_MS)

    def go(self) -> None:
        """Connections are refused from now on; those that are open break."""
        for name in NAMES:
            self._server.behave_well(name)
            self._server.behave(name, status=503)
        self.read()
        self._server.stop()
        self.is_gone = True

    def come_back(self) -> None:
        self._server = SandboxServer(keep=KEEP, port=self._port)
        self._server.start()
        self.is_gone = False
        self.behave_well()

    def read(self) -> None:
        """Take down what this life of the sandbox has received. Once a life: it is about to stop."""
        for message in self._server.messages():
            self.received[uuid.UUID(message["notification_id"])] += 1
        for name in NAMES:
            tally = self._server.stats()["providers"][name]
            self.counts["hung up"] += tally["hung_up"]
            for status, number in tally["answers"].items():
                if int(status) >= 400:
                    self.counts[f"answered {status}"] += number
