"""`POST /twilio/2010-04-01/Accounts/{Sid}/Messages.json`. A form with basic authentication comes in, Twilio's
answer goes out. The numbers of Twilio's test credentials mean here what they mean there; a number that texted
STOP is refused with 21610."""

import base64
import json
import re
from urllib.parse import parse_qs, parse_qsl, urlsplit

from sandbox import keys
from sandbox.server import Request, Response
from sandbox.store import Received, Store
from sandbox.twilio.errors import FAULTS, JSON, error
from sandbox.twilio.keywords import ANSWERS, meaning_of
from sandbox.twilio.sms import Sms, resource

BASE = "/twilio/2010-04-01/Accounts/"
RESOURCE = re.compile(r"(?P<account>AC[0-9a-f]{32})/Messages(?:/(?P<sid>SM[0-9a-f]{32}))?\.json")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
NORTH_AMERICAN = re.compile(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}")
SERVICE = re.compile(r"MG[0-9a-f]{32}")

# The magic numbers of Twilio's test credentials (docs, «Test credentials»).
SENDERS = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611, keys.TWILIO_FROM: 0}
RECIPIENTS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}


class Twilio:
    """The SMS provider."""

    name = "twilio"

    def __init__(self, *, seed: str, store: Store) -> None:
        self._store = store
        self.account = keys.twilio_account_sid(seed)
        credentials = f"{self.account}:{keys.twilio_auth_token(seed)}".encode()
        self._authorized = f"Basic {base64.b64encode(credentials).decode()}"
        self.opted_out: set[str] = set()

    def answer(self, request: Request, now: float) -> tuple[Response, list[Received]]:
        """What Twilio would answer, and what it accepted."""
        if request.headers.get("authorization") != self._authorized:
            return error(401, 20003), []
        found = RESOURCE.fullmatch(request.path.removeprefix(BASE))
        if found is None or found["account"] != self.account:
            return error(404, 20404, path=request.path.removeprefix("/twilio")), []
        if found["sid"]:
            return self._fetch(request, found["sid"]), []
        if request.method != "POST":
            return error(405, 20004), []
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        sms = Sms(
            account=self.account,
            sender=form.get("From") or None,
            service=form.get("MessagingServiceSid") or None,
            to=form.get("To", "").strip(),
            body=form.get("Body", ""),
            status_callback=form.get("StatusCallback") or None,
        )
        code = self._check(sms, has_media="MediaUrl" in form or "ContentSid" in form)
        if code:
            return error(
                400,
                code,
                to=sms.to,
                sender=sms.sender or sms.service or "",
                callback=sms.status_callback or "",
            ), []
        message = self.record(sms, len(request.body), now)
        return Response(201, json.dumps(resource(message, sms)).encode(), JSON), [message]

    def fault(self, status: int, retry_after: float | None, now: float) -> Response:  # noqa: ARG002
        """Twilio's answer of this status."""
        return self.refusal(status, FAULTS.get(status, 20500), retry_after)

    def refusal(self, status: int, code: int, retry_after: float | None) -> Response:
        """Twilio's answer of this status and error code."""
        answer = error(status, code)
        if retry_after is None:
            return answer
        return Response(answer.status, answer.body, (*answer.headers, ("Retry-After", f"{retry_after:g}")))

    def record(self, sms: Sms, size: int, now: float) -> Received:
        """Keep an accepted message."""
        query = parse_qs(urlsplit(sms.status_callback).query) if sms.status_callback else {}
        return self._store.record(
            provider=self.name,
            reference=f"SM{self._store.next_reference().hex()}",
            recipients=(sms.to,),
            notification_id=query.get("notification_id", [None])[0],
            content=sms,
            size=size,
            now=now,
            is_counted=not sms.is_inbound and not sms.is_answer,
        )

    def note_inbound(self, sender: str, body: str) -> tuple[str | None, str]:
        """Obey a keyword as Twilio's default opt-out handling does. Answers what it meant, and Twilio's own reply: none
        to who is out already, none to who was never out."""
        meaning, is_out = meaning_of(body), sender in self.opted_out
        if meaning == "STOP":
            self.opted_out.add(sender)
        if meaning == "START":
            self.opted_out.discard(sender)
        is_news = is_out if meaning == "START" else not is_out
        return meaning, ANSWERS[meaning] if meaning and is_news else ""

    def _check(self, sms: Sms, *, has_media: bool) -> int:
        """Twilio's error code, or 0 for a message that it would queue."""
        checks = (_check_presence(sms, has_media=has_media), _check_sender(sms), _check_recipient(sms))
        code = next((code for code in checks if code), 0)
        if not code and sms.to in self.opted_out:
            return 21610
        return code

    def _fetch(self, request: Request, sid: str) -> Response:
        message = self._store.find_reference(bytes.fromhex(sid[2:]))
        if message is None or not isinstance(message.content, Sms):
            return error(404, 20404, path=request.path.removeprefix("/twilio"))
        return Response(200, json.dumps(resource(message, message.content)).encode(), JSON)


def _check_presence(sms: Sms, *, has_media: bool) -> int:
    if not sms.to:
        return 21604
    if not sms.sender and not sms.service:
        return 21603
    if not sms.body and not has_media:
        return 21602
    if len(sms.body) > 1600:
        return 21617
    return 0 if sms.status_callback is None or _is_web_address(sms.status_callback) else 21609


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, a port beyond 65535
        return False


def _check_sender(sms: Sms) -> int:
    if sms.service:
        return 0 if SERVICE.fullmatch(sms.service) else 21701
    sender = sms.sender or ""
    if sender in SENDERS:
        return SENDERS[sender]
    return 21606 if E164.fullmatch(sender) else 21212


def _check_recipient(sms: Sms) -> int:
    if sms.to in RECIPIENTS:
        return RECIPIENTS[sms.to]
    if sms.to == sms.sender:
        return 21266
    if not E164.fullmatch(sms.to) or (sms.to.startswith("+1") and not NORTH_AMERICAN.fullmatch(sms.to)):
        return 21211
    return 0
