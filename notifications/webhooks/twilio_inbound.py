"""What customers text us: in, Twilio's webhook of a message; out, keywords obeyed, an event stored, and one answer or silence.

The same message again (Twilio repeats what it got no answer to) changes nothing and is answered alike: only the answer that Twilio
heard is sent. https://www.twilio.com/docs/messaging/guides/webhook-request
"""

import datetime as dt
import json
import logging
from xml.sax.saxutils import escape

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict

from consent.addresses import AddressError, normalise
from consent.by_text import Effect, Said, come_back, leave
from consent.sealed import seal
from consent.text_answers import answer_to
from consent.understand import LONGEST as LONGEST_TEXT
from consent.understand import Meaning, Understood, understand
from notifications.conf import conf
from notifications.models import ProviderEvent
from notifications.webhooks import twilio_keywords
from notifications.webhooks.door import Refused
from notifications.webhooks.report import LONGEST, hidden
from notifications.webhooks.twilio_form import twilio_webhook

logger = logging.getLogger(__name__)

NOTHING = Effect(is_news=False)


@twilio_webhook
def twilio_inbound(request: HttpRequest, form: QueryDict, now: dt.datetime) -> HttpResponse:  # noqa: ARG001
    """`/webhooks/twilio/inbound/`, the address that Twilio's console has for incoming messages."""
    sid, sender = form.get("MessageSid", ""), form.get("From", "")
    if not sid or len(sid) > LONGEST or not sender:
        raise Refused(400, "no_message", "MessageSid and From are needed.")
    with transaction.atomic():
        event, is_new = _event(sid, sender, now)
        if is_new:
            _obey(event, _number(sender), form, now)
    return _twiml(event.detail.get("answer", ""))


def _event(sid: str, sender: str, now: dt.datetime) -> tuple[ProviderEvent, bool]:
    """The row of this message, ours until the transaction ends; whoever posts it meanwhile waits for what it says."""
    address_hmac, address_hint = hidden("sms", sender)
    return ProviderEvent.objects.get_or_create(
        provider="twilio",
        event_id=sid,
        defaults={
            "event_type": ProviderEvent.Type.INBOUND,
            "occurred_at": now,
            "reference": sid,
            "address_hmac": address_hmac,
            "address_hint": address_hint,
        },
    )


def _obey(event: ProviderEvent, number: str, form: QueryDict, now: dt.datetime) -> None:
    body = form.get("Body", "")[:LONGEST_TEXT]
    said = twilio_keywords.meaning_of(form.get("OptOutType", "")) or understand(body)
    is_twilios = twilio_keywords.is_theirs(
        body, opt_out_type=form.get("OptOutType", ""), is_on=conf().twilio_answers_keywords
    )
    effect = (
        _act(number, said, Said(said.keyword, event.event_id, now), is_blocked=is_twilios)
        if number
        else NOTHING
    )
    event.detail = {
        "keyword": said.keyword,
        "news": effect.is_news,
        "answer": _answer(number, said, effect, is_twilios=is_twilios),
        "answered_by_twilio": is_twilios,
    }
    if body.strip() and not said.keyword:
        # What a person has to read, and whom it is from; who may is asked for a reason (admin/texts.py).
        event.detail["text"] = {"sealed": seal(json.dumps({"from": number or form["From"], "text": body}))}
    event.outcome, event.applied_at = said.meaning.value, now
    event.save(update_fields=["detail", "outcome", "applied_at"])
    logger.info("inbound.understood event=%s meaning=%s news=%s", event.pk, said.meaning, effect.is_news)


def _act(number: str, said: Understood, proof: Said, *, is_blocked: bool) -> Effect:
    match said.meaning:
        case Meaning.STOP:
            return leave(number, proof, is_blocked=is_blocked)
        case Meaning.START:
            return come_back(number, proof)
        case _:
            return NOTHING


def _answer(number: str, said: Understood, effect: Effect, *, is_twilios: bool) -> str:
    """One answer to what changed something, and to a call for help; none where Twilio gives its own."""
    if said.meaning is Meaning.START:
        # To who was never blocked at Twilio, their START says nothing.
        is_silent = not effect.is_news or (is_twilios and effect.was_blocked)
    elif said.meaning is Meaning.STOP:
        is_silent = not effect.is_news or is_twilios
    else:
        is_silent = said.meaning is not Meaning.HELP or is_twilios
    return "" if is_silent else answer_to(number, said)


def _number(sender: str) -> str:
    """Empty for what we could never write to, such as a short code."""
    try:
        return normalise("sms", sender)
    except AddressError:
        return ""


def _twiml(answer: str) -> HttpResponse:
    """The answer as Twilio's markup: an empty response is silence. https://www.twilio.com/docs/messaging/twiml"""
    message = f"<Message>{escape(answer)}</Message>" if answer else ""
    return HttpResponse(
        f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>',
        content_type="text/xml; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )
