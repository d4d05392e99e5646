"""A sandbox for tests, `make smoke` and benchmarks. Options come in, a running server with a small client
goes out. Standard library only; the server runs as a process of its own, as in production the providers
do."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from sandbox import keys

ROOT = Path(__file__).parent.parent
TIMEOUT = 30.0
Json = dict[str, Any]

_opener = build_opener(
    ProxyHandler({})
)  # a proxy of the environment must not see, or break, talk with 127.0.0.1


class SandboxError(RuntimeError):
    """The server did not start, or refused an order; the message is its own."""


class SandboxServer(AbstractContextManager["SandboxServer"]):
    """Starts `python -m sandbox` on a free port and stops it at the end of the block.

    Options are those of the command line: `SandboxServer(keep=0, webhook_url=…)`. The server ends with this
    process, even a killed one; start it in a thread that lives on, since Linux takes the thread that started
    it for the parent.
    """

    def __init__(self, *, seed: str = keys.DEFAULT_SEED, port: int = 0, **options: str | int | bool) -> None:
        self.seed = seed
        self.url = ""
        self._process: subprocess.Popen[str] | None = None
        self._arguments = ["--port", str(port), "--seed", seed, "--die-with-parent", str(os.getpid())]
        for name, value in options.items():
            flag = f"--{name.replace('_', '-')}"
            if value is not False:
                self._arguments += [flag] if value is True else [flag, str(value)]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._running().pid

    def start(self) -> None:
        """Start the server; returns when it answers."""
        command = [sys.executable, "-m", "sandbox", *self._arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        first_line = self._process.stdout.readline()
        if not first_line:
            status = self._process.wait()
            self.stop()
            raise SandboxError(f"the sandbox ended with status {status} and said why above")
        self.url = json.loads(first_line)["url"]

    def stop(self) -> None:
        """Stop the server."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(TIMEOUT)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def environment(self) -> dict[str, str]:
        """The environment variables that point Postroom here."""
        return keys.environment(self.url, self.seed)

    def reset(self) -> None:
        """Forget messages, counts, behaviour and data."""
        self._call("POST", "reset", {})

    def behave(self, provider: str, **rule: Any) -> Json:
        """Tell a provider how to behave, as `sandbox.behaviour.Rule` describes; rules add up until `reset` or
        `behave_well`."""
        return self._call("POST", "behaviour", {"provider": provider, **rule})

    def behave_well(self, provider: str | None = None) -> None:
        """Forget the rules of one provider, or of all."""
        self._call("DELETE", "behaviour", {"provider": provider} if provider else {})

    def messages(self, **filters: Any) -> list[Json]:
        """Every kept message that the filters admit, newest first: provider, channel, recipient,
        notification_id, duplicate, q."""
        return list(self._pages({"limit": 200, **filters}))

    def message(self, number: int) -> Json:
        """One message with its content."""
        return self._call("GET", f"messages/{number}", {})

    def stats(self) -> Json:
        """Counts since the last reset: `totals`, `providers`, `kept`, `webhooks`, `cpu_seconds`."""
        return self._call("GET", "stats", {})

    def webhooks(self, **scripts: Json) -> Json:
        """Change the scripts of sendgrid and twilio, or read them and the last outcomes."""
        return self._call("POST", "webhooks", scripts) if scripts else self._call("GET", "webhooks", {})

    def report(self, number: int, event: str, **details: Any) -> Json:
        """Send one webhook event about a message; Twilio takes error_code, SendGrid details."""
        return self._call("POST", "events", {"id": number, "event": event, **details})

    def inbound(self, sender: str, body: str, url: str, **details: Any) -> Json:
        """A customer's text message; answers with the status and body that the receiver gave."""
        return self._call("POST", "inbound", {"from": sender, "body": body, "url": url, **details})

    def end_subscription(self, endpoint: str, status: int = 410) -> None:
        """Make a push subscription dead."""
        self._call("POST", "push/gone", {"endpoint": endpoint, "status": status})

    def stripe_data(self, **data: Any) -> Json:
        """Set what Stripe's lists hold; see `sandbox.control.orders.fill_ledger`."""
        return self._call("POST", "stripe/data", data)

    def _pages(self, filters: Json) -> Iterator[Json]:
        has_more = True
        while has_more:
            page = self._call("GET", "messages", filters)
            yield from page["data"]
            has_more = page["has_more"]
            if has_more:
                filters = {**filters, "before": page["data"][-1]["id"]}

    def _call(self, method: str, path: str, parameters: Json) -> Json:
        self._running()
        url = f"{self.url}/_sandbox/{path}"
        body = None
        if method == "POST":
            body = json.dumps(parameters).encode()
        elif parameters:
            url += "?" + urlencode(
                {name: int(value) if isinstance(value, bool) else value for name, value in parameters.items()}
            )
        request = Request(url, body, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        try:
            with _opener.open(request, timeout=TIMEOUT) as response:
                answer: Json = json.load(response)
        except HTTPError as error:
            with error:
                raise SandboxError(json.load(error).get("error", str(error))) from None
        except OSError as error:
            raise SandboxError(f"the sandbox does not answer: {error}") from error
        return answer

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            raise SandboxError("the sandbox does not run: use it as a context manager, or call start()")
        return self._process
