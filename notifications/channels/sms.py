"""SMS through the twilio library: in, a Message with a text and an E.164 number; out, what Twilio answered.

Error codes: https://www.twilio.com/docs/api/errors
"""

from collections.abc import Mapping
from typing import ClassVar

from django.conf import settings
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from notifications.channels.base import Channel
from notifications.channels.network import from_exception
from notifications.conf import conf
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient
from notifications.masking import redact
from notifications.message import Message

# The address is dead: (code, why). 21610 means the person answered STOP: their will, not a fault.
DEAD: Mapping[int, str] = {21211: "invalid", 21614: "landline", 21635: "landline", 21610: "opted_out"}
# Our account, key or sender: every message would fail.
OURS = frozenset({20003, 20404, 21212, 21606, 21608, 21659, 30002})
# Not now.
LATER = frozenset({20429, 20500, 30001})


class SmsChannel(Channel):
    name: ClassVar[str] = "sms"
    provider = "twilio"

    def __init__(self) -> None:
        # The library has no time-out of its own, and keeps ten connections, fewer than a drain has threads.
        http = TwilioHttpClient(timeout=15)
        for scheme in ("https://", "http://"):
            http.session.mount(scheme, HTTPAdapter(pool_maxsize=conf().concurrency))
        self._client = Client(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, http_client=http)
        self._client.api.base_url = settings.TWILIO_API_URL

    def deliver_one(self, message: Message) -> Outcome:
        try:
            sms = self._client.messages.create(
                to=message.address,
                from_=settings.TWILIO_FROM,
                body=message.rendered.parts["text"],
                status_callback=_status_callback(message),
            )
        except TwilioRestException as error:
            return _from_error(error)
        except TwilioException as error:
            return Misconfigured(code=type(error).__name__, error=redact(str(error)))
        except OSError as error:  # requests' exceptions are OSErrors
            outcome = from_exception(error)
            if outcome is None:
                raise
            return outcome
        return Sent(reference=sms.sid or "")


def _status_callback(message: Message) -> str:
    """Where Twilio reports on the message. Our id rides along, since their reference may be lost with the answer."""
    return f"{settings.PUBLIC_URL}/webhooks/twilio/status/?notification_id={message.id}"


def _from_error(error: TwilioRestException) -> Outcome:
    code, text = int(error.code or 0), redact(error.msg)
    label = str(code or error.status)
    if code in DEAD:
        return Permanent(code=label, error=text, address_dead=DEAD[code])
    if code in OURS or error.status in (401, 403):
        return Misconfigured(code=label, error=text)
    if code in LATER or error.status == 429 or error.status >= 500:
        return Transient(code=label, error=text)
    return Permanent(code=label, error=text)
