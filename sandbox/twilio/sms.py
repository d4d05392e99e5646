"""One text message as Twilio's Message resource. A message accepted by the sandbox comes in, Twilio's JSON of
it goes out."""

from dataclasses import dataclass
from email.utils import formatdate

from sandbox.store import Received
from sandbox.twilio.segments import Segments, split


@dataclass(frozen=True, slots=True)
class Sms:
    """A text message; `sender` is None where a messaging service picks the number."""

    account: str
    sender: str | None
    service: str | None
    to: str
    body: str
    status_callback: str | None
    is_inbound: bool = False
    is_answer: bool = False  # to an inbound message: Twilio's own, or the receiver's TwiML

    @property
    def channel(self) -> str:
        """The channel as the page filters it."""
        return "sms"

    @property
    def title(self) -> str:
        """A text message has no subject: its first line stands in."""
        return self.body.split("\n", 1)[0][:120]

    @property
    def text(self) -> str:
        """What to search."""
        return self.body

    @property
    def segments(self) -> Segments:
        """How the network would split it."""
        return split(self.body)

    def as_json(self) -> dict[str, object]:
        """Everything the page shows."""
        segments = self.segments
        return {
            "from": self.sender or self.service,
            "to": self.to,
            "body": self.body,
            "encoding": segments.encoding,
            "units": segments.units,
            "segments": segments.count,
            "status_callback": self.status_callback,
            "inbound": self.is_inbound,
            "answer": self.is_answer,
        }


def resource(message: Received, sms: Sms, *, error_code: int | None = None) -> dict[str, object]:
    """The Message resource: status is the last event reported, or the one with which Twilio accepts."""
    status = message.events[-1] if message.events else ("accepted" if sms.service else "queued")
    uri = f"/2010-04-01/Accounts/{sms.account}/Messages/{message.reference}"
    date = formatdate(message.received_at)
    return {
        "account_sid": sms.account,
        "api_version": "2010-04-01",
        "body": sms.body,
        "date_created": date,
        "date_sent": date if message.events else None,
        "date_updated": date,
        "direction": "inbound" if sms.is_inbound else "outbound-api",
        "error_code": error_code,
        "error_message": None,
        "from": sms.sender,
        "messaging_service_sid": sms.service,
        "num_media": "0",
        "num_segments": str(sms.segments.count if sms.sender else 0),
        "price": None,
        "price_unit": "USD",
        "sid": message.reference,
        "status": status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": sms.to,
        "uri": f"{uri}.json",
    }
