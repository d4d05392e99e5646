"""A long history costs nothing: every statement of the street and of the operators' pages reads its index, and no more
pages with 100,000 finished messages than with 10,000.

`POSTROOM_PLAN_ROWS=1000000 pytest -n0 tests/integration/test_plans.py` asks the same of a million.
"""

import datetime as dt
import hashlib
import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection, transaction
from django.utils import timezone

from consent.gate import Subject, check_many
from notifications.admin.detail import load, message_page
from notifications.admin.figures import backlogs
from notifications.backlog import backlog
from notifications.cancel import cancel
from notifications.candidate import Candidate
from notifications.claim import claim, due_channels
from notifications.deliver import dispatch
from notifications.enqueue import notify_many
from notifications.errors import Sent
from notifications.expire import expire
from notifications.frequency import under_cap
from notifications.history import find
from notifications.message import Claimed, Delivery, NotifyRequest
from notifications.models import DeliveryAttempt, ProviderEvent, TrafficFold
from notifications.record import record
from notifications.release import release
from notifications.replay import replay
from notifications.retention import Retention, count_ended, ended
from notifications.state_counts import state_counts
from notifications.stats import queue_stats
from notifications.template_use import traffic
from notifications.traffic.fold import fold
from notifications.verdict import Verdict
from notifications.webhooks.apply import apply_some
from templates_app.models import NotificationTemplate
from tests import history
from tests.factories import CustomerFactory
from tests.messages import LEASE, PICKUP
from tests.operators import QUEUE, operator, operator_user
from tests.plan_reader import Plan, explained
from tests.roles import MEMBER, make_role

SMALL = 10_000
LARGE = int(os.environ.get("POSTROOM_PLAN_ROWS", "100000"))
# An index is a level deeper in the long table: a page more for each look into it.
GROWTH, SLACK = 2, 40

NOW = timezone.now()
pytestmark = pytest.mark.django_db  # or no database is made


# ── The street ──────────────────────────────────────────────────────────────────────────────────────────
def claims() -> list[Claimed]:
    return claim(channel="email", limit=100, lease=LEASE)


def dispatches() -> None:
    dispatch(claims(), lease=LEASE)


def records() -> None:
    held = claims()
    sent = Verdict("sent", metadata={"sent_at": "now"})
    record([(row, sent) for row in held], [Delivery(row, Sent("ref"), "sendgrid", NOW, NOW) for row in held])


def enqueues_twice() -> None:
    people = CustomerFactory.create_batch(20)
    asked = [
        NotifyRequest("booking.pickup_today", person.pk, "email", PICKUP, idempotency_key=f"history:{n}")
        for n, person in enumerate(people, start=9000)
    ]
    asked += [replace(one, idempotency_key=f"new:{one.idempotency_key}") for one in asked]
    asked += [replace(one, idempotency_key=f"past:{n}") for n, one in enumerate(asked[:4], start=77)]
    assert len(notify_many(asked).existing) >= 5  # e-mails of the history


def walk(status: str) -> None:
    assert len(ended(status, Retention(messages=dt.timedelta(days=3)), now=NOW, limit=100)) == 100


def nothing_is_due() -> None:
    years = Retention(messages=dt.timedelta(days=9000))
    assert count_ended(years, now=NOW) == 0


def nothing_expires() -> None:
    assert not any(expire(Retention(), now=NOW, until=time.monotonic() + 60).values())


def _past(number: int) -> uuid.UUID:
    return uuid.UUID(hashlib.md5(b"past%d" % number).hexdigest())


def caps() -> None:
    keys = [f"customer:{history.person(n)}" for n in range(100)]
    under_cap([_candidate(key) for key in keys], now=NOW)


def _candidate(key: str) -> Candidate:
    return Candidate(
        uuid.uuid4(), "email", "marketing", key, None, NOW, None, template="", payload={}, metadata={}
    )


def consents() -> None:
    check_many(
        [
            Subject(str(history.person(n)), "email", "marketing", hashlib.md5(b"address%d" % n).hexdigest())
            for n in range(20)
        ],
        now=NOW,
    )


def objections() -> None:
    """One by one, as each INSERT asks in passing."""
    people = CustomerFactory.create_batch(20)
    for person in people:
        notify_many([NotifyRequest("booking.pickup_today", person.pk, "email", PICKUP)])


def reports() -> None:
    """Of the newest kind, on messages of the history: by our id, and by the provider's reference."""
    for n in range(60):
        by_id = n % 2 == 0
        ProviderEvent.objects.create(
            provider="sendgrid",
            event_id=f"new-{n}",
            event_type="complained" if n % 10 == 0 else "delivered",
            code="spamreport" if n % 10 == 0 else "delivered",
            notification_id=history.message(n) if by_id else None,
            reference="" if by_id else f"ref-{n}",
            occurred_at=NOW,
            address_hmac=hashlib.md5(b"address%d" % n).hexdigest(),
        )
    assert apply_some(limit=100, now=timezone.now() + dt.timedelta(minutes=1)) == (60, 0)


# ── The pages ───────────────────────────────────────────────────────────────────────────────────────────
def page(query: str) -> Callable[[], None]:
    def ask() -> None:
        response = operator("*").get(f"{QUEUE}?{query.format(**_facts())}")
        assert response.status_code == 200, (query, response.get("Location"))

    return ask


def texts_from_customers() -> None:
    assert operator("*").get("/admin/notifications/inboundtext/").status_code == 200


def past(query: str) -> Callable[[], None]:
    def ask() -> None:
        response = operator("*").get(f"/admin/notifications/notificationhistory/?{query.format(**_facts())}")
        assert response.status_code == 200, (query, response.get("Location"))

    return ask


def _facts() -> dict[str, Any]:
    templates = dict(NotificationTemplate.objects.values_list("name", "pk"))
    return {
        "common": templates["booking.pickup_today"],
        "rare": templates["booking.return_today"],
        "unused": templates["staff.security_alert"],
        "id": history.message(77),
        "person": history.person(5),
        "lately": quote((NOW - dt.timedelta(days=1)).isoformat()),
    }


def live_tabs() -> None:
    query = f"status__exact=failed&shown_at={quote((NOW - dt.timedelta(hours=1)).isoformat())}"
    assert operator("*").get(f"{QUEUE}tabs/?{query}").status_code == 200


def home() -> None:
    _folded(minutes=2)
    assert operator("*").get("/admin/?period=month").status_code == 200


def folds() -> None:
    _folded(minutes=30)
    assert fold(now=NOW).is_done


def _folded(*, minutes: int) -> None:
    """So long ago, but for the newest 300 attempts."""
    at = NOW - dt.timedelta(minutes=minutes)
    newest = DeliveryAttempt.objects.order_by("-pk").values_list("pk", flat=True)[300]
    state = {"attempt": newest, "ended": at, "folded_at": at, "swept_at": at}
    TrafficFold.objects.update_or_create(pk=1, defaults=state)


def message_page_of_an_old_one() -> None:
    row = load(history.message(77))
    assert row is not None
    message_page(row, operator_user("*"), now=NOW)


def use_of_a_template() -> None:
    traffic(NotificationTemplate.objects.get(name="booking.pickup_today").pk)


@dataclass(frozen=True)
class Case:
    """What is asked, and the index that must answer."""

    ask: Callable[[], object]
    index: str
    # Pages that the rows which it touches may lie on: a hundred of a long history lie further apart.
    rows_apart: int = 0


ONCE, STATUS, CREATED = "notification_queue_once", "notification_queue_status", "notification_queue_created"
DUE, INFLIGHT, KEY = "notification_queue_due", "notification_queue_inflight", "notification_queue_pkey"
TEMPLATE = "notification_queue_template_id_dbe1d587"


def listed(query: str, index: str, *, rows_apart: int = 2500) -> Case:
    """A page of the queue's list. Its planner may walk the newest until a page is full, or sort all that match the filter,
    of which there are more in a long history; what it must not do is read the table, which has 12,000 pages."""
    return Case(page(query), index, rows_apart=rows_apart)


# What no index holds is looked for among the newest REACH rows of a tab's own index (consent/admin_reach.py).
CASES: Mapping[str, Case] = {
    "claim": Case(claims, DUE),
    "which channels are due": Case(lambda: due_channels(["email", "sms", "push", "inapp"]), DUE),
    "release": Case(release, INFLIGHT),
    "dispatch": Case(dispatches, KEY),
    "record": Case(records, KEY),
    "enqueue": Case(enqueues_twice, ONCE),
    "frequency cap": Case(caps, "notification_queue_recipient"),
    "consent": Case(consents, "customer_consent_key"),
    "suppressions": Case(consents, "suppressions_address"),
    "objections": Case(objections, "customer_consent_key"),
    "objections of addresses": Case(objections, "suppressions_address"),
    "cancel": Case(
        lambda: cancel([history.message(n) for n in range(100)], by="staff:1", reason="x"),
        KEY,
        rows_apart=400,
    ),
    "replay": Case(
        lambda: replay([history.message(n) for n in range(100)], by="staff:1", reason="x"),
        KEY,
        rows_apart=400,
    ),
    "enqueue, keys of the history": Case(enqueues_twice, "notification_history_once"),
    "frequency cap, history": Case(caps, "notification_history_recipient"),
    "retention, sent": Case(lambda: walk("sent"), STATUS),
    "retention, failed": Case(lambda: walk("failed"), STATUS),
    "retention, withheld": Case(lambda: walk("cancelled"), "notification_queue_withheld"),
    "retention, nothing due": Case(nothing_is_due, STATUS),
    "expired answers": Case(nothing_expires, "api_requests_expiry"),
    "expired links": Case(nothing_expires, "unsubscribe_tokens_expires_at"),
    "old inboxes": Case(nothing_expires, "notifications_created"),
    "old events": Case(nothing_expires, "provider_events_pkey"),
    "old history": Case(nothing_expires, "notification_history_finished"),
    "a past message": Case(lambda: find(_past(77)), "notification_history_pkey"),
    # Not the list as a whole: its count goes no further than 10,001 rows, and reads them in whatever order.
    "past list, failed": Case(past("status__exact=failed"), "notification_history_status"),
    "past search, key": Case(past("q=past:77"), "notification_history_once"),
    "past search, reference": Case(past("q=past-ref-77"), "notification_history_reference"),
    "past search, recipient": Case(past("q=customer:{person}"), "notification_history_recipient"),
    "depths and ages": Case(lambda: queue_stats(now=NOW), STATUS),
    "ready and scheduled": Case(lambda: backlog(now=NOW), DUE),
    "unknown outcomes": Case(lambda: backlog(now=NOW), "notification_queue_error"),
    "texts from customers": Case(texts_from_customers, "provider_events_inbound", rows_apart=250),
    "a template's waiting": Case(use_of_a_template, DUE),
    "a template's newest": Case(use_of_a_template, CREATED, rows_apart=400),
    "home, waiting": Case(lambda: backlogs(now=NOW), DUE),
    "home, states": Case(lambda: state_counts(now=NOW), STATUS),
    "home, since the last fold": Case(home, "delivery_attempts_pkey", rows_apart=400),
    "home, failed since": Case(home, "notification_queue_failed_at", rows_apart=400),
    "home, withheld since": Case(home, "notification_queue_withheld_at", rows_apart=400),
    "home, reports stuck": Case(home, "provider_events_waiting", rows_apart=400),
    "fold of traffic": Case(folds, "delivery_attempts_pkey", rows_apart=400),
    "fold of failures": Case(folds, "notification_queue_failed_at", rows_apart=400),
    "fold of what was withheld": Case(folds, "notification_queue_withheld_at", rows_apart=400),
    "fold of what moved": Case(folds, "notification_history_finished", rows_apart=400),
    "message page": Case(message_page_of_an_old_one, KEY),
    "message page, other channels": Case(message_page_of_an_old_one, ONCE),
    "message page, other channels, past": Case(message_page_of_an_old_one, "notification_history_once"),
    "message page, children": Case(message_page_of_an_old_one, "notification_queue_parent"),
    "message page, past children": Case(message_page_of_an_old_one, "notification_history_parent"),
    "message page, reports": Case(message_page_of_an_old_one, "provider_events_notification"),
    "list": listed("", CREATED),
    "list, second page": listed("p=2", CREATED),
    "status queued": listed("status__exact=queued", STATUS),
    "status processing": listed("status__exact=processing", STATUS),
    "status sent": listed("status__exact=sent", STATUS),
    "status failed": listed("status__exact=failed", STATUS),
    "status cancelled": listed("status__exact=cancelled", STATUS),
    "due": listed("status__exact=due", STATUS),
    "scheduled": listed("status__exact=scheduled", STATUS),
    "outcome unknown": listed("status__exact=outcome_unknown", "notification_queue_error"),
    "category": listed("category__exact=security", CREATED),
    "failed of a category": listed("status__exact=failed&category__exact=security", STATUS),
    "withheld of a channel": listed("status__exact=cancelled&channel__exact=push", STATUS),
    "delivered": listed("feedback=delivered", CREATED),
    "job": listed("job=booking_reminders", CREATED),
    "customer": listed("customer={person}", "notification_queue_recipient"),
    "error class of a channel": listed("error_class=550&channel__exact=push", "notification_queue_error"),
    "last page": listed("p=50000", CREATED),
    "sorted backwards": listed("o=9", CREATED),
    "tabs": Case(live_tabs, STATUS),
    "channel": listed("channel__exact=push", CREATED),
    "template": listed("template__id__exact={common}", CREATED),
    "template rare": listed("template__id__exact={rare}", TEMPLATE),
    "template unused": listed("template__id__exact={unused}", TEMPLATE),
    "asked for lately": listed("created_at__gte={lately}", CREATED),
    "ended lately": listed("ended__gte={lately}", CREATED),
    "sent lately": listed("status__exact=sent&ended__gte={lately}", STATUS),
    "failed lately": listed("status__exact=failed&ended__gte={lately}", STATUS),
    "withheld lately": listed("status__exact=cancelled&ended__gte={lately}", STATUS),
    "error class": listed("error_class=550", "notification_queue_error"),
    "error class none": listed("error_class=700", "notification_queue_error"),
    # A comparison of jsonb is not leakproof: where policies hold, the planner knows no statistics for it, takes the rule's
    # rows for few, and sorts all 5,000 (15 ms); of more than 10,000 it reads a page in the order of the index.
    "withheld": listed("withheld=consent.revoked", "notification_queue_withheld", rows_apart=5000),
    "withheld none": listed("withheld=expired", "notification_queue_withheld"),
    "complained": listed("feedback=complained", "provider_events_trouble"),
    "bounced": listed("feedback=bounced", "provider_events_trouble"),
    "reports applied": Case(reports, "provider_events_waiting"),
    "reports onto messages": Case(reports, KEY, rows_apart=400),
    "reports counted": Case(reports, "provider_events_notification", rows_apart=400),
    "references of reports": Case(reports, "delivery_attempts_reference"),
    "search id": listed("q={id}", KEY),
    "search key": listed("q=history:77", ONCE),
    "search reference": listed("q=ref-77", "delivery_attempts_reference"),
    "search customer": listed("q={person}", "notification_queue_recipient"),
    "search recipient key": listed("q=customer:{person}", "notification_queue_recipient"),
}


def ask_all() -> dict[str, list[Plan]]:
    found = {}
    for name, case in CASES.items():
        with transaction.atomic(), explained(*history.TABLES) as plans:
            _be_a_member()
            case.ask()
            transaction.set_rollback(True)
        found[name] = plans
    return found


def _be_a_member() -> None:
    """As the application connects, held back by policies: a superuser's plans would prove nothing."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {MEMBER}")
        cursor.execute("SELECT row_security_active('notification_queue')")
        assert cursor.fetchone() == (True,)


def ask_with_low_caps() -> dict[str, int]:
    """The pages read. What counts up to a cap reaches this one with a short history too, so that more means growth."""
    with pytest.MonkeyPatch.context() as patch:
        for cap in CAPS:
            patch.setattr(cap, 200)
        return {name: sum(plan.blocks for plan in plans) for name, plans in ask_all().items()}


CAPS = (
    "notifications.stats.CAP",
    "notifications.backlog.CAP",
    "consent.admin_lists.COUNT_LIMIT",
    "notifications.admin.filters_seen.SAMPLE",
    "consent.admin_reach.REACH",
    "notifications.state_counts.CAP",
    "notifications.template_use.NEWEST",
    "notifications.template_use.WAITING",
    "notifications.traffic.read.TAIL",
)


@dataclass(frozen=True)
class Answer:
    short: int
    long: int
    plans: list[Plan]


@pytest.fixture(scope="module")
def answers(django_db_setup: None, django_db_blocker: Any) -> Mapping[str, Answer]:
    """By case: the pages read with a short and with a long history, and the plans of the long one."""
    with django_db_blocker.unblock():
        try:
            make_role(MEMBER)
            history.begin()
            history.grow(1, SMALL)
            short = ask_with_low_caps()
            history.grow(SMALL + 1, LARGE)
            long, plans = ask_with_low_caps(), ask_all()
        finally:
            history.end()
    return {name: Answer(short[name], long[name], plans[name]) for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_the_length_of_the_history_costs_nothing(name: str, answers: Mapping[str, Answer]) -> None:
    answer = answers[name]
    told = "\n".join(map(str, answer.plans))
    assert CASES[name].index in set().union(*(plan.indexes for plan in answer.plans)), told
    whole = set().union(*(plan.whole_tables for plan in answer.plans))
    assert not whole & set(history.TABLES), told
    allowed = GROWTH * answer.short + SLACK + CASES[name].rows_apart
    assert answer.long <= allowed, f"{answer.short} → {answer.long} pages\n{told}"


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("status__exact=outcome_unknown", "notification_queue_error"),
        ("error_class=550", "notification_queue_error"),
        ("withheld=expired", "notification_queue_withheld"),
    ],
)
def test_an_index_that_leads_by_a_function_gives_the_order_too_where_policies_hold(
    query: str, index: str
) -> None:
    """However many it leads to: else all of them are read and sorted for a page (250 ms among five million messages)."""
    make_role(MEMBER)
    with transaction.atomic():
        _many_of_each()
        _be_a_member()
        with connection.cursor() as cursor:
            for way in ("sort", "seqscan", "bitmapscan"):
                cursor.execute(f"SET LOCAL enable_{way} TO off")
        with explained("notification_queue") as plans:
            assert operator("*").get(f"{QUEUE}?{query}").status_code == 200
        transaction.set_rollback(True)
    [rows] = [plan for plan in plans if '"payload"' in plan.sql]
    assert index in rows.indexes, str(rows)
    assert "Sort" not in {node["Node Type"] for node in rows.nodes()}, str(rows)


def _many_of_each() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notification_queue (channel, "to", recipient_key, category, status, error, metadata, created_at)
            SELECT 'email', '{}', 'customer:' || n, 'reminder', state,
                CASE WHEN state = 'failed' THEN (ARRAY['550: no', 'outcome_unknown: timeout'])[1 + n / 40 % 2] END,
                CASE state WHEN 'sent' THEN '{"sent_at": "-"}'::jsonb
                    WHEN 'cancelled' THEN '{"withheld": {"rule": "expired", "at": "-"}}' ELSE '{}' END,
                now() - n * interval '1 second'
            FROM generate_series(1, 20000) AS n
            CROSS JOIN LATERAL (SELECT CASE n % 20 WHEN 1 THEN 'failed' WHEN 2 THEN 'cancelled' ELSE 'sent' END AS state) AS made
            """
        )
        cursor.execute("ANALYZE notification_queue")
