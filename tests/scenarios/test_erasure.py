"""A customer asks to be forgotten: nothing of theirs stays or goes out, what is gone is proved, and they stay unwritten to."""

import hashlib
import io
import json
import random
import stat
import threading
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test import RequestFactory
from django.utils import timezone
from django.utils.http import urlencode

from consent.addresses import DOTS, blind_index
from consent.models import ConsentEvent, Suppression, UnsubscribeToken
from consent.preferences import grant
from notifications.admin.audit import log_act
from notifications.admin.criteria import matching
from notifications.archive import copy
from notifications.bulk.choose import choose
from notifications.bulk.order import Wish, ask
from notifications.claim import claim
from notifications.conf import conf
from notifications.deliver import dispatch
from notifications.enqueue import notify
from notifications.errors import Sent, Transient
from notifications.message import Address, Delivery
from notifications.models import DataRequest, InboxItem, Notification, ProviderEvent, PushSubscription
from notifications.privacy.erase import NobodyError, erase
from notifications.privacy.receipts import ReasonError, fingerprint
from notifications.record import record
from notifications.replay import replay, send_again
from notifications.retention import Retention, ended
from notifications.story import story
from notifications.verdict import after_delivery
from notifications.webhooks.apply import apply_some
from notifications.worker import drain
from rentals.models import Booking, Customer
from sandbox.testing import SandboxServer
from tests.canaries import MARK, PREFIX, found_in
from tests.ended import finished
from tests.factories import BookingFactory, CustomerFactory
from tests.messages import PICKUP, browser, fresh, queued
from tests.notification_factories import ProviderEventFactory
from tests.operators import operator, operator_user, seen
from tests.roles import STRANGER, make_role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
EMAIL, PHONE = f"{MARK}@example.com", f"{PREFIX}0042"
PAGE = "/admin/notifications/datarequest/"
VIEW, MAY_EXPORT, MAY_ERASE = (
    f"notifications.{name}" for name in ("view_datarequest", "export_customer", "erase_customer")
)


@pytest.fixture
def customer(sandbox: SandboxServer) -> Customer:
    """Somebody with everything: a booking, messages in every state, an inbox, a browser, a link, consents."""
    made = CustomerFactory.create(
        first_name="Zqcanaryfirst",
        last_name="Zqcanarylast",
        email=EMAIL,
        phone=PHONE,
        company_name="Zqcanary Inc.",
    )
    BookingFactory.create(customer=made, delivery_address="1 Zqcanary Street")
    browser(made, sandbox.url)
    told: dict[str, Any] = {"source": "admin", "actor": "staff:1", "at": timezone.now() - timedelta(days=1)}
    said: dict[str, Any] = {"wording": "Send me offers.", "locale": "en"}
    grant(customer_id=str(made.pk), channel="email", category="marketing", **told, **said)
    payload = {**PICKUP, "equipment": "Zqcanarymachine"}
    for channel in ("email", "sms", "push", "inapp"):
        notify(
            "booking.pickup_today",
            to=made.pk,
            channel=channel,
            payload=payload,
            metadata={"note": "Zqcanarynote"},
        )
    notify(to=Address(EMAIL, "Zqcanaryname"), channel="email", category="transactional", subject="Zqcanarysubject", body="Zqcanarybody")  # fmt: skip
    drain()
    notify("booking.pickup_today", to=made.pk, channel="email", payload=payload)
    return made


def forget(customer: Customer, **options: Any) -> Any:
    return erase(str(customer.pk), by="command", reason="asked by letter", now=timezone.now(), **options)


def everything() -> str:
    """Every table as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        texts = []
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" AS t')
            texts.append(str(cursor.fetchone()[0]))
    return "\n".join(texts)


# ── What is gone, and what stays ────────────────────────────────────────────────────────────────────────
def test_nothing_of_a_person_is_left_in_any_table(customer: Customer, sandbox: SandboxServer) -> None:
    assert found_in(everything()), "it was there"
    # The business and sandbox know them by other tables too; all of it is searched.
    done = forget(customer)
    assert found_in(everything()) == []
    assert done.counts["messages stopped"] == 1
    assert done.counts["messages emptied"] == 6
    assert not InboxItem.objects.exists()
    assert not PushSubscription.objects.exists()
    assert not UnsubscribeToken.objects.exists()
    before = len(sandbox.messages())
    drain()
    assert len(sandbox.messages()) == before


def test_an_act_by_a_search_for_their_address_keeps_nothing_of_it(customer: Customer) -> None:
    """Neither the act nor its entry in the audit log, whether its messages were chosen by then or not."""
    index = blind_index("email", EMAIL)
    query = urlencode({"q": f"customer:{customer.pk} address:{index}", "channel__exact": "email"})
    request = RequestFactory().post("/")
    request.user = operator_user("*")
    acts = []
    for _ in range(2):
        wish = Wish("replay", by=f"staff:{request.user.pk}", reason="It was down.", query=query)
        act, _is_new = ask(wish, now=timezone.now())
        log_act(request, act, count=1001)
        acts.append(act)
    chosen, waiting = acts
    choose(chosen, matching)
    chosen.refresh_from_db()
    assert "address%3Ahidden" in chosen.query, "from then on its rows say which"
    assert chosen.query.endswith("channel__exact=email")
    assert "search: customer:" in LogEntry.objects.all()[0].change_message
    assert " an address, channel: E-mail" in LogEntry.objects.all()[0].change_message
    waiting.refresh_from_db()
    assert waiting.query == query, "it needs it"
    assert forget(customer).counts["searches of acts"] == 1
    waiting.refresh_from_db()
    assert "address%3Ahidden" in waiting.query
    with connection.cursor() as cursor:
        for table in ("bulk_acts", "django_admin_log"):
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" AS t')
            assert index not in cursor.fetchone()[0]
    assert not matching(waiting).filter(recipient_key__startswith="address:").exists()


def test_the_proof_remains(customer: Customer) -> None:
    events = list(ConsentEvent.objects.values_list("pk", "customer_id", "action"))
    sent = Notification.objects.filter(status="sent").count()
    done = forget(customer)
    assert list(ConsentEvent.objects.values_list("pk", "customer_id", "action")) == events
    assert Notification.objects.filter(status="sent").count() == sent, "that it was sent stays known"
    assert {
        (row.channel, row.scope, row.address_hint) for row in Suppression.objects.filter(reason="erasure")
    } == {
        ("email", "all", "•••"),
        ("sms", "all", "•••"),
    }
    receipt = DataRequest.objects.get()
    assert receipt == done.receipt
    assert (receipt.kind, receipt.customer_id, receipt.made_by, receipt.reason) == (
        "erasure",
        str(customer.pk),
        "command",
        "asked by letter",
    )
    assert receipt.counts == dict(done.counts)
    assert receipt.sha256 == fingerprint(receipt)
    receipt.counts = {}
    assert receipt.sha256 != fingerprint(receipt)


@pytest.mark.parametrize("change", ["UPDATE data_requests SET reason = 'x'", "DELETE FROM data_requests"])
def test_a_receipt_cannot_be_changed(customer: Customer, change: str) -> None:
    forget(customer)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


def test_the_story_says_why_nothing_came(customer: Customer) -> None:
    row = Notification.objects.get(status="queued")
    forget(customer)
    told = " ".join(event.text for event in story(fresh(row)))
    assert "Withheld when they were forgotten: The recipient asked to be forgotten. (rule erased)" in told
    assert "somebody who was erased" in told


def test_twice_erases_once(customer: Customer) -> None:
    first = forget(customer)
    second = forget(customer)
    assert not second.did_something
    assert second.receipt == first.receipt
    assert DataRequest.objects.count() == 1
    assert Suppression.objects.count() == 2


def test_a_dry_run_counts_and_changes_nothing(customer: Customer) -> None:
    before = everything()
    rehearsed = forget(customer, dry_run=True)
    assert everything() == before
    assert dict(rehearsed.counts) == dict(forget(customer).counts)


def test_others_keep_what_is_theirs(customer: Customer) -> None:
    other = CustomerFactory.create()
    row = queued(other)
    booking = BookingFactory.create(customer=other, delivery_address="2 Main Street")
    forget(customer)
    assert (fresh(row).status, fresh(row).payload) == ("queued", PICKUP)
    assert Booking.objects.get(pk=booking.pk).delivery_address == "2 Main Street"
    assert Customer.objects.get(pk=other.pk).email == other.email


# ── Afterwards ──────────────────────────────────────────────────────────────────────────────────────────
def test_an_erased_customer_who_is_imported_again_is_still_suppressed(
    customer: Customer, sandbox: SandboxServer
) -> None:
    forget(customer)
    before = len(sandbox.messages())
    again = CustomerFactory.create(first_name="Marie", email=EMAIL.upper(), phone=PHONE)
    for channel in ("email", "sms"):
        result = notify("booking.pickup_today", to=again.pk, channel=channel, payload=PICKUP)
        assert [receipt.rule for receipt in result.withheld] == ["suppressed.erasure"], channel
    result = notify(to=Address(EMAIL), channel="email", category="security", subject="s", body="b")
    assert result.withheld[0].rule == "suppressed.erasure"
    drain()
    assert len(sandbox.messages()) == before


def test_the_erased_id_itself_is_written_to_no_more(customer: Customer, sandbox: SandboxServer) -> None:
    forget(customer)
    for channel in ("email", "sms", "push"):
        result = notify("booking.pickup_today", to=customer.pk, channel=channel, payload=PICKUP)
        assert result.withheld
        assert not result.queued


def test_no_erased_message_comes_back_by_a_replay(customer: Customer, sandbox: SandboxServer) -> None:
    row = queued(customer)
    Notification.objects.filter(pk=row.pk).update(status="failed", error="500: x")
    sent = Notification.objects.filter(status="sent").first()
    assert sent
    forget(customer)
    before = len(sandbox.messages())
    replay([row.pk], by="command", reason="a mistake")
    send_again([sent.pk], by="command", reason="a mistake")
    drain()
    assert len(sandbox.messages()) == before
    assert fresh(row).metadata["withheld"]["rule"] == "erased"


# ── What is in flight ───────────────────────────────────────────────────────────────────────────────────
def test_a_message_that_a_worker_holds_and_has_not_sent_is_stopped(customer: Customer) -> None:
    held = claim(channel="email", limit=5, lease=timedelta(minutes=2))
    assert held
    done = forget(customer)
    assert done.counts["messages stopped"] == len(held)
    assert dispatch(held, lease=timedelta(minutes=2)) == set(), (
        "the worker finds its lease gone before the call"
    )
    assert {fresh(row.id).status for row in held} == {"cancelled"}


@pytest.mark.parametrize("later", [False, True])
def test_a_message_that_is_being_sent_is_emptied_and_its_outcome_written_down(
    customer: Customer, sandbox: SandboxServer, later: bool
) -> None:
    held = claim(channel="email", limit=5, lease=timedelta(minutes=2))
    dispatch(held, lease=timedelta(minutes=2))
    done = forget(customer)
    assert done.in_flight == len(held) == 1
    assert fresh(held[0].id).status == "processing"
    assert found_in(everything()) == []
    if not later:
        outcome: Any = Sent(reference="r")
    else:
        outcome = Transient("503", "later")
    now = timezone.now()
    verdict = after_delivery(
        held[0],
        outcome,
        policy=conf().retry_policy("reminder"),
        resends_unknown=True,
        now=now,
        rng=random.Random(1),
    )
    record([(held[0], verdict)], [Delivery(held[0], outcome, "sendgrid", now, now)])
    assert fresh(held[0].id).status == ("queued" if later else "sent")
    before = len(sandbox.messages())
    drain(now=now + timedelta(hours=2))
    assert len(sandbox.messages()) == before
    assert fresh(held[0].id).status == ("cancelled" if later else "sent")
    assert found_in(everything()) == []


@pytest.mark.django_db(transaction=True)
def test_a_message_enqueued_at_the_same_moment_is_not_sent_and_the_next_run_empties_it(
    customer: Customer, sandbox: SandboxServer
) -> None:
    """It was asked for before the erasure, and committed after it."""
    asked, erased = threading.Event(), threading.Event()

    def enqueue() -> None:
        try:
            with transaction.atomic():
                payload = {**PICKUP, "equipment": "Zqcanarylate"}
                notify("booking.pickup_today", to=customer.pk, channel="email", payload=payload)
                asked.set()
                erased.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=enqueue)
    thread.start()
    assert asked.wait(20)
    forget(customer)
    erased.set()
    thread.join()
    before = len(sandbox.messages())
    drain()
    assert len(sandbox.messages()) == before
    assert found_in(everything()) == ["Zqcanarylate"]
    assert forget(customer).did_something
    assert found_in(everything()) == []
    assert DataRequest.objects.count() == 2


@pytest.mark.parametrize("role", ["postroom_service", "postroom_admin"])
def test_each_of_our_roles_may_export_and_erase(role: str, customer: Customer) -> None:
    """The command runs as the service, the page as the admin."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        call_command("export_customer", str(customer.pk), stdout=io.StringIO())
        assert forget(customer).did_something
        cursor.execute("RESET ROLE")
    assert found_in(everything()) == []


@pytest.mark.parametrize("command", ["export_customer", "erase_customer"])
def test_a_login_that_sees_nothing_does_not_say_that_there_is_nothing(
    command: str, customer: Customer
) -> None:
    make_role(STRANGER)
    said = io.StringIO()
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {STRANGER}")
        cursor.execute(f"SET LOCAL ROLE {STRANGER}")
        with pytest.raises(CommandError, match=r"cannot get at .*notification_queue.*postroom_admin"):
            call_command(command, str(customer.pk), reason="asked by letter", stdout=said)
        cursor.execute("RESET ROLE")
    assert said.getvalue() == ""


def test_a_report_that_comes_after_the_erasure_leaves_no_mask_of_the_address(customer: Customer) -> None:
    sent = Notification.objects.filter(status="sent", channel="email").first()
    assert sent
    forget(customer)
    ProviderEvent.objects.create(
        provider="sendgrid",
        event_type="bounced",
        event_id="late",
        code="bounce",
        notification_id=sent.pk,
        occurred_at=timezone.now(),
        address_hmac=blind_index("email", EMAIL),
        address_hint="z•••@e•••.com",
        detail={"reason": "550 no such box"},
    )
    kept = ProviderEventFactory.create(address_hmac="a" * 64, address_hint="j•••@e•••.org", applied_at=None)
    assert apply_some(limit=10, now=timezone.now()) == (2, 0)
    late = ProviderEvent.objects.get(event_id="late")
    assert late.applied_at is not None
    assert (late.address_hint, late.detail) == ("", {})
    assert set(Suppression.objects.values_list("address_hint", flat=True)) == {DOTS}
    kept.refresh_from_db()
    assert kept.address_hint == "j•••@e•••.org"


# ── The command and the page ────────────────────────────────────────────────────────────────────────────
def test_the_command_says_what_went_and_shows_the_receipt(customer: Customer) -> None:
    out = io.StringIO()
    call_command(
        "erase_customer", str(customer.pk), reason="asked by letter", dry_run=True, json=True, stdout=out
    )
    assert json.loads(out.getvalue())["receipt"] is None
    assert not DataRequest.objects.exists()
    out = io.StringIO()
    call_command("erase_customer", str(customer.pk), reason="asked by letter", json=True, stdout=out)
    answer = json.loads(out.getvalue())
    assert answer["counts"]["customers"] == 1
    assert answer["receipt"]["sha256"] == DataRequest.objects.get().sha256
    out = io.StringIO()
    call_command("erase_customer", str(customer.pk), reason="again", stdout=out)
    assert "nothing left to erase" in out.getvalue()


@pytest.mark.parametrize("command", ["erase_customer", "export_customer"])
def test_an_unknown_customer_and_a_bad_reason_are_refused(command: str, customer: Customer) -> None:
    with pytest.raises(CommandError, match="There is no customer"):
        call_command(command, str(uuid.uuid4()), reason="a letter", stdout=io.StringIO())
    for reason in (" ", f"wrote from {EMAIL}"):
        with pytest.raises(CommandError):
            call_command(command, str(customer.pk), reason=reason, stdout=io.StringIO())
    assert not DataRequest.objects.exists()
    assert Customer.objects.get(pk=customer.pk).email == EMAIL
    with pytest.raises(NobodyError):
        erase("nobody", by="command", reason="x", now=timezone.now())
    with pytest.raises(ReasonError):
        erase(str(customer.pk), by="command", reason="", now=timezone.now())


def test_a_host_without_a_hook_is_only_ours(customer: Customer, settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "ERASE": ""}
    done = forget(customer)
    assert "customers" not in done.counts
    assert Customer.objects.get(pk=customer.pk).email == EMAIL


def test_a_hook_that_fails_undoes_everything(
    customer: Customer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the host is down")

    monkeypatch.setattr("rentals.erasure.forget", broken)
    before = everything()
    with pytest.raises(RuntimeError):
        forget(customer)
    assert everything() == before


def test_the_page_asks_shows_what_would_go_and_erases_once_confirmed(customer: Customer) -> None:
    client = operator(VIEW, MAY_ERASE)
    asked = {"customer": str(customer.pk), "reason": "asked by letter"}
    page = seen(client.post(f"{PAGE}person/", {**asked, "erase": "1"}))
    assert "This would go, for good" in page
    assert not DataRequest.objects.exists()
    answer = client.post(f"{PAGE}person/", {**asked, "confirmed": "1"}, follow=True)
    page = seen(answer)
    assert "Fits the receipt." in page
    assert str(customer.pk) in page
    entry = LogEntry.objects.get()
    assert entry.change_message == "erased a customer: asked by letter"
    assert found_in(everything()) == []
    assert found_in(page) == []
    page = seen(client.post(f"{PAGE}person/", {**asked, "confirmed": "1"}, follow=True))
    assert "There was nothing left to erase" in page


def test_each_is_a_right_of_its_own_and_a_post(customer: Customer) -> None:
    asked = {"customer": str(customer.pk), "reason": "asked by letter"}
    assert operator(VIEW).get(f"{PAGE}person/").status_code == 403
    assert operator(VIEW, MAY_EXPORT).post(f"{PAGE}person/", {**asked, "confirmed": "1"}).status_code == 403
    assert operator(VIEW, MAY_ERASE).post(f"{PAGE}person/", {**asked, "export": "1"}).status_code == 403
    assert (
        operator(VIEW, MAY_ERASE, csrf=True).post(f"{PAGE}person/", {**asked, "confirmed": "1"}).status_code
        == 403
    )
    client = operator(VIEW, MAY_ERASE, MAY_EXPORT)
    assert client.get(f"{PAGE}person/", {**asked, "confirmed": "1"}).status_code == 200
    for wrong in (
        {"reason": ""},
        {"reason": f"from {EMAIL}"},
        {"customer": str(uuid.uuid4())},
        {"customer": ""},
    ):
        assert client.post(f"{PAGE}person/", {**asked, **wrong, "confirmed": "1"}).status_code == 200
    assert not DataRequest.objects.exists()
    assert "Export or erase a customer" in seen(client.get(PAGE))
    assert "Export or erase a customer" not in seen(operator(VIEW).get(PAGE))


# ── Export ──────────────────────────────────────────────────────────────────────────────────────────────
def test_an_export_holds_all_that_we_hold(customer: Customer, tmp_path: Path) -> None:
    out, file = io.StringIO(), tmp_path / "export.json"
    call_command("export_customer", str(customer.pk), out=file, json=True, stdout=out)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    document = json.loads(file.read_text())
    assert document["contact"]["email"] == EMAIL
    texts = json.dumps([message["text"] for message in document["messages"]], ensure_ascii=False)
    assert len(document["messages"]) == 6
    assert "Zqcanarymachine" in texts
    assert "Zqcanarybody" in texts, "also what was written to their address"
    assert [attempt["outcome"] for attempt in document["messages"][0]["attempts"]] == ["sent"]
    assert document["inbox"][0]["message"]
    assert [row["action"] for row in document["ledger"]] == ["granted"]
    assert document["ledger"][0]["wording"] == {"locale": "en", "text": "Send me offers."}
    assert document["consents"][0]["enabled"] is True
    assert document["push_subscriptions"][0]["endpoint_origin"]
    assert "sealed" not in file.read_text()
    assert "token_sha256" not in file.read_text()
    assert document["unsubscribe_links"]
    receipt = DataRequest.objects.get()
    assert receipt.counts["messages"] == 6
    assert json.loads(out.getvalue())["sha256"] == receipt.sha256
    assert hashlib.sha256(file.read_bytes()).hexdigest() == receipt.sha256
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_customer", str(customer.pk), out=file, stdout=out)
    assert DataRequest.objects.count() == 1, "what was not written was not exported"


def test_an_export_to_the_screen_is_the_document(customer: Customer) -> None:
    out = io.StringIO()
    call_command("export_customer", str(customer.pk), stdout=out)
    assert json.loads(out.getvalue())["customer_id"] == str(customer.pk)


def test_an_export_after_the_erasure_holds_the_proof_alone(customer: Customer) -> None:
    forget(customer)
    out = io.StringIO()
    call_command("export_customer", str(customer.pk), stdout=out)
    assert found_in(out.getvalue()) == []
    assert [row["kind"] for row in json.loads(out.getvalue())["requests"]] == ["erasure"]


def test_the_page_exports_as_a_download_that_nobody_keeps(customer: Customer) -> None:
    client = operator(VIEW, MAY_EXPORT)
    asked = {"customer": str(customer.pk), "reason": "by mail", "export": "1"}
    answer: Any = client.post(f"{PAGE}person/", asked)
    document = json.loads(b"".join(answer.streaming_content))
    assert document["contact"]["email"] == EMAIL
    assert "no-store" in answer["Cache-Control"]
    assert "attachment" in answer["Content-Disposition"]
    assert DataRequest.objects.get().made_by.startswith("staff:")


def test_reports_on_messages_that_have_left_the_queue_are_emptied_too_and_exported_before(
    customer: Customer,
) -> None:
    row = finished("sent", 8, to={"customer_id": str(customer.pk)}, recipient_key=f"customer:{customer.pk}")
    report: dict[str, Any] = {"provider": "sendgrid", "event_type": "bounced", "occurred_at": timezone.now()}
    ProviderEvent.objects.create(
        event_id="1", notification_id=row.pk, address_hint="z•••@e•••.com", detail={"reason": MARK}, **report
    )
    of_another = ProviderEvent.objects.create(
        event_id="2", notification_id=uuid.uuid4(), address_hint="j•••@e•••.org", **report
    )
    copy(ended("sent", Retention(), now=timezone.now(), limit=5))
    Notification.objects.filter(pk=row.pk).delete()
    out = io.StringIO()
    call_command("export_customer", str(customer.pk), stdout=out)
    (past,) = json.loads(out.getvalue())["past_messages"]
    assert [told["event_type"] for told in past["reports"]] == ["bounced"]
    assert forget(customer).counts["provider reports emptied"] == 1
    assert found_in(everything()) == []
    emptied = ProviderEvent.objects.get(event_id="1")
    assert (emptied.address_hint, emptied.detail) == ("", {})
    of_another.refresh_from_db()
    assert of_another.address_hint == "j•••@e•••.org"


def test_an_export_that_is_not_read_to_its_end_is_in_the_audit_log(customer: Customer) -> None:
    client = operator(VIEW, MAY_EXPORT)
    asked = {"customer": str(customer.pk), "reason": "by mail", "export": "1"}
    answer: Any = client.post(f"{PAGE}person/", asked)
    assert EMAIL in next(iter(answer.streaming_content)).decode()
    assert not DataRequest.objects.exists(), "a receipt is of a whole document"
    entry = LogEntry.objects.get()
    assert entry.change_message == "exported a customer: by mail"
    assert str(customer.pk) in entry.object_repr
    whole: Any = client.post(f"{PAGE}person/", asked)
    b"".join(whole.streaming_content)
    assert str(DataRequest.objects.get().pk) == LogEntry.objects.latest("pk").object_id
