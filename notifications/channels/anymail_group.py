"""The same e-mail to many: in, Messages that share a skeleton; out, an Outcome each, by one request of Anymail's SendGrid.

A personalization a reader, with substitutions, headers and custom_args of its own, so that nobody sees anybody else.
Anymail's merge_data says the same, at four times the cost a reader.
"""

import asyncio
import re
import time
import uuid
from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

from django.conf import settings

from notifications.channels import mail
from notifications.channels.anymail_http import AnymailHttp, Reply
from notifications.conf import conf
from notifications.errors import Outcome, Permanent, Sent, Transient
from notifications.message import Message, Personalised

# https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations: personalizations a request, and bytes of
# substitutions a personalization.
MOST, ROOM = 1000, 10_000
# Calls at a time for those of a refused group that go alone.
WIDTH = 4
_NAMED = re.compile(r"personalizations\.(\d+)\b")


async def send_group(carrier: AnymailHttp, messages: Sequence[Message]) -> list[Outcome]:
    """One request for all. Refused, it was accepted for nobody: whom the refusal names goes alone, and the others
    together once more; if it names nobody, or others then, each goes alone and has its own answer."""
    outcomes, named = await _together(carrier, messages)
    if outcomes is not None:
        return outcomes
    alone = named if 0 < len(named) < len(messages) else set(range(len(messages)))
    rest = [i for i in range(len(messages)) if i not in alone]
    found: dict[int, Outcome] = {}
    if rest:
        again, _ = await _together(carrier, [messages[i] for i in rest])
        if again is None:
            alone.update(rest)
        else:
            found = dict(zip(rest, again, strict=True))
    found |= await _singly(carrier, messages, sorted(alone))
    return [found[i] for i in range(len(messages))]


async def _together(
    carrier: AnymailHttp, messages: Sequence[Message]
) -> tuple[list[Outcome] | None, set[int]]:
    """The outcomes; or None for a request refused as it stands, and the places that the refusal names."""
    reply = await carrier.post(partial(payload_of, carrier.backend, messages))
    if reply.outcome is None:
        return [
            Sent(one["custom_args"]["anymail_id"]) for one in reply.payload.data["personalizations"]
        ], set()
    if isinstance(reply.outcome, Permanent):
        return None, _places(reply, len(messages))
    return [reply.outcome] * len(messages), set()


async def _singly(
    carrier: AnymailHttp, messages: Sequence[Message], places: Sequence[int]
) -> dict[int, Outcome]:
    """A request each. Their lease was renewed before the first of them: who is not sent by half of it waits."""
    found: dict[int, Outcome] = {}
    waiting = iter(places)
    end = time.monotonic() + conf().lease.total_seconds() / 2

    async def serve() -> None:
        for place in waiting:
            if time.monotonic() < end:
                found[place] = await carrier.send(messages[place])
            else:
                found[place] = Transient(
                    "group_refused", "Sent together it was refused, and alone there was no time."
                )

    await asyncio.gather(*(serve() for _ in range(WIDTH)))
    return found


def payload_of(backend: Any, messages: Sequence[Message]) -> Any:
    """Anymail's payload for what all have in common, with the personalizations filled in."""
    shared = messages[0].rendered
    assert isinstance(shared, Personalised)
    skeleton = shared.skeleton
    parts = skeleton.parts
    payload = backend.build_message_payload(
        SimpleNamespace(
            subject=parts["subject"],
            body=parts["text"],
            content_subtype="plain",
            alternatives=[(parts["html"], "text/html")] if parts.get("html") else [],
            **mail.shared_options(sandbox=messages[0].sandbox),
        ),
        backend.send_defaults,
    )
    payload.set_from_email(mail.sender(settings.EMAIL_FROM))
    # An id that webhooks repeat, as Anymail gives a message alone; here it also says who went together.
    payload.generate_message_id = False
    request = uuid.uuid4()
    payload.data["personalizations"] = [
        _personalization(payload, message, f"{request}-{place}") for place, message in enumerate(messages)
    ]
    return payload


def _personalization(payload: Any, message: Message, reference: str) -> dict[str, Any]:
    own = message.rendered
    assert isinstance(own, Personalised)
    return {
        "to": [mail.recipient_of(payload, message)],
        "headers": mail.headers(message),
        "custom_args": {"notification_id": str(message.id), "anymail_id": reference},
        "substitutions": dict(zip(own.skeleton.keys, own.values, strict=True)),
    }


def _places(reply: Reply, count: int) -> set[int]:
    """Which personalizations SendGrid's error body names."""
    try:
        errors = reply.response.json()["errors"] if reply.response is not None else []
        found = {int(named[1]) for error in errors if (named := _NAMED.match(error.get("field") or ""))}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()
    return {place for place in found if place < count}
