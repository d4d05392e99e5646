"""The two pages behind the links in our messages: in, a token; out, consent withdrawn or changed, and a page that says so."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from consent import switches, wording
from consent.by_text import answered_stop
from consent.directory import directory
from consent.double_opt_in import asks
from consent.leave_by_link import disown, has_left, leave
from consent.models import Source, UnsubscribeToken
from consent.policy import can_leave
from consent.preferences import Change, current, record_many
from consent.preferences import request as ask_the_owner
from consent.public_page import evidence_of, form_of, page, public_page, with_headers
from consent.tokens import mark_used


@public_page
def unsubscribe(request: HttpRequest, link: UnsubscribeToken, now: dt.datetime) -> HttpResponse:
    """`/u/<token>`. GET never acts (mail programs and scanners fetch it); POST withdraws the consent, however often.

    A mail program's POST (RFC 8058: `List-Unsubscribe=One-Click`, never redirected) gets one line of text, the
    button's POST gets a page. Any other body counts as a mail program's: who holds the URL and posts means it.
    """
    if not can_leave(channel=link.channel, category=link.category):
        return _page_of(request, link, "mandatory", status=400 if request.method == "POST" else 200)
    if request.method != "POST":
        return _page_of(request, link, "left" if has_left(link, now=now) else "question")
    by_button = form_of(request).get("from") == "page"
    question = wording.leaving_question(channel=link.channel, category=link.category)
    with transaction.atomic():
        leave(link, wording=question if by_button else "", evidence=evidence_of(request, link), now=now)
        mark_used(link, now=now)
    if by_button:
        return _page_of(request, link, "left")
    return with_headers(
        HttpResponse(_("You are unsubscribed.") + "\n", content_type="text/plain; charset=utf-8")
    )


@public_page
def preferences(request: HttpRequest, link: UnsubscribeToken, now: dt.datetime) -> HttpResponse:
    """`/preferences/<token>`. Every switch of the customer, and «this isn't me» for who got somebody else's message."""
    outcome: dict[str, object] = {}
    if request.method == "POST":
        is_stranger = form_of(request).get("action") == "not_me"
        outcome = _disown(link) if is_stranger else _save(request, link, now)
        mark_used(link, now=now)
    context = {
        "intro": wording.preferences_intro(),
        # Whoever is no customer has switched nothing on or off: they can only have their address left alone.
        "panels": switches.panels(current(link.customer_id)) if link.customer_id else [],
        "seen_at": now.isoformat(),
        # Where texts to the number are stopped, a switch that says «on» would promise too much.
        "texts_stopped": bool(link.customer_id) and answered_stop(link.customer_id),
        "our_number": settings.TWILIO_FROM,
        "can_disown": link.channel in ("email", "sms"),
        "link": link,
    }
    return page("consent/preferences.html", context | outcome)


def _page_of(request: HttpRequest, link: UnsubscribeToken, state: str, *, status: int = 200) -> HttpResponse:
    here = request.resolver_match
    context = {
        "state": state,
        "kind": wording.kind(channel=link.channel, category=link.category),
        "preferences_path": reverse("consent:preferences", kwargs=here.kwargs) if here else "",
    }
    return page("consent/unsubscribe.html", context, status=status)


def _save(request: HttpRequest, link: UnsubscribeToken, now: dt.datetime) -> dict[str, object]:
    if not link.customer_id:
        return {}
    form = form_of(request)
    wanted = switches.moves({name: str(form[name]) for name in form}, current(link.customer_id))
    asked = [switch for switch in wanted.moved if _is_unproven(switch, link)]
    moved = [switch for switch in wanted.moved if switch not in asked]
    if asked and link.customer_id not in directory().customers([link.customer_id]):
        asked = []  # a customer who is gone has no phone to ask
    with transaction.atomic():
        record_many(Change(enabled=switch.is_on, **_said(request, link, switch, now)) for switch in moved)
        for switch in asked:
            ask_the_owner(**_said(request, link, switch, now))
    return {"saved": True, "moved": moved, "asked": asked, "overtaken": wanted.overtaken}


def _is_unproven(switch: switches.Switch, link: UnsubscribeToken) -> bool:
    """Who holds the link of an e-mail has shown that the mailbox is theirs, and not the phone."""
    is_elsewhere = switch.is_on and switch.channel != link.channel
    return is_elsewhere and asks(channel=switch.channel, category=switch.category)


def _said(
    request: HttpRequest, link: UnsubscribeToken, switch: switches.Switch, now: dt.datetime
) -> dict[str, Any]:
    return {
        "customer_id": link.customer_id,
        "channel": switch.channel,
        "category": switch.category,
        "source": Source.PREFERENCE_PAGE,
        "actor": "customer",
        "at": now,
        "wording": wording.switch_wording(channel=switch.channel, category=switch.category),
        "evidence": evidence_of(request, link),
    }


def _disown(link: UnsubscribeToken) -> dict[str, object]:
    disown(link)
    return {"disowned": True}
