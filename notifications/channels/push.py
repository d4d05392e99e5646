"""Web push: in, a Message and the recipient's browsers; out, one Outcome for all of them, called at once.

pywebpush encrypts (RFC 8291); the request is ours, since its own follows redirects, and an endpoint came from a
browser: it is called only at a push service that we know (`push_hosts`), at a public address. One that took the message is remembered in `detail["accepted"]`: a retry for the others does not tell it twice.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from pywebpush import WebPusher, WebPushException

from notifications.channels import push_message, taxonomy, webpush_codes
from notifications.channels.base import Channel
from notifications.channels.network import Answer, Client, Lost, retry_after
from notifications.channels.public_addresses import PublicResolver
from notifications.channels.push_refusals import Refusals
from notifications.channels.vapid import VapidHeaders
from notifications.conf import conf
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient, Unknown
from notifications.masking import words_of
from notifications.message import Message, PushTarget
from notifications.push_hosts import EndpointError, checked

logger = logging.getLogger(__name__)

# Seconds for one request. A browser gets two at most (the second with less text): 30 s, well below the lease.
TIMEOUT = 15.0
# A person has more browsers than one; beyond this many connections the rest waits for a free one.
BROWSERS = 4


class PushChannel(Channel):
    name: ClassVar[str] = "push"
    provider = "webpush"

    def __init__(self) -> None:
        self._client: Client | None = None
        self._vapid: Callable[[str], str] = VapidHeaders()
        self._refusals = Refusals()

    async def deliver_one(self, message: Message) -> Outcome:
        answers = await asyncio.gather(
            *(self._send(message, target) for target in message.push_targets), return_exceptions=True
        )
        outcomes: dict[str, Outcome] = {}
        for target, answer in zip(message.push_targets, answers, strict=True):
            outcomes[target.subscription_id] = _settled(message, answer)
        return self._refusals.judge(message, combine(message, outcomes))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _send(self, message: Message, target: PushTarget) -> Outcome:
        try:
            answer = await self._post(message, target, push_message.payload(message))
            if answer.status == webpush_codes.TOO_LARGE:
                answer = await self._post(message, target, push_message.payload(message, short=True))
        except Lost as lost:
            return lost.outcome
        except EndpointError as error:
            return Permanent(code="endpoint_refused", error=str(error))
        except _UnusableError as error:
            return Permanent(code="keys", error=f"The browser's keys cannot be used: {words_of(error)}")
        if answer.status in webpush_codes.ACCEPTED:
            return Sent(reference=answer.headers.get("Location", ""))
        row = webpush_codes.of(answer.status)
        return taxonomy.outcome(row, code=str(answer.status), retry_after=retry_after(answer.headers))

    async def _post(self, message: Message, target: PushTarget, text: bytes) -> Answer:
        url = checked(target.endpoint)
        if self._client is None:
            width = conf().concurrency * BROWSERS
            self._client = Client(width=width, timeout=TIMEOUT, resolver=PublicResolver)
        headers = {**push_message.headers(message), "Authorization": self._vapid(origin(target.endpoint))}
        return await self._client.post(url, headers=headers, body=_encrypted(target, text))


def origin(endpoint: str) -> str:
    """The push service of a browser, as VAPID's audience names it."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def combine(message: Message, outcomes: Mapping[str, Outcome]) -> Outcome:
    """One outcome for all browsers: sent if any took it and none may be tried again; transient if one may.

    `detail` lists what the record step needs: browsers that took it, endpoints that are gone, and those that
    refused our key.
    """
    gone = [t.endpoint for t in message.push_targets if _is_gone(outcomes[t.subscription_id])]
    refused = [t.endpoint for t in message.push_targets if _is_refused(outcomes[t.subscription_id])]
    accepted = sorted(key for key, outcome in outcomes.items() if isinstance(outcome, Sent))
    detail = {"accepted": accepted, "gone": gone, "refused": refused}
    results = list(outcomes.values())
    if waiting := next((outcome for outcome in results if isinstance(outcome, Transient)), None):
        return Transient(waiting.code, waiting.error, waiting.retry_after, detail)
    if accepted or message.already_accepted:
        first = next((o.reference for o in results if isinstance(o, Sent)), "")
        return Sent(reference=first, detail=detail)
    # Where some browser took it, our key is right and the connection worked, so these two count only when none did.
    for outcome in results:
        if isinstance(outcome, Misconfigured | Unknown):
            return type(outcome)(outcome.code, outcome.error, detail=detail)
    permanent = next((outcome for outcome in results if isinstance(outcome, Permanent)), None)
    if permanent is None or all(_is_gone(outcome) for outcome in results):
        return Permanent("gone", "No browser takes push messages any more.", detail=detail)
    return Permanent(permanent.code, permanent.error, detail=detail)


def _settled(message: Message, answer: Outcome | BaseException) -> Outcome:
    """A bug at one browser leaves what the others answered."""
    if not isinstance(answer, BaseException):
        return answer
    if not isinstance(answer, Exception):
        raise answer
    logger.error("channel.bug channel=push id=%s", message.id, exc_info=answer)
    return Unknown(code=type(answer).__name__, error=words_of(answer))


def _is_gone(outcome: Outcome) -> bool:
    return isinstance(outcome, Permanent) and outcome.code in {str(code) for code in webpush_codes.GONE}


def _is_refused(outcome: Outcome) -> bool:
    return isinstance(outcome, Misconfigured) and outcome.code == str(webpush_codes.REFUSED)


class _UnusableError(ValueError):
    """Keys that are none; they came from a browser."""


def _encrypted(target: PushTarget, text: bytes) -> bytes:
    keys = {"p256dh": target.p256dh, "auth": target.auth}
    try:
        body: bytes = WebPusher({"endpoint": target.endpoint, "keys": keys}).encode(text)["body"]
    except (ValueError, IndexError, WebPushException) as error:
        raise _UnusableError(str(getattr(error, "message", error))) from error
    return body
