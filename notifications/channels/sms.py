"""SMS through the twilio library: in, a Message with a text and an E.164 number; out, what Twilio answered.

The library writes the request and reads an acceptance; our client carries it, and `twilio_codes` reads a refusal.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

import aiohttp
from django.conf import settings
from twilio.base.exceptions import TwilioException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client as Twilio

from notifications.channels import taxonomy, twilio_codes
from notifications.channels.base import Channel
from notifications.channels.network import Answer, Client, Lost, retry_after
from notifications.conf import conf
from notifications.errors import Misconfigured, Outcome, Sent
from notifications.masking import redact, words_of
from notifications.message import Message

TIMEOUT = 15.0


class SmsChannel(Channel):
    name: ClassVar[str] = "sms"
    provider = "twilio"

    def __init__(self) -> None:
        self._client: Client | None = None
        self._twilio: Twilio | None = None

    async def deliver_one(self, message: Message) -> Outcome:
        try:
            sms = await (self._twilio or self._open()).messages.create_async(
                to=message.address,
                from_=settings.TWILIO_FROM,
                body=message.rendered.parts["text"],
                status_callback=_status_callback(message),
            )
        except _Refused as refused:
            return _outcome(refused.answer)
        except Lost as lost:
            return lost.outcome
        except TwilioException as error:
            return Misconfigured(code=type(error).__name__, error=words_of(error))
        return Sent(reference=sms.sid or "")

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = self._twilio = None

    def _open(self) -> Twilio:
        self._client = Client(width=conf().concurrency, timeout=TIMEOUT)
        self._twilio = Twilio(
            settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, http_client=_Http(self._client)
        )
        self._twilio.api.base_url = settings.TWILIO_API_URL
        return self._twilio


class _Refused(Exception):  # noqa: N818
    """Twilio said no. Raised before the library makes an exception of it, which would lose the headers."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _Http(AsyncHttpClient):  # type: ignore[misc]  # the library has no types
    """The library's own asynchronous client has no time-out and no limit of connections: this one is ours."""

    def __init__(self, client: Client) -> None:
        super().__init__(logging.getLogger("twilio.async_http_client"), True)
        self._client = client

    async def request(
        self,
        method: str,  # noqa: ARG002 (we only create messages)
        uri: str,
        params: dict[str, object] | None = None,  # noqa: ARG002
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002
        allow_redirects: bool = False,  # noqa: ARG002
    ) -> Response:
        sent: Mapping[str, str] = headers or {}
        if auth is not None:
            sent = {**sent, "Authorization": aiohttp.encode_basic_auth(*auth)}
        body = urlencode(data or {}, doseq=True).encode()
        answer = await self._client.post(uri, headers=sent, body=body)
        if not 200 <= answer.status < 300:
            raise _Refused(answer)
        return Response(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)


def _status_callback(message: Message) -> str:
    """Where Twilio reports on the message. Our id rides along, since their reference may be lost with the answer."""
    return f"{settings.PUBLIC_URL}/webhooks/twilio/status/?notification_id={message.id}"


def _outcome(answer: Answer) -> Outcome:
    body = _read(answer.body)
    code = body.get("code")
    code = code if isinstance(code, int) else None
    row = twilio_codes.of(code, status=answer.status)
    text = redact(str(body.get("message") or body.get("detail") or ""))
    return taxonomy.outcome(
        row, code=str(code or answer.status), error=text, retry_after=retry_after(answer.headers)
    )


def _read(body: bytes) -> Mapping[str, Any]:
    """A gateway's answer may be HTML."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
