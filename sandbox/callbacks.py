"""What the providers report back, and when. Accepted messages come in, signed webhooks go to the postman. A
script per provider says which events follow a message; single events and messages from customers are sent on
request."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from sandbox import keys
from sandbox.magic import Outcome
from sandbox.script import EVENTS, Script, read_script
from sandbox.sendgrid import events as sendgrid_events
from sandbox.server import Headers
from sandbox.store import Received
from sandbox.twilio import callbacks as twilio_callbacks
from sandbox.twilio.sms import Sms
from sandbox.webhooks import Outcome as Posted
from sandbox.webhooks import Postman

BATCH_WINDOW = 0.1  # seconds; SendGrid, too, posts events in batches
BATCH_LIMIT = 500
EVENTS_KEPT = 50


class Callbacks:
    """Sends the providers' webhooks."""

    def __init__(
        self,
        *,
        seed: str,
        webhook_url: str | None,
        status_callbacks: bool,
        text_back: Callable[[Received, str], None],
    ) -> None:
        self.postman = Postman()
        self._text_back = text_back
        self._signing_key = keys.sendgrid_webhook_key(seed)
        self._token = keys.twilio_auth_token(seed)
        self._at_start = {
            "sendgrid": Script(webhook_url is not None, Outcome(("processed", "delivered")), url=webhook_url),
            "twilio": Script(status_callbacks, Outcome(("sent", "delivered"))),
        }
        self._batch: list[dict[str, Any]] = []
        self._era = 0
        self.reset()

    def reset(self) -> None:
        """Back to the scripts of the command line; events that wait are forgotten."""
        self.scripts = dict(self._at_start)
        self._era += 1
        self._batch.clear()
        self.postman.reset()

    def configure(self, provider: str, data: dict[str, Any]) -> None:
        """Change parts of a provider's script; BadScriptError says what is wrong."""
        current = self.scripts.get(provider, self.scripts["sendgrid"])
        self.scripts[provider] = read_script(provider, data, current)

    def follow(self, message: Received) -> None:
        """Report on a freshly accepted message as the script says."""
        script = self.scripts.get(message.provider)
        if (
            script is None
            or not script.is_enabled
            or (isinstance(message.content, Sms) and not message.content.status_callback)
        ):
            return
        outcome = script.outcome_for(message.provider, message.recipients)
        later, position = asyncio.get_running_loop().call_later, 0
        for position, event in enumerate(outcome.events, 1):
            wait = position * script.delay_ms / 1000
            later(wait, self._report_later, self._era, message, event, outcome.error_code)
        if outcome.reply:
            wait = (position + 1) * script.delay_ms / 1000
            later(wait, self._reply_later, self._era, message, outcome.reply)

    def report(
        self,
        message: Received,
        event: str,
        error_code: int | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Send one event about a message; ValueError where the provider has no such event or nowhere to send
        it."""
        known = EVENTS.get(message.provider, frozenset())
        if event not in known:
            raise ValueError(
                f"{message.provider} has no event {event!r}; it has: {', '.join(sorted(known)) or 'none'}"
            )
        send = (
            self._status_sender(message, event, error_code)
            if message.provider == "twilio"
            else self._event_sender(message, event, details)
        )
        if len(message.events) < EVENTS_KEPT:
            message.events.append(event)
        for _ in range(self.scripts[message.provider].copies):
            send()

    async def deliver_inbound(self, message: Received, url: str, opt_out_type: str | None) -> Posted:
        """Post a customer's text message to `url` and wait for what the receiver says."""
        form = twilio_callbacks.inbound_form(message, opt_out_type)
        return await self.postman.post("twilio", url, lambda: twilio_callbacks.sign(url, form, self._token))

    def _report_later(self, era: int, message: Received, event: str, error_code: int | None) -> None:
        if era == self._era and self.scripts[message.provider].is_enabled:
            self.report(message, event, error_code)

    def _reply_later(self, era: int, message: Received, text: str) -> None:
        if era == self._era and self.scripts[message.provider].is_enabled:
            self._text_back(message, text)

    def _status_sender(self, message: Received, status: str, error_code: int | None) -> Callable[[], None]:
        assert isinstance(message.content, Sms)
        url = message.content.status_callback
        if url is None:
            raise ValueError("the message was sent without a StatusCallback: Twilio has nowhere to report")
        form = twilio_callbacks.status_form(message, status, error_code)
        return lambda: self.postman.send("twilio", url, lambda: twilio_callbacks.sign(url, form, self._token))

    def _event_sender(
        self, message: Received, event: str, details: dict[str, Any] | None
    ) -> Callable[[], None]:
        if self.scripts["sendgrid"].url is None:
            raise ValueError(
                "no webhook url; start the sandbox with --webhook-url or POST one to /_sandbox/webhooks"
            )
        built = sendgrid_events.build(message, event, time.time(), **details or {})
        return lambda: self._enqueue(built)

    def _enqueue(self, built: list[dict[str, Any]]) -> None:
        if not self._batch:
            asyncio.get_running_loop().call_later(BATCH_WINDOW, self._flush)
        self._batch += built
        if len(self._batch) >= BATCH_LIMIT:
            self._flush()

    def _flush(self) -> None:
        url, batch = self.scripts["sendgrid"].url, self._batch
        self._batch = []
        if batch and url is not None:
            self.postman.send("sendgrid", url, lambda: self._sign(batch), retries=3)

    def _sign(self, batch: list[dict[str, Any]]) -> tuple[bytes, Headers]:
        return sendgrid_events.sign(batch, self._signing_key, time.time())
