"""Web push through pywebpush with VAPID: in, a Message and the recipient's browsers; out, one Outcome for all of them.

Sources: RFC 8030 (TTL, Topic, Urgency, status codes), RFC 8291 (encryption), RFC 8292 (VAPID). A browser that took the
message is remembered in `detail["accepted"]`, so that a retry for the others does not tell it twice.
"""

import base64
import datetime as dt
import json
import threading
import time
from typing import ClassVar

import requests
from django.conf import settings
from django.utils import timezone
from py_vapid import Vapid
from pywebpush import WebPushException, webpush

from notifications.channels.base import Channel
from notifications.channels.network import from_exception, retry_after
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient, Unknown
from notifications.masking import redact
from notifications.message import Message, PushTarget

GONE = frozenset({404, 410})
# RFC 8030 §5.2: how long the push service keeps it for a browser that is off.
DEFAULT_TTL = dt.timedelta(days=1)
# Seconds for all browsers of a person together: well below the lease, however many there are.
PATIENCE = 30
_URGENCY = {0: "high", 1: "high", 2: "normal", 3: "low"}


class PushChannel(Channel):
    name: ClassVar[str] = "push"
    provider = "webpush"

    def __init__(self) -> None:
        self._local = threading.local()
        self._key: Vapid | None = None

    def deliver_one(self, message: Message) -> Outcome:
        deadline = time.monotonic() + PATIENCE
        outcomes = {
            target.subscription_id: self._send(message, target)
            if time.monotonic() < deadline
            else Transient("deadline", "The other browsers took too long.")
            for target in message.push_targets
        }
        return combine(message, outcomes)

    def _send(self, message: Message, target: PushTarget) -> Outcome:
        try:
            response = webpush(
                {"endpoint": target.endpoint, "keys": {"p256dh": target.p256dh, "auth": target.auth}},
                data=_payload(message),
                vapid_private_key=self._vapid(),
                # A fresh dict each time: the library writes the audience into it.
                vapid_claims={"sub": settings.VAPID_SUBJECT},
                ttl=int(_ttl(message).total_seconds()),
                timeout=15,
                headers={
                    "Content-Type": "application/octet-stream",
                    "Urgency": _URGENCY[message.priority],
                    "Topic": _topic(message),
                },
                requests_session=self._session(),
            )
        except WebPushException as error:
            return _from_error(error)
        except OSError as error:  # requests' exceptions are OSErrors
            outcome = from_exception(error)
            if outcome is None:
                raise
            return outcome
        return Sent(reference=response.headers.get("Location", ""))

    def _vapid(self) -> Vapid:
        if self._key is None:
            self._key = Vapid.from_string(settings.VAPID_PRIVATE_KEY)
        return self._key

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False  # no proxy look-up for each request
            # The endpoint came from a browser: a redirect could lead anywhere, into our own network too.
            session.max_redirects = 0
        return session


def combine(message: Message, outcomes: dict[str, Outcome]) -> Outcome:
    """One outcome for all browsers: sent if any took it and none may be tried again; transient if one may.

    `detail` lists what the record step needs: browsers that took it, and endpoints that are gone.
    """
    gone = [t.endpoint for t in message.push_targets if _is_gone(outcomes[t.subscription_id])]
    accepted = sorted(key for key, outcome in outcomes.items() if isinstance(outcome, Sent))
    detail = {"accepted": accepted, "gone": gone}
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
    refused = next((outcome for outcome in results if isinstance(outcome, Permanent)), None)
    if refused is None or all(_is_gone(outcome) for outcome in results):
        return Permanent("gone", "No browser takes push messages any more.", detail=detail)
    return Permanent(refused.code, refused.error, detail=detail)


def _is_gone(outcome: Outcome) -> bool:
    return isinstance(outcome, Permanent) and outcome.code in {str(code) for code in GONE}


def _payload(message: Message) -> str:
    """What our service worker reads. `tag` makes a browser replace an earlier copy instead of showing two."""
    parts = message.rendered.parts
    return json.dumps(
        {
            "id": str(message.id),
            "tag": str(message.id),
            "title": parts["title"],
            "body": parts["body"],
            "url": parts.get("url", ""),
            "lang": message.rendered.locale,
        }
    )


def _topic(message: Message) -> str:
    """RFC 8030 §5.4: at most 32 url-safe characters; a second copy replaces the first while the browser is off."""
    return base64.urlsafe_b64encode(message.id.bytes).rstrip(b"=").decode()


def _ttl(message: Message) -> dt.timedelta:
    if message.expires_at is None:
        return DEFAULT_TTL
    return max(min(message.expires_at - timezone.now(), dt.timedelta(days=28)), dt.timedelta(0))


def _from_error(error: WebPushException) -> Outcome:
    status = error.status_code
    if status is None:
        return Permanent(code="webpush", error=redact(error.message))
    code, text = str(status), f"The push service answered {status}."
    if status in GONE:
        return Permanent(code=code, error=text)
    if status in (401, 403):
        return Misconfigured(code=code, error=text)
    if status == 429 or status >= 500:
        return Transient(code=code, error=text, retry_after=retry_after(error.response.headers))
    return Permanent(code=code, error=text)
