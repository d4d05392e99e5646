"""Each message keeps what allowed or withheld it, at enqueue and at delivery, with the rows that this rests on."""

import datetime as dt
import json
import math
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent.models import ConsentEvent
from consent.preferences import grant, revoke
from consent.suppress import suppress
from notifications.enqueue import notify, notify_many
from notifications.errors import EnqueueError
from notifications.history import find
from notifications.message import NotifyRequest
from notifications.models import Notification
from notifications.move import move_ended
from notifications.replay import send_again
from notifications.retention import Retention
from notifications.why import GateAnswer, why
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory
from tests.integration.api_client import staff
from tests.messages import PICKUP, fresh, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
SAY: dict[str, Any] = {"source": "web_form", "actor": "customer"}


def said(act: Any, customer: Any, category: str = "reminder", channel: str = "email") -> ConsentEvent:
    event = act(
        customer_id=str(customer.pk), channel=channel, category=category, at=timezone.now(), wording="Remind me.",
        **SAY,
    )  # fmt: skip
    assert isinstance(event, ConsentEvent)
    return event


def told(row: Notification) -> list[tuple[str, str, str]]:
    return [(answer.stage, answer.answer, answer.rule) for answer in why(fresh(row))]


def last(row: Notification) -> GateAnswer:
    return why(fresh(row))[-1]


def offer(customer: Any) -> Notification:
    result = notify(
        to=str(customer.pk), channel="email", category="marketing", subject="Offers", body="Twenty percent."
    )
    return Notification.objects.get(pk=(result.queued or result.withheld)[0].id)


def test_a_sent_message_keeps_the_event_that_let_it_out_and_the_wording(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    event = said(grant, customer, "marketing")
    row = offer(customer)
    drain()
    assert fresh(row).status == "sent"
    assert told(row) == [
        ("enqueue", "allowed", "consent.granted"),
        ("delivery", "allowed", "consent.granted"),
    ]
    for answer in why(fresh(row)):
        assert answer.consent is not None
        assert (answer.consent.event_id, answer.consent.hash) == (event.pk, event.hash)
        assert (answer.consent.wording, answer.consent.wording_locale) == ("Remind me.", "en")


def test_it_goes_on_saying_what_it_was_sent_by_after_the_consent_is_gone(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    event = said(grant, customer, "marketing")
    row = offer(customer)
    drain()
    said(revoke, customer, "marketing")
    consent = last(row).consent
    assert consent is not None
    assert consent.event_id == event.pk


def test_what_was_presumed_at_enqueue_names_no_event_and_delivery_does(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    event = said(grant, customer)
    queued()  # the template in force is remembered from here: where another test's was, nothing is presumed
    row = queued(customer)
    assert last(row).consent is None
    drain()
    found = last(row)
    assert (found.stage, found.rule) == ("delivery", "consent.not_revoked")
    assert found.consent is not None
    assert found.consent.event_id == event.pk


def test_a_revocation_between_enqueue_and_delivery_is_the_answer(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    row = queued(customer)
    event = said(revoke, customer)
    drain()
    found = last(row)
    assert (found.stage, found.answer, found.rule) == ("delivery", "withheld", "consent.revoked")
    assert found.consent is not None
    assert (found.consent.event_id, found.consent.action) == (event.pk, "revoked")
    assert sandbox.messages() == []


@pytest.mark.parametrize("at_delivery", [False, True])
def test_a_suppressed_address_names_its_suppression(at_delivery: bool, sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    row = queued(customer) if at_delivery else None
    made = suppress(channel="email", address=customer.email, reason="complaint")
    row = row or queued(customer)
    drain()
    found = last(row)
    assert found.answer == "withheld"
    assert found.consent is None
    assert found.suppression is not None
    assert (found.suppression.suppression_id, found.suppression.reason) == (made.pk, "complaint")


def test_of_a_set_each_keeps_its_own_event() -> None:
    customers = CustomerFactory.create_batch(3)
    events = {str(customer.pk): said(revoke, customer) for customer in customers[:2]}
    result = notify_many(
        NotifyRequest("booking.pickup_today", to=str(customer.pk), channel="email", payload=PICKUP)
        for customer in customers
    )
    assert len(result.withheld) == 2
    for receipt in result.withheld:
        row = Notification.objects.get(pk=receipt.id)
        consent = last(row).consent
        assert consent is not None
        assert consent.event_id == events[row.to["customer_id"]].pk


def test_who_never_said_anything_has_no_event(sandbox: SandboxServer) -> None:
    row = offer(CustomerFactory.create())
    assert told(row) == [("enqueue", "withheld", "consent.missing")]
    assert last(row).consent is None


def test_an_in_app_message_keeps_its_decision_too() -> None:
    row = queued(channel="inapp")
    drain()
    assert told(row)[-1] == ("delivery", "allowed", "consent.not_needed")


def test_messages_that_go_out_together_keep_each_its_own(sandbox: SandboxServer, settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "BATCHED_CATEGORIES": frozenset({"reminder"})}
    customers = CustomerFactory.create_batch(3)
    events = {str(customer.pk): said(grant, customer) for customer in customers}
    rows = [queued(customer) for customer in customers]
    drain()
    for row in rows:
        consent = last(row).consent
        assert consent is not None
        assert consent.event_id == events[row.to["customer_id"]].pk


def test_the_decision_at_delivery_costs_no_statement_more(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    said(grant, customer)
    queued(customer)
    with CaptureQueriesContext(connection) as asked:
        drain()
    about = [
        query["sql"]
        for query in asked
        if "consent_events" in query["sql"] or query["sql"].lstrip().startswith("UPDATE notification_queue")
    ]
    # Marked as sent off, and settled; no statement asks the ledger.
    assert not [sql for sql in about if "consent_events" in sql]
    assert len([sql for sql in about if "sent_decision" in sql]) == 1


def test_admin_api_and_command_give_the_same_answer(
    sandbox: SandboxServer, capsys: pytest.CaptureFixture[str], admin_client: Client
) -> None:
    customer = CustomerFactory.create()
    event = said(revoke, customer)
    row = queued(customer)
    call_command("explain_notification", str(row.pk), json=True)
    by_command = json.loads(capsys.readouterr().out)["decisions"]
    answer = staff("notifications.view_notification").get(f"/api/admin/notifications/{row.pk}")
    by_api = answer.json()["data"]["decisions"]
    assert by_api[0]["consent"]["event_id"] == by_command[0]["consent"]["event_id"] == str(event.pk)
    assert by_api[0]["consent"]["wording"] == by_command[0]["consent"]["wording"] == "Remind me."
    page = admin_client.get(f"/admin/notifications/notification/{row.pk}/change/").content.decode()
    assert f"/admin/consent/consentevent/{event.pk}/change/" in page
    assert "Remind me." in page


def test_a_row_from_before_decisions_were_kept_is_told_all_the_same() -> None:
    row = queued()
    Notification.objects.filter(pk=row.pk).update(metadata={})
    assert why(fresh(row)) == []
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC).isoformat()
    old = {"decision": {"stage": "enqueue", "rule": "consent.granted", "reason": "Yes.", "at": moment}}
    Notification.objects.filter(pk=row.pk).update(metadata=old)
    assert told(row) == [("enqueue", "allowed", "consent.granted")]


def test_a_message_that_is_sent_again_starts_without_its_parents_answers(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    said(grant, customer)
    row = queued(customer)
    drain()
    [child] = send_again([row.pk], by="staff:7", reason="She asked.").done
    assert told(fresh(child)) == []
    said(revoke, customer)
    drain()
    assert told(fresh(child)) == [("delivery", "withheld", "consent.revoked")]


@pytest.mark.parametrize("name", ["decision", "sent_decision", "withheld"])
def test_a_caller_cannot_write_a_decision(name: str) -> None:
    with pytest.raises(EnqueueError, match=name):
        queued(metadata={name: {}})


def test_the_history_still_gives_the_answer(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create()
    event = said(grant, customer, "marketing")
    row = offer(customer)
    drain()
    move_ended(Retention(), now=timezone.now() + dt.timedelta(days=30), until=math.inf)
    assert not Notification.objects.filter(pk=row.pk).exists()
    kept = find(row.pk)
    assert kept is not None
    consent = why(kept)[-1].consent
    assert consent is not None
    assert (consent.event_id, consent.wording) == (event.pk, "Remind me.")
