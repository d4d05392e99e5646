"""A receipt says what stands, by which event, in whose words, and ends with the hash that proves it later."""

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from consent.models import ConsentEvent
from consent.preferences import grant, revoke
from consent.receipt import receipt
from tests.integration.test_consent_chain import triggers_off
from tests.operators import operator, seen

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
ODD = "c/1?&é"
PAGE = reverse("admin:consent_consentevent_customer")
VIEW = "consent.view_consentevent"


@pytest.fixture
def events(settings: Any) -> list[ConsentEvent]:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "COMPANY_NAME": "Fundy Rental"}
    key: dict[str, Any] = {"customer_id": ODD, "channel": "email"}
    grant(
        **key,
        category="marketing",
        source="web_form",
        actor="customer",
        at=NOW,
        wording="Send me <b>offers</b>.\nAny time.",
        locale="en",
    )
    revoke(**key, category="reminder", source="one_click", actor="customer", at=NOW + dt.timedelta(days=1))
    return list(ConsentEvent.objects.order_by("place"))


def printed(**options: Any) -> str:
    told = io.StringIO()
    call_command("consent_receipt", ODD, stdout=told, **options)
    return told.getvalue()


def test_the_receipt_says_what_stands_by_which_event_and_in_which_words(events: list[ConsentEvent]) -> None:
    found = receipt(ODD, at=NOW, locale="en")
    standing = {(one.category, one.channel): one for one in found.standing}
    assert len(standing) == 6
    agreed = standing["marketing", "email"]
    assert (agreed.is_on, agreed.kind) == (True, "Offers and news by e-mail")
    assert agreed.decided_by is not None
    assert (agreed.decided_by.id, agreed.decided_by.wording) == (
        events[0].pk,
        "Send me <b>offers</b>.\nAny time.",
    )
    assert not standing["reminder", "email"].is_on
    never = standing["reminder", "sms"]
    assert (never.is_on, never.decided_by) == (True, None)
    assert not standing["marketing", "sms"].is_on
    assert (found.length, found.head, found.fault) == (2, events[1].hash, "")


def test_it_is_printed_in_both_languages(events: list[ConsentEvent]) -> None:
    text = printed(locale="en")
    assert "Fundy Rental" in text
    assert "* Offers and news by e-mail: on\n  Decided by event 1, 2026-03-01 12:00:00 UTC" in text
    assert "They read (en):\n   | Send me <b>offers</b>.\n   | Any time.\n" in text
    assert f"Hash of the last event: {events[1].hash}" in text
    french = printed(locale="fr")
    assert (
        "* Offres et nouvelles par courriel : activé" in french
        or "* Offres et nouvelles par courriel: activé" in french
    )
    assert "Reçu de consentement" in french


def test_it_is_json_for_a_program(events: list[ConsentEvent]) -> None:
    answer = json.loads(printed(json=True))
    assert answer["head"] == events[1].hash
    assert [event["place"] for event in answer["events"]] == [1, 2]


def test_a_receipt_of_a_broken_chain_says_so(events: list[ConsentEvent]) -> None:
    with triggers_off() as cursor:
        cursor.execute("UPDATE consent_events SET actor = 'staff:1' WHERE place = 1")
    told = io.StringIO()
    with pytest.raises(CommandError, match="broken"):
        call_command("consent_receipt", ODD, stdout=told)
    assert f"Not as it was written: event {events[0].pk} at place 1 was altered" in told.getvalue()
    assert "Not as it was written" in seen(operator(VIEW).get(PAGE, {"id": ODD}))


def test_who_is_in_no_ledger_gets_none() -> None:
    with pytest.raises(CommandError, match="Nothing is on record for customer 'nobody'"):
        call_command("consent_receipt", "nobody")
    assert operator(VIEW).get(PAGE, {"id": "nobody"}).status_code == 404
    assert operator(VIEW).get(PAGE).status_code == 404


def test_the_admin_shows_it_and_hands_it_out(events: list[ConsentEvent]) -> None:
    client = operator(VIEW)
    page = client.get(PAGE, {"id": ODD})
    text = seen(page)
    assert "the customer agreed by this event" in text
    assert "Send me <b>offers</b>. Any time." in text
    assert "<b>offers</b>" not in page.content.decode()
    as_json = client.get(PAGE, {"id": ODD, "as": "json"})
    assert as_json.json()["head"] == events[1].hash
    assert as_json.headers["Content-Disposition"] == 'attachment; filename="consent-receipt.json"'
    as_text = client.get(PAGE, {"id": ODD, "as": "text"})
    assert events[1].hash in as_text.content.decode()
    event_page = client.get(reverse("admin:consent_consentevent_change", args=[events[0].pk]))
    assert "customer/?id=c%2F1%3F%26%C3%A9" in event_page.content.decode()


def test_it_takes_the_permission_to_see_the_ledger(events: list[ConsentEvent]) -> None:
    assert operator("consent.view_suppression").get(PAGE, {"id": ODD}).status_code == 403
    assert operator(VIEW).post(PAGE, {"id": ODD}).status_code in (404, 405)
