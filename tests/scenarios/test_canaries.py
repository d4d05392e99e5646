"""Nothing that says something of a person gets out: not into a log, an error, a report, an argument or an address.

Canaries are planted in every personal field of a sample business; the twelve jobs run, their messages go out, and then everything
that can break is broken. What was written anywhere but into the messages themselves is searched.
"""

import datetime as dt
import io
import json
import logging
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing import Value
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qs

import pytest
import sentry_sdk
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_q.monitor import monitor
from django_q.tasks import async_task
from django_q.worker import worker

from config.logging import JsonFormatter, PlainFormatter
from config.sample_business import make_sample_business
from config.sample_payouts import pay_out
from config.sentry import start_sentry
from consent import suppress as suppressions
from jobs import catalog
from jobs.catalog import CATALOG
from jobs.runner import run
from jobs.spec import JobResult
from jobs.tasks import run_later
from notifications.enqueue import notify
from notifications.errors import EnqueueError
from notifications.message import Address, Staff
from notifications.models import DeliveryAttempt, InboxItem, Notification
from notifications.move import move_ended
from notifications.push_subscriptions import subscribe
from notifications.retention import Retention
from notifications.worker import drain
from rentals.models import Customer
from rentals.sample.plan import Plan
from sandbox import push_keys
from sandbox.testing import SandboxServer
from tests.canaries import DETAIL, PERSONAL, ROW, found_in, plant, stored, unjudged
from tests.catalogue import Install
from tests.integration.api_client import INLINE, program
from tests.listener import Listener, listening
from tests.messages import PICKUP, browser

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("templates")]
# As `make smoke`: every kind of booking reminder is due, and nobody has quiet hours.
AT = dt.datetime(2026, 11, 20, 17, 30, tzinfo=dt.UTC)
ADDRESS = Address("zqcanaryadhoc@example.com", "Zqcanaryadhoc")


class _Host:
    """A host's directory whose database complains with a row."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(DETAIL)


def over(questions: Any, *, now: dt.datetime) -> Any:
    """A host's callback that fails with a row."""
    raise KeyError(*ROW)


@pytest.fixture
def evidence() -> dict[str, str]:
    """What was seen, by place."""
    return {}


@contextmanager
def logs() -> Iterator[io.StringIO]:
    """Everything that is logged, as it stands in production and in development."""
    out = io.StringIO()
    handlers = []
    for formatter in (JsonFormatter(), PlainFormatter("%(name)s %(message)s")):
        handler = logging.StreamHandler(out)
        handler.setFormatter(formatter)
        handlers.append(handler)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield out
    finally:
        root.setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)


@contextmanager
def sentry() -> Iterator[Listener]:
    """The real SDK, its integrations and our scrubber, in front of a server that keeps what it is sent."""
    with listening() as server:
        dsn = server.url.replace("http://", "http://key@") + "/1"
        start_sentry(dsn=dsn, environment="test")
        try:
            yield server
            sentry_sdk.flush(timeout=10)
        finally:
            sentry_sdk.get_client().close(timeout=5)
            sentry_sdk.init()


def echo(path: str, body: str) -> tuple[int, str]:
    """A provider that refuses, and repeats whom it was asked to write to."""
    if "Messages.json" in path:
        to = parse_qs(body)["To"][0]
        return 400, json.dumps(
            {"code": 21211, "message": f"The 'To' number {to} is not a valid phone number."}
        )
    if "mail/send" in path:
        (one,) = json.loads(body)["personalizations"][:1]
        to = one["to"][0]
        said = f"{to.get('name', '')} <{to['email']}> does not contain a valid address."
        return 400, json.dumps(
            {"errors": [{"message": said, "field": "personalizations.0.to", "help": None}]}
        )
    return 500, f"<html>zqcanaryhtml {body[:200]}</html>"


def business(sandbox: SandboxServer) -> dict[str, int]:
    make_sample_business(
        Plan(at=AT, customers=120, bookings=200, seed=20, audit_events=1500), push_url=sandbox.url
    )
    pay_out(sandbox.url, now=AT)
    return plant()


def the_twelve_jobs() -> Iterator[tuple[str, str]]:
    """Each of them rehearsed, then run; what the command prints."""
    for name in sorted(CATALOG, key=lambda job: (job != "refresh_materialized_views", job)):
        for options in ({"dry_run": True}, {}):
            out = io.StringIO()
            # refresh_materialized_views commits as it goes: it has no dry run, and says so by its exit.
            with suppress(SystemExit) if options else nullcontext():
                call_command("run_job", name, at=AT.isoformat(), json=True, stdout=out, **options)
            yield f"run_job {name} {'--dry-run' if options else ''}", out.getvalue()


def commands() -> Iterator[tuple[str, str]]:
    """What people type when something is wrong."""
    ids = [str(pk) for pk in Notification.objects.order_by("status").values_list("pk", flat=True)[:400:20]]
    lines: list[tuple[Any, ...]] = [("explain_notification", pk) for pk in ids]
    lines += [
        ("replay_notifications", "--reason", "test", "--dry-run"),
        ("rotate_keys", "--check"),
        ("channel", "show"),
        ("sync_schedules", "--check"),
        ("load_templates", "--check"),
        ("process_notifications", "--json"),
    ]
    for line in lines:
        out = io.StringIO()
        try:
            call_command(*line, stdout=out, stderr=out)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (its words are what is looked at)
            out.write(str(error))
        yield " ".join(line[:1]), out.getvalue()


# ── What breaks ─────────────────────────────────────────────────────────────────────────────────────────
def send_to_all_kinds(customer: Customer, key: str) -> None:
    for channel in ("email", "sms", "push"):
        notify(
            "booking.pickup_today",
            to=customer.pk,
            channel=channel,
            payload=PICKUP,
            idempotency_key=f"{key}{channel}",
        )
    notify(to=ADDRESS, channel="email", category="transactional", subject="Zqcanarysubject", body="Zqcanarybody {{x}}", payload={"x": "Zqcanaryvalue"})  # fmt: skip
    notify(
        to=Address(f"{'+1867334'}9999", "Zqcanaryphone"),
        channel="sms",
        category="security",
        body="Zqcanarybody",
    )


def break_the_providers(sandbox: SandboxServer, customer: Customer, settings: Any) -> list[str]:
    """Refusals that echo, faults, answers that never come; answers the addresses that were asked."""
    with listening(echo) as server:
        settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_URL": f"{server.url}/sendgrid/v3/"}
        settings.TWILIO_API_URL = f"{server.url}/twilio"
        subscribe(**{**_keys(customer), "endpoint": f"{server.url}/push/zqcanaryendpoint"})
        send_to_all_kinds(customer, "echo")
        drain()
        asked = list(server.paths)
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_URL": "http://127.0.0.1:1/v3/"}
    settings.TWILIO_API_URL = "http://127.0.0.1:1/twilio"
    send_to_all_kinds(customer, "refused")
    drain()
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_URL": f"{sandbox.url}/sendgrid/v3/"}
    settings.TWILIO_API_URL = f"{sandbox.url}/twilio"
    for provider in ("sendgrid", "twilio", "webpush"):
        sandbox.behave(provider, hang_up=True, times=3)
        sandbox.behave(provider, status=503, times=3)
    for turn in range(3):
        send_to_all_kinds(customer, f"fault{turn}")
        drain()
    sandbox.behave_well()
    return asked


def _keys(customer: Customer) -> dict[str, str]:
    made = push_keys.subscription("canary", "http://127.0.0.1:8025")
    keys = made["keys"]
    return {"recipient_key": f"customer:{customer.pk}", "p256dh": keys["p256dh"], "auth": keys["auth"]}


def break_the_texts(customer: Customer) -> None:
    """A payload that no text can be made of, browsers whose keys are none."""
    for n, payload in enumerate([{"equipment": "Zqcanarylost"}, {**PICKUP, "start_date": "Zqcanarydate"}]):
        row = notify("booking.pickup_today", to=customer.pk, channel="email", payload=PICKUP).queued[0]
        Notification.objects.filter(pk=row.id).update(payload=payload, priority=n)
    subscribe(
        recipient_key=f"customer:{customer.pk}",
        endpoint="https://fcm.googleapis.com/fcm/send/zqcanarypath",
        p256dh="zqcanary",
        auth="x",
    )
    notify("booking.pickup_today", to=customer.pk, channel="push", payload=PICKUP)
    drain()


def break_the_host(customer: Customer, settings: Any) -> None:
    """A callback and a directory that fail with a row."""
    good = settings.NOTIFICATIONS
    notify("booking.pickup_today", to=customer.pk, channel="email", payload=PICKUP)
    settings.NOTIFICATIONS = {**good, "RELEVANCE": {"booking.": f"{__name__}.over"}}
    drain()
    settings.NOTIFICATIONS = {**good, "DIRECTORY": f"{__name__}._Host"}
    notify_fails(customer)
    Notification.objects.filter(status="queued").update(scheduled_at=AT - dt.timedelta(days=999))
    with pytest.raises(RuntimeError):
        drain()
    at_a_worker("jobs.tasks.drain")
    settings.NOTIFICATIONS = good


def notify_fails(customer: Customer) -> None:
    with pytest.raises(RuntimeError):
        notify("booking.pickup_today", to=customer.pk, channel="email", payload=PICKUP)


def at_a_worker(task: str, *args: str) -> None:
    """Through django-q2, as one of its workers does it, down to the row that it keeps."""
    orders = apps.get_model("django_q", "OrmQ").objects
    async_task(task, *args)
    order = orders.latest("pk")
    todo: Any = SimpleQueue()
    done: Any = SimpleQueue()
    todo.put({**order.task, "started": timezone.now()})
    todo.put("STOP")
    worker(todo, done, Value("f", -1))
    done.put("STOP")
    monitor(done)


def break_the_jobs(install: Install, customer: Customer) -> None:
    """Jobs that crash with a row in hand, in the four ways that it happens."""

    def holds_a_row(**_: Any) -> JobResult:
        raise ValueError((customer.first_name, customer.email))

    def chained(**_: Any) -> JobResult:
        try:
            raise KeyError(customer.last_name)
        except KeyError as error:
            raise RuntimeError(f"no {customer.email!r} in {vars(customer)!r}") from error

    def refused_by_a_constraint(**_: Any) -> JobResult:
        Customer.objects.create(
            first_name=customer.first_name, last_name="x", email=customer.email, phone="867"
        )
        return JobResult()

    def refused_by_a_type(**_: Any) -> JobResult:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [customer.first_name])
        return JobResult()

    for number, rule in enumerate((holds_a_row, chained, refused_by_a_constraint, refused_by_a_type)):
        install(rule, name=f"probe_{number}")
        assert run(f"probe_{number}", now=AT, trigger="command").error
        at_a_worker("jobs.tasks.run_requested", f"probe_{number}", "api", "", str(uuid.uuid4()), "")


def break_the_doors(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that are wrong, and a view that crashes."""
    api = program(settings)
    api.raise_request_exception = False
    wrong = {
        "to": {"address": "zqcanaryapi@example"},
        "nonsense": "Zqcanaryapi",
        "channel": "Zqcanarychannel",
    }
    for body in (
        wrong,
        {**INLINE, "to": {"customer": "zqcanaryapi@example.com"}},
        {**INLINE, "template": "Zqcanarytemplate"},
    ):
        api.post("/api/admin/notifications", json.dumps(body), content_type="application/json")
    api.post("/api/admin/notifications", "{Zqcanarybroken", content_type="application/json")
    monkeypatch.setattr("notifications.api.routes.queue_stats", _crash)
    assert api.get("/api/admin/queue?zqcanaryquery=1").status_code == 500
    browser_of = Client(raise_request_exception=False)
    monkeypatch.setattr("consent.views.find_even_expired", _crash, raising=False)
    browser_of.get(f"/u/zqcanary{'x' * 35}")
    browser_of.get("/preferences/zqcanarytoken?email=zqcanary@example.com")
    for path in ("twilio/status/", "sendgrid/", "twilio/inbound/"):
        browser_of.post(
            f"/webhooks/{path}?zqcanary=1",
            "Zqcanarypost=zqcanary@example.com",
            content_type="application/x-www-form-urlencoded",
        )
        browser_of.post(
            f"/webhooks/{path}", '[{"email": "zqcanary@example.com"', content_type="application/json"
        )
    browser_of.post("/admin/login/", {"username": "zqcanary@example.com", "password": "Zqcanarypassword"})
    for error in (
        {"to": "zqcanary@example.com"},
        {"to": Address("zqcanary at example")},
        {"to": Staff("Zqcanary")},
    ):
        with pytest.raises(EnqueueError) as refused:
            notify("booking.pickup_today", channel="email", payload=PICKUP, **error)
        assert not found_in(refused.value) or "Zqcanary" in str(error["to"]), "an id is not a person's name"


def _crash(*_: Any, **__: Any) -> Any:
    raise LookupError(DETAIL)


def without_source(envelopes: list[str]) -> str:
    """What Sentry was sent, without the lines of code around each frame: those of this file hold canaries by their nature."""
    events = [json.loads(line) for body in envelopes for line in body.splitlines() if line.startswith("{")]
    for event in events:
        for raised in event.get("exception", {}).get("values", []):
            for frame in raised.get("stacktrace", {}).get("frames", []):
                for name in ("pre_context", "context_line", "post_context"):
                    frame.pop(name, None)
    return "\n".join(map(json.dumps, events))


# ── The search ──────────────────────────────────────────────────────────────────────────────────────────
def tasks() -> str:
    """What django-q2 keeps: arguments, results, and orders that wait."""
    kept = [
        f"{task.args} {task.kwargs} {task.result}"
        for task in apps.get_model("django_q", "Task").objects.all()
    ]
    assert any("TaskFailed" in text for text in kept), "the failed drain is among them"
    waiting = [str(order.task) for order in apps.get_model("django_q", "OrmQ").objects.all()]
    return "\n".join(kept + waiting)


def test_no_canary_gets_out(
    sandbox: SandboxServer,
    settings: Any,
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    evidence: dict[str, str],
) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "KICK": "", "CAPS": {}}
    planted = business(sandbox)
    assert all(planted.values()), planted
    twelve = dict(catalog.CATALOG)
    with logs() as logged, sentry() as reported:
        evidence |= dict(the_twelve_jobs())
        drain(now=AT, budget=dt.timedelta(minutes=5))
        the_messages_were_really_about_them(sandbox)
        customer = Customer.objects.exclude(phone="").exclude(email="").order_by("pk").first()
        assert customer
        browser(customer, sandbox.url)
        suppressions.suppress(channel="email", address="zqcanarydead@example.com", reason="manual")
        run_later("booking_reminders", trigger="api")
        evidence["urls"] = "\n".join(break_the_providers(sandbox, customer, settings))
        break_the_texts(customer)
        break_the_host(customer, settings)
        break_the_jobs(install, customer)
        monkeypatch.setattr(catalog, "CATALOG", twelve)
        break_the_doors(settings, monkeypatch)
        for place, text in commands():
            evidence[place] = evidence.get(place, "") + text
    evidence["logs"], evidence["sentry"] = logged.getvalue(), without_source(reported.bodies)
    evidence["django-q2"] = tasks()
    evidence["sessions"] = "\n".join(str(row.get_decoded()) for row in Session.objects.all())
    the_trouble_was_really_made(evidence)

    places = [*evidence.items(), *stored()]
    ahead = timezone.now() + dt.timedelta(days=40)
    assert move_ended(Retention(), now=ahead, until=time.monotonic() + 300).messages > 100
    places += [(f"{place}, after the move", text) for place, text in stored()]
    found = {place: found_in(text)[:5] for place, text in places if found_in(text)}
    for place in found:
        for line in [line for line in dict(places)[place].splitlines() if found_in(line)][:3]:
            sys.stdout.write(f"{place}: {line[:400]}\n")
    # A push endpoint is an address that must be called; it is in no log and no column.
    assert set(found.pop("urls", [])) <= {"zqcanaryendpoint"}
    assert found == {}


def the_messages_were_really_about_them(sandbox: SandboxServer) -> None:
    """Or all of this would be about nothing."""
    received = json.dumps([sandbox.message(m["id"])["content"] for m in sandbox.messages()][:400])
    assert len(found_in(received)) > 50
    assert InboxItem.objects.exists()


def the_trouble_was_really_made(evidence: dict[str, str]) -> None:
    for event in ("job.failed", "api.failed", "relevance.failed", "task.failed"):
        assert event in evidence["logs"], event
    assert "LookupError" in evidence["sentry"]
    assert "IntegrityError" in evidence["sentry"]
    outcomes = set(DeliveryAttempt.objects.values_list("outcome", flat=True))
    assert outcomes >= {"sent", "transient", "permanent", "unknown"}, outcomes
    assert Notification.objects.filter(error__startswith="render:").count() >= 2


def test_every_text_field_is_judged() -> None:
    """A new column: does it say something of a person? Then plant a canary (tests/canaries.py); else say that it does not."""
    assert unjudged() == []


def test_the_search_finds_what_it_is_meant_to_find() -> None:
    assert found_in("to Zqcanaryfirst7 <zqcanary7@example.com>") == ["Zqcanaryfirst7", "zqcanary7"]
    assert found_in("call +1 867 334 0007 or (867) 334-0007") != []
    assert found_in(json.dumps({"phone": "+18673340007"})) == ["+18673340007"]
    assert found_in("nothing of note 2026-11-20T08:00 18673") == []
    assert set(PERSONAL) <= {f"{model._meta.label}" for model in apps.get_models()}
