"""The two pages behind the links in our messages: in, a token; out, consent withdrawn or changed, and a page that says so."""

import datetime as dt

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from consent import switches, wording
from consent.addresses import AddressError, blind_index
from consent.directory import Contact, directory
from consent.models import Source, Suppression, UnsubscribeToken
from consent.policy import can_leave
from consent.preferences import Change, current, record_many, revoke
from consent.public_page import evidence_of, form_of, page, public_page, with_headers
from consent.suppress import suppress
from consent.tokens import mark_used


@public_page
def unsubscribe(request: HttpRequest, link: UnsubscribeToken, now: dt.datetime) -> HttpResponse:
    """`/u/<token>`. GET never acts (mail programs and scanners fetch it); POST withdraws the consent, however often.

    A mail program's POST (RFC 8058: `List-Unsubscribe=One-Click`, never redirected) gets one line of text, the
    button's POST gets a page. Any other body counts as a mail program's: who holds the URL and posts means it.
    """
    if not can_leave(channel=link.channel, category=link.category):
        return _page_of(request, link, "mandatory", status=400 if request.method == "POST" else 200)
    state = current(link.customer_id).get((link.channel, link.category))
    if request.method != "POST":
        return _page_of(request, link, "question" if state is None or state.enabled else "left")
    by_button = form_of(request).get("from") == "page"
    question = wording.leaving_question(channel=link.channel, category=link.category)
    with transaction.atomic():
        revoke(
            customer_id=link.customer_id,
            channel=link.channel,
            category=link.category,
            source=Source.ONE_CLICK,
            actor="customer",
            at=now,
            wording=question if by_button else "",
            evidence=evidence_of(request, link),
        )
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
        form = form_of(request)
        outcome = _disown(link) if form.get("action") == "not_me" else _save(request, link, now)
        mark_used(link, now=now)
    context = {
        "intro": wording.preferences_intro(),
        "panels": switches.panels(current(link.customer_id)),
        "seen_at": now.isoformat(),
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
    form = form_of(request)
    asked = switches.moves({name: str(form[name]) for name in form}, current(link.customer_id))
    record_many(
        Change(
            customer_id=link.customer_id,
            channel=switch.channel,
            category=switch.category,
            enabled=switch.is_on,
            source=Source.PREFERENCE_PAGE,
            actor="customer",
            at=now,
            wording=wording.switch_wording(channel=switch.channel, category=switch.category),
            evidence=evidence_of(request, link),
        )
        for switch in asked.moved
    )
    return {"saved": True, "moved": asked.moved, "overtaken": asked.overtaken}


def _disown(link: UnsubscribeToken) -> dict[str, object]:
    """Suppress the address the message went to: the address, not the customer, who may have another by now."""
    customer = directory().customers([link.customer_id]).get(link.customer_id)
    address = _address(customer, link.channel)
    try:
        if address and link.address_hmac in ("", blind_index(link.channel, address)):
            suppress(
                channel=link.channel,
                address=address,
                reason=Suppression.Reason.OPTED_OUT,
                note="«This isn't me», on the preference page",
            )
    except AddressError:
        pass  # What is no address is never written to: disowned already.
    return {"disowned": True}


def _address(customer: Contact | None, channel: str) -> str:
    if customer is None:
        return ""
    return {"email": customer.email, "sms": customer.phone}.get(channel, "")
