"""Is a request right? In: a NotifyRequest and its template; out: nothing, or an EnqueueError that names what is wrong.

Every check that needs no recipient is here; `channels_of` needs one, to turn «preferred» into a channel.
"""

import datetime as dt
import difflib
import json
from collections.abc import Sequence

from consent.models import Category, Channel
from notifications.errors import EnqueueError
from notifications.message import Address, NotifyRequest
from notifications.models import Priority
from notifications.reach import Reach
from notifications.sealed_payload import MARK
from templates_app.lookup import Published, check_payload
from templates_app.models import NotificationTemplate

PREFERRED = "preferred"
# Django makes these lists anew each time they are asked for.
CHANNELS, CATEGORIES, PRIORITIES = Channel.values, Category.values, Priority.values
MAX_JSON = 64 * 1024
MAX_KEY = 500
# What the pipeline itself keeps in metadata (docs/data-model.md).
RESERVED = frozenset(
    {
        "body", "decision", "erased", "held", "history", "origin", "outcome_unknown", "parts", "provider_reference",
        "push_accepted", "released", "sandbox", "sent_at", "sent_decision", "withheld",
    }
)  # fmt: skip


def validate(request: NotifyRequest, template: Published | None, *, now: dt.datetime) -> None:
    """Raise EnqueueError for the first thing wrong with the request."""
    _template(request, template)
    _channel_names(request, template)
    _category(request)
    _moments(request, now)
    _json(request.payload, "payload")
    _json(request.metadata, "metadata")
    if reserved := RESERVED & set(request.metadata):
        raise EnqueueError(
            "reserved", "metadata", f"metadata may not hold {', '.join(sorted(reserved))}: we write these."
        )
    if request.priority is not None and request.priority not in PRIORITIES:
        raise EnqueueError(
            "bad_priority", "priority", "Priority is 0 (urgent), 1 (high), 2 (normal) or 3 (low)."
        )
    key = request.idempotency_key
    if key is not None and not 0 < len(key) <= MAX_KEY:
        raise EnqueueError("bad_key", "idempotency_key", f"An idempotency key has 1 to {MAX_KEY} characters.")
    if key is not None and "@" in key:
        raise EnqueueError(
            "bad_key", "idempotency_key", "An idempotency key must not hold an address: use an id."
        )
    if template is not None:
        problems = check_payload(template, request.payload)
        if problems:
            text = " ".join(problem.message for problem in problems)
            raise EnqueueError(
                f"{problems[0].code}_placeholder", "payload", f"Template “{template.name}”: {text}"
            )


def channels_of(request: NotifyRequest, template: Published | None, reach: Reach) -> list[str]:
    """The channels of this request for this person, «preferred» resolved, each once, in order.

    Preferred is the person's choice if the template has it and an address is known, else the first of e-mail, SMS and
    push that is possible; if none is, the choice stands and the gate withholds it with the reason.
    """
    if isinstance(request.to, Address):
        return ["email" if reach.addresses.get("email") else "sms"]
    named: Sequence[str] = [PREFERRED] if request.channel is None else _listed(request.channel)
    offered = template.channels if template else frozenset(CHANNELS)
    chosen = [_preferred(reach, offered) if name == PREFERRED else name for name in named]
    return list(dict.fromkeys(chosen))


def _preferred(reach: Reach, offered: frozenset[str]) -> str:
    wish = reach.contact.preferred_channel
    ranked = [channel for channel in (wish, "email", "sms", "push") if channel in offered]
    return next((c for c in ranked if reach.reachable(c)), ranked[0] if ranked else Channel.INAPP.value)


def _listed(channel: str | Sequence[str]) -> list[str]:
    return [channel] if isinstance(channel, str) else list(channel)


def _template(request: NotifyRequest, template: Published | None) -> None:
    if request.template and template is None:
        names = NotificationTemplate.objects.filter(published_version__isnull=False).values_list(
            "name", flat=True
        )
        near = difflib.get_close_matches(request.template, names, n=1)
        hint = f" Did you mean “{near[0]}”?" if near else " Publish it, or run `manage.py load_templates`."
        raise EnqueueError(
            "unknown_template", "template", f"There is no published template “{request.template}”.{hint}"
        )
    if template is None and not ((request.body or request.parts) and request.category and request.channel):
        raise EnqueueError(
            "missing_text",
            "template",
            "Name a template, or pass body, category and channel (and subject for e-mail).",
        )


def _channel_names(request: NotifyRequest, template: Published | None) -> None:
    if request.channel is None:
        return
    named = _listed(request.channel)
    if not named:
        raise EnqueueError("bad_channel", "channel", "The list of channels is empty: name one, or pass None.")
    for name in named:
        if name != PREFERRED and name not in CHANNELS:
            raise EnqueueError(
                "unknown_channel",
                "channel",
                f"There is no channel “{name}”: use {', '.join(CHANNELS)} or preferred.",
            )
        if template is not None and name != PREFERRED and name not in template.channels:
            have = ", ".join(sorted(template.channels))
            raise EnqueueError(
                "unknown_channel",
                "channel",
                f"Template “{template.name}” has no text for “{name}”; it has {have}.",
            )


def _category(request: NotifyRequest) -> None:
    if request.category is not None and request.category not in CATEGORIES:
        raise EnqueueError(
            "unknown_category",
            "category",
            f"There is no category “{request.category}”: use {', '.join(CATEGORIES)}.",
        )


def _moments(request: NotifyRequest, now: dt.datetime) -> None:
    for name in ("scheduled_at", "expires_at"):
        moment = getattr(request, name)
        if moment is not None and (not isinstance(moment, dt.datetime) or moment.tzinfo is None):
            raise EnqueueError("bad_moment", name, f"{name} must be a datetime with a time zone.")
    due = max(request.scheduled_at or now, now)
    if request.expires_at is not None and request.expires_at <= due:
        raise EnqueueError(
            "expired",
            "expires_at",
            f"expires_at {request.expires_at.isoformat()} is not after {due.isoformat()}, when it is due.",
        )


def _json(value: object, field: str) -> None:
    if value == {}:
        return
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EnqueueError(
            "bad_json", field, f"{field} must be JSON (text, numbers, lists, objects): {error}."
        ) from None
    if not isinstance(value, dict):
        raise EnqueueError("bad_json", field, f"{field} must be an object of names and values.")
    if len(text) > MAX_JSON:
        raise EnqueueError("too_large", field, f"{field} has {len(text)} bytes; the limit is {MAX_JSON}.")
    if MARK in text:
        raise EnqueueError("reserved", field, f"{field} may not hold the name {MARK}: we write it.")
    if "\\u0000" in text:
        raise EnqueueError(
            "bad_json", field, f"{field} holds a NUL character, which PostgreSQL cannot store."
        )
