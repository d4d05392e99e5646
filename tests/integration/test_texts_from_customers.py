"""Texts from customers through the signed door: keywords act once, are answered once or not at all, and leave no number behind."""

import datetime as dt
import html
import re
import threading
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import close_old_connections, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from consent.addresses import blind_index
from consent.models import ConsentEvent, Source, Suppression
from consent.preferences import current, grant, revoke
from consent.suppress import suppress
from consent.text_answers import ANSWERS, contact
from consent.understand import LONGEST
from notifications.models import InboundText, ProviderEvent
from notifications.open_texts import open_texts
from rentals.models import Customer
from templates_app.segments import segments
from tests.factories import CustomerFactory
from tests.operators import operator, seen, told
from tests.plan_reader import explained
from tests.webhooks import twilio_post

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]
INBOUND = "/webhooks/twilio/inbound/"
NUMBER = "+15065550142"
TEXTS = "/admin/notifications/inboundtext/"
VIEW, READ = "notifications.view_inboundtext", "notifications.read_inboundtext"


@pytest.fixture
def bare() -> Client:
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


@pytest.fixture
def ours(settings: Any) -> None:
    """An account whose keywords are all ours to answer."""
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "TWILIO_ANSWERS_KEYWORDS": False}


_sids = iter(range(1, 10_000))


def text(client: Client, body: str, *, sid: str = "", sender: str = NUMBER, **fields: str) -> str:
    """What we answer to a text; empty for silence."""
    form = {"MessageSid": sid or f"SM{next(_sids):032x}", "From": sender, "To": "+15005550006", "Body": body}
    response = twilio_post(client, INBOUND, form | fields)
    assert response.status_code == 200, response.content
    assert response["Content-Type"].startswith("text/xml")
    told = response.content.decode()
    found = re.fullmatch(
        r'<\?xml version="1.0" encoding="UTF-8"\?><Response>(?:<Message>(.+)</Message>)?</Response>', told
    )
    assert found, told
    return html.unescape(found[1] or "")


def customer(**parts: Any) -> Customer:
    known: Customer = CustomerFactory.create(phone=NUMBER, **parts)
    return known


def agree(known: Customer, category: str = "marketing") -> None:
    grant(
        customer_id=str(known.pk),
        channel="sms",
        category=category,
        source="web_form",
        actor="customer",
        at=timezone.now(),
    )


def states(known: Customer) -> dict[str, bool]:
    found = current(str(known.pk))
    return {category: state.enabled for (channel, category), state in found.items() if channel == "sms"}


def suppressed() -> list[tuple[str, str]]:
    index = blind_index("sms", NUMBER)
    rows = Suppression.objects.filter(address_hmac=index, channel="sms", lifted_at__isnull=True)
    return list(rows.values_list("reason", "scope"))


# ── STOP ────────────────────────────────────────────────────────────────────────────────────────────────
def test_stop_withdraws_every_optional_category_of_sms_and_nothing_else(bare: Client, ours: None) -> None:
    known = customer()
    agree(known)
    grant(
        customer_id=str(known.pk),
        channel="email",
        category="marketing",
        source="web_form",
        actor="customer",
        at=timezone.now(),
    )
    text(bare, "Stop.", sid="SM1")
    assert states(known) == {"marketing": False, "reminder": False}
    assert current(str(known.pk))["email", "marketing"].enabled
    events = ConsentEvent.objects.filter(source=Source.SMS_KEYWORD)
    assert {(e.action, e.actor, e.evidence["keyword"], e.evidence["message_sid"]) for e in events} == {
        ("revoked", "customer", "stop", "SM1")
    }
    assert suppressed() == [], "security and transactional messages go on"


def test_everybody_who_has_the_number_is_heard(bare: Client) -> None:
    one, two, other = customer(), customer(), CustomerFactory.create(phone="+15065550199")
    text(bare, "stop svp")
    assert states(one) == states(two) == {"marketing": False, "reminder": False}
    assert states(other) == {}


def test_one_confirmation_then_silence(bare: Client, ours: None) -> None:
    customer()
    assert "no more reminders and no offers" in text(bare, "STOP")
    assert text(bare, "STOP") == ""
    assert text(bare, "please stop texting me") == ""


def test_the_same_message_again_changes_nothing_and_is_answered_alike(bare: Client) -> None:
    known = customer()
    first = text(bare, "please stop texting me", sid="SM7")
    count = ConsentEvent.objects.count()
    assert first
    assert text(bare, "please stop texting me", sid="SM7") == first
    assert (ConsentEvent.objects.count(), ProviderEvent.objects.count()) == (count, 1)
    text(bare, "START")
    assert text(bare, "please stop texting me", sid="SM7") == first, "heard before the START"
    assert states(known)["reminder"]


@pytest.mark.parametrize(
    "body", ["STOP", "stopall", " Unsubscribe ", "CANCEL", "end", "QUIT", "revoke", "OptOut"]
)
def test_twilios_own_words_are_answered_by_twilio_and_nothing_gets_through_any_more(
    body: str, bare: Client
) -> None:
    known = customer()
    assert text(bare, body) == ""
    assert states(known) == {"marketing": False, "reminder": False}
    assert suppressed() == [("opted_out", "all")]


@pytest.mark.parametrize(
    "body", ["ARRÊT", "please stop", "stop.", "ne m'écrivez plus", "remove me from your list"]
)
def test_what_twilio_does_not_know_is_ours_to_answer(body: str, bare: Client) -> None:
    known = customer()
    assert text(bare, body)
    assert states(known) == {"marketing": False, "reminder": False}
    assert suppressed() == []


def test_with_advanced_opt_out_twilio_says_what_it_has_done(bare: Client) -> None:
    known = customer()
    assert text(bare, "Basta!", OptOutType="STOP") == ""
    assert states(known) == {"marketing": False, "reminder": False}
    assert suppressed() == [("opted_out", "all")]
    assert text(bare, "Avanti", OptOutType="START") == ""
    assert (states(known)["reminder"], suppressed()) == (True, [])
    assert text(bare, "Aiuto", OptOutType="HELP") == ""


def test_a_number_that_no_customer_has_is_stopped_itself(bare: Client) -> None:
    assert text(bare, "arrêtez svp").startswith("Fundy Equipment Rental : vous ne recevrez plus")
    assert suppressed() == [("opted_out", "optional")]
    assert text(bare, "arrêtez svp") == ""


@pytest.mark.parametrize(("locale", "begins"), [("fr", "Fundy Equipment Rental : vous"), ("en", "Fundy Equipment Rental: you"), ])  # fmt: skip
def test_the_answer_is_in_the_customers_language(locale: str, begins: str, bare: Client) -> None:
    customer(locale=locale)
    assert text(bare, "please stop texting me").startswith(begins)


def test_people_of_two_languages_at_one_number_are_answered_in_the_words_own(bare: Client) -> None:
    customer(locale="fr")
    customer(locale="en")
    assert text(bare, "arrêtez svp").startswith("Fundy Equipment Rental : vous")


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_answered(ours: None) -> None:
    customer()
    answers: list[str] = []

    def send(sid: str) -> None:
        try:
            answers.append(text(Client(), "STOP", sid=sid))
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(f"SM{number}",)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close_old_connections()
    assert sorted(map(bool, answers)) == [False, True]
    assert ProviderEvent.objects.count() == 2


# ── START ───────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("stop", ["STOP", "please stop texting me"])
def test_start_gives_back_what_stop_took_and_no_more(stop: str, bare: Client) -> None:
    known, never = customer(), customer()
    agree(known)
    text(bare, stop)
    answer = text(bare, "Start")
    assert states(known) == {"marketing": True, "reminder": True}
    assert states(never) == {"marketing": False, "reminder": True}
    assert suppressed() == []
    # After its own STOP Twilio confirms its own START; of the other it knew nothing.
    assert bool(answer) is (stop != "STOP")
    assert text(bare, "START") == ""


def test_start_does_not_undo_what_the_customer_switched_off_elsewhere(bare: Client) -> None:
    known = customer()
    agree(known)
    revoke(
        customer_id=str(known.pk),
        channel="sms",
        category="marketing",
        source="preference_page",
        actor="customer",
        at=timezone.now(),
    )
    text(bare, "STOP")
    text(bare, "UNSTOP")
    assert states(known) == {"marketing": False, "reminder": True}


def test_nor_does_a_stop_on_another_day_make_it_the_stops(bare: Client) -> None:
    known = customer()
    left: dict[str, Any] = {
        "customer_id": str(known.pk),
        "channel": "sms",
        "category": "reminder",
        "actor": "customer",
    }
    revoke(**left, source="preference_page", at=timezone.now() - dt.timedelta(days=3))
    text(bare, "STOP")
    assert ConsentEvent.objects.filter(category="reminder", source="sms_keyword").count() == 1
    text(bare, "UNSTOP")
    assert states(known) == {"marketing": False, "reminder": False}


def test_start_gives_back_what_was_lost_with_twilios_own_word_for_it(bare: Client) -> None:
    """The webhook of the STOP never came; the next message was refused with 21610."""
    known = customer()
    revoke(
        customer_id=str(known.pk),
        channel="sms",
        category="reminder",
        source="provider_event",
        actor="provider:twilio",
        at=timezone.now(),
    )
    suppress(channel="sms", address=NUMBER, reason="opted_out")
    text(bare, "START")
    assert states(known) == {"reminder": True}
    assert suppressed() == []


@pytest.mark.parametrize("body", ["YES", "oui", "start"])
def test_a_yes_of_somebody_who_never_left_is_no_agreement(body: str, bare: Client) -> None:
    known = customer()
    assert text(bare, body) == ""
    assert states(known) == {}
    assert not ConsentEvent.objects.exists()


def test_a_number_that_is_dead_stays_dead(bare: Client) -> None:
    suppress(channel="sms", address=NUMBER, reason="invalid")
    text(bare, "START")
    assert suppressed() == [("invalid", "all")]


# ── HELP and the rest ───────────────────────────────────────────────────────────────────────────────────
def test_help_says_who_we_are_where_a_person_helps_and_how_to_stop(bare: Client, settings: Any) -> None:
    customer(locale="fr")
    assert text(bare, "AIDE") == (
        "Fundy Equipment Rental : textos sur vos locations. Questions : hello@rental.example. "
        "Répondez ARRET pour ne plus recevoir de rappels ni d'offres."
    )
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "SUPPORT_CONTACT": "506-555-0100"}
    assert "506-555-0100" in text(bare, "aide")
    assert text(bare, "HELP") == "", "Twilio answers that one"
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize("body", ["don't stop", "See you at 5", "can I cancel my booking?", "👍", ""])
def test_everything_else_changes_nothing_and_is_kept_for_people(body: str, bare: Client) -> None:
    known = customer()
    assert text(bare, body) == ""
    assert states(known) == {}
    row = InboundText.objects.get()
    assert row.outcome in ("unclear", "other")
    if body:
        assert (row.opened().sender, row.opened().text) == (NUMBER, body)
    else:
        assert row.sealed_text == ""


def test_no_column_holds_the_number_or_the_words(bare: Client) -> None:
    customer()
    text(bare, "Please stop texting me, this is Joe Ribbit")
    stored = str(list(ProviderEvent.objects.values())) + str(list(ConsentEvent.objects.values("evidence")))
    stored += str(list(Suppression.objects.values()))
    assert "5550142" not in stored
    assert "Ribbit" not in stored
    assert ProviderEvent.objects.get().address_hmac == blind_index("sms", NUMBER)


@pytest.mark.parametrize("sender", ["12345", "FUNDY", "not a number", "+1"])
def test_a_sender_that_we_could_never_write_to_is_kept_and_left_alone(sender: str, bare: Client) -> None:
    assert text(bare, "arrêtez", sender=sender) == ""
    assert not Suppression.objects.exists()
    assert ProviderEvent.objects.get().address_hint == ""


@pytest.mark.parametrize(
    "form", [{"From": NUMBER}, {"MessageSid": "SM1"}, {"MessageSid": "S" * 201, "From": NUMBER}], ids=str
)
def test_a_post_without_a_message_is_refused(form: dict[str, str], bare: Client) -> None:
    assert twilio_post(bare, INBOUND, form | {"Body": "STOP"}).status_code == 400


@pytest.mark.parametrize("change", [{"signature": ""}, {"token": "another"}, {"sent": {"MessageSid": "SM1", "From": NUMBER, "Body": "STOP"}}], ids=str)  # fmt: skip
def test_what_twilio_did_not_sign_stops_nobody(change: dict[str, Any], bare: Client) -> None:
    known = customer()
    form = {"MessageSid": "SM1", "From": "+15065550143", "Body": "STOP"}
    assert twilio_post(bare, INBOUND, form, **change).status_code == 403
    assert states(known) == {}
    assert not ProviderEvent.objects.exists()


def test_a_text_is_read_as_far_as_a_text_message_goes(bare: Client) -> None:
    customer()
    text(bare, "x" * 5_000)
    assert len(InboundText.objects.get().opened().text) == LONGEST


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_every_answer_fits_one_text_message(locale: str) -> None:
    with translation.override(locale):
        for make in ANSWERS.values():
            told = segments(make() % {"company": "Fundy Equipment Rental", "contact": contact()})
            assert (told.count, told.encoding) == (1, "GSM-7"), make()


# ── The operators' page ─────────────────────────────────────────────────────────────────────────────────
def test_operators_see_what_each_text_was_taken_for(bare: Client) -> None:
    text(bare, "STOP")
    text(bare, "stop texting me at night")
    page = seen(operator(VIEW).get(TEXTS))
    assert "Stop" in page
    assert "by Twilio" in page
    assert "Unclear" in page
    assert "at night" not in page
    only = seen(operator(VIEW).get(f"{TEXTS}?outcome=unclear"))
    assert "by Twilio" not in only


def test_words_are_read_with_a_right_a_reason_and_an_entry(bare: Client) -> None:
    text(bare, "stop texting me at night")
    row = InboundText.objects.get()
    url = reverse("admin:notifications_inboundtext_change", args=[row.pk])
    assert "You may not read" in seen(operator(VIEW).get(url))
    assert operator(VIEW).post(url, {"reason": "unclear text"}).status_code == 403
    reader = operator(VIEW, READ)
    assert "at night" not in seen(reader.get(url))
    assert "at night" not in seen(reader.post(url, {"reason": ""}))
    assert not LogEntry.objects.exists()
    known = customer()
    page = seen(reader.post(url, {"reason": "unclear text"}))
    assert "stop texting me at night" in page
    assert NUMBER in page
    assert str(known.pk) in page
    entry = LogEntry.objects.get()
    assert entry.change_message == "read the text: unclear text"
    assert reader.get(f"{TEXTS}999999/change/").status_code == 404
    report = ProviderEvent.objects.create(provider="twilio", event_id="x", event_type="delivered", occurred_at=timezone.now())  # fmt: skip
    assert reader.get(f"{TEXTS}{report.pk}/change/").status_code == 404


# ── Done ────────────────────────────────────────────────────────────────────────────────────────────────

DONE = {"act": "done", "what": "answered", "reason": "Called her back"}


def unclear(bare: Client) -> tuple[InboundText, str]:
    text(bare, "stop texting me at night")
    row = InboundText.objects.get()
    return row, f"{TEXTS}{row.pk}/change/"


def test_an_unclear_text_is_open_until_somebody_says_what_came_of_it(bare: Client) -> None:
    text(bare, "STOP", sid="SM-keyword")
    assert open_texts() == 0
    InboundText.objects.all().delete()
    _row, page = unclear(bare)
    assert open_texts() == 1
    client = operator(VIEW, READ)
    assert told(client.post(page, DONE, follow=True)) == ["It is done."]
    assert open_texts() == 0
    again = client.post(page, {**DONE, "what": "nothing"}, follow=True)
    assert told(again) == ["Somebody has marked it before you: nothing was changed."]
    assert "Answered another way" in seen(again)
    assert "Mark it as done" not in seen(again)
    [entry] = LogEntry.objects.all()
    assert entry.change_message == "done (answered): Called her back"
    assert seen(client.get(TEXTS, {"done": "no"})).count("Unclear") < seen(client.get(TEXTS)).count("Unclear")


@pytest.mark.parametrize(
    "wrong", [{"what": ""}, {"what": "sold"}, {"reason": ""}, {"reason": "call +1 506 555 0123"}]
)
def test_a_decision_that_makes_no_sense_leaves_it_open(wrong: dict[str, str], bare: Client) -> None:
    _row, page = unclear(bare)
    answer = operator(VIEW, READ).post(page, {**DONE, **wrong}, follow=True)
    assert told(answer) == ["Say what you did, and why; no addresses, please."]
    assert open_texts() == 1


@pytest.mark.parametrize("permissions", [(), (VIEW,)])
def test_who_may_not_read_it_decides_nothing(permissions: tuple[str, ...], bare: Client) -> None:
    _row, page = unclear(bare)
    assert operator(*permissions).post(page, DONE).status_code == 403
    assert open_texts() == 1


def test_what_is_open_is_counted_from_its_own_index(bare: Client) -> None:
    unclear(bare)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO provider_events (provider, event_id, event_type, occurred_at, outcome, applied_at) "
            "SELECT 'sendgrid', 'e' || n, 'delivered', now(), 'noted', now() FROM generate_series(1, 20000) AS n"
        )
        cursor.execute("ANALYZE provider_events")
    with explained("provider_events") as plans:
        assert open_texts() == 1
    [plan] = plans
    assert plan.indexes == {"provider_events_open_texts"}, str(plan)
