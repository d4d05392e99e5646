"""A channel's card: breaker and rate in numbers, the backlog with an estimate that is honest, the last refusals, a test to oneself."""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.channel_state import pause, report
from notifications.channel_work import CAP, SAMPLE, Work, channel_work, rate_used
from notifications.errors import Transient
from notifications.models import Notification
from tests.notification_factories import DeliveryAttemptFactory, NotificationFactory
from tests.operators import operator, operator_user, seen, told
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]
PAGE = "/admin/notifications/channelstate/"
SEE, CHANGE = "notifications.view_channelstate", "notifications.change_channelstate"
MINUTE = dt.timedelta(minutes=1)
MESSAGES = """
INSERT INTO notification_queue (channel, "to", category, status, scheduled_at, recipient_key, priority, attempts, metadata, payload)
SELECT 'email', '{}', 'reminder', 'queued', now() + CASE n %% 2 WHEN 0 THEN interval '-1 hour' ELSE interval '1 hour' END,
       'customer:' || n, 2, 0, '{}', '{}'
FROM generate_series(1, %s) AS n
"""


@contextmanager
def limited(**rates: str) -> Iterator[None]:
    with override_settings(NOTIFICATIONS={**settings.NOTIFICATIONS, "RATE_LIMITS": rates}):
        yield


def facts(client: Client, channel: str = "email") -> str:
    return seen(client.get(f"{PAGE}{channel}/live/"))


def sent(count: int, *, ago: dt.timedelta) -> None:
    for _ in range(count):
        at = timezone.now() - ago
        DeliveryAttemptFactory.create(
            notification=NotificationFactory.create(status="sent"),
            outcome="sent",
            started_at=at,
            finished_at=at,
        )


# ── What a card says ────────────────────────────────────────────────────────────────────────────────────
def test_the_breaker_shows_the_numbers_that_opened_it_and_when_it_tries_again() -> None:
    report("email", [Transient("503")] * 20)
    page = facts(operator(SEE))
    assert "opened 1 time in a row · last fault 503 · it tries again at" in page


def test_the_rate_shows_what_is_allowed_and_how_much_of_it_is_taken() -> None:
    with limited(email="10/s"):
        assert "10/s · 0 of 10 at once taken" in facts(operator(SEE))


@pytest.mark.parametrize(("ahead", "used"), [(0.0, 0), (0.05, 1), (0.3, 3), (9.0, 10)])
def test_what_is_taken_follows_from_the_moment_at_which_all_is_earned_again(ahead: float, used: int) -> None:
    now = timezone.now()
    tat = now + dt.timedelta(seconds=ahead)
    assert rate_used(tat, each=dt.timedelta(seconds=0.1), burst=10, now=now) == used
    assert rate_used(None, each=dt.timedelta(seconds=0.1), burst=10, now=now) == 0


def test_a_backlog_is_estimated_by_what_was_sent_lately() -> None:
    sent(10, ago=MINUTE)
    for _ in range(6):
        NotificationFactory.create(status="queued", scheduled_at=timezone.now() - 3 * MINUTE)
    NotificationFactory.create(status="queued", scheduled_at=timezone.now() + MINUTE)
    page = facts(operator(SEE))
    assert "Due 6 · the oldest waits for 3 minutes · 2 a minute lately, drained in about 3 minutes" in page


def test_without_anything_sent_lately_nothing_is_estimated() -> None:
    sent(10, ago=10 * MINUTE)
    NotificationFactory.create(status="queued", scheduled_at=timezone.now() - MINUTE)
    page = facts(operator(SEE))
    assert "nothing was sent in the last 5 minutes, so nobody can say" in page
    assert "drained" not in page


def test_a_stopped_channel_estimates_nothing() -> None:
    sent(10, ago=MINUTE)
    NotificationFactory.create(status="queued", scheduled_at=timezone.now() - MINUTE)
    pause("email", until=None, reason="Contract ended", by="staff:9")
    assert "it waits until the channel is open" in facts(operator(SEE))


def test_more_than_is_counted_is_not_estimated() -> None:
    assert Work(due=CAP, capped=True, per_minute=9.0).drained_in is None
    assert Work(due=0, per_minute=9.0).drained_in is None
    assert Work(due=18, per_minute=9.0).drained_in == 2 * MINUTE


def test_the_last_refusals_are_told_by_class_with_a_way_to_their_messages() -> None:
    for code, times in (("503", 3), ("401", 1)):
        for _ in range(times):
            DeliveryAttemptFactory.create(outcome="transient", provider_code=code)
    client = operator(SEE)
    assert "503 × 3 Transient failure" in facts(client)
    assert "channel__exact=email&amp;error_class=503" in client.get(f"{PAGE}email/live/").content.decode()
    assert "none among the newest attempts" in facts(client, "sms")


def test_a_name_stands_where_the_row_has_an_id() -> None:
    user = operator_user(SEE, username="olive")
    pause("email", until=None, reason="Contract ended", by=f"staff:{user.pk}")
    page = seen(operator(SEE).get(PAGE))
    assert page.count("olive") == 2
    assert f"staff:{user.pk}" not in page


@pytest.mark.parametrize(
    ("permissions", "channel", "status"),
    [((SEE,), "email", 200), ((SEE,), "pigeon", 404), ((), "email", 403)],
)
def test_the_live_part_is_for_those_who_may_see_channels(
    permissions: tuple[str, ...], channel: str, status: int
) -> None:
    assert operator(*permissions).get(f"{PAGE}{channel}/live/").status_code == status


# ── Cost ────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_page_reads_the_heads_of_its_indexes_and_asks_as_much_with_a_long_backlog() -> None:
    client = operator(SEE, CHANGE)
    asked = []
    for more in (10, 60_000):
        with connection.cursor() as cursor:
            cursor.execute(MESSAGES, [more])
            cursor.execute("ANALYZE notification_queue, delivery_attempts")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PAGE).status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 30, asked
    with explained("notification_queue", "delivery_attempts") as plans:
        work = channel_work(now=timezone.now())["email"]
    assert (work.due, work.capped) == (CAP, True)
    for plan in plans:
        assert "notification_queue" not in plan.whole_tables, str(plan)
        assert plan.blocks < 3 * (CAP + SAMPLE), str(plan)


# ── A test to oneself ───────────────────────────────────────────────────────────────────────────────────
def somebody(*permissions: str) -> tuple[Any, Client]:
    user = operator_user(*permissions)
    user.email = "olive@example.com"
    user.save()
    client = Client()
    client.force_login(user)
    return user, client


def test_a_test_goes_to_oneself_through_the_queue_once_and_its_outcome_is_shown() -> None:
    user, client = somebody(SEE, CHANGE)
    form = {"test_id": str(uuid.uuid4())}
    for _ in range(2):
        page = client.post(f"{PAGE}email/test/", form, follow=True)
    row = Notification.objects.get()
    assert (row.to, row.channel, row.category) == ({"staff_id": str(user.pk)}, "email", "transactional")
    assert not told(page)
    assert "Load the page again E-mail: Queued" in seen(page)
    assert "Your test" not in seen(client.get(PAGE))
    url = f"{PAGE}tests/{row.pk}/"
    Notification.objects.update(status="failed", error="503: The provider is down.")
    DeliveryAttemptFactory.create(notification=row, outcome="transient", provider_code="503")
    assert "Failed" in seen(client.get(url))
    assert "503" in seen(client.get(url))
    assert LogEntry.objects.first() is not None
    assert operator(SEE, CHANGE).get(url).status_code == 404, "of nobody else"


def test_a_test_of_a_paused_channel_says_what_it_waits_for() -> None:
    _user, client = somebody(SEE, CHANGE)
    pause("email", until=None, reason="Contract ended", by="staff:9")
    page = seen(client.post(f"{PAGE}email/test/", {"test_id": str(uuid.uuid4())}, follow=True))
    assert "Load the page again E-mail: Queued" in page
    assert page.count("Contract ended") >= 2


@pytest.mark.parametrize("form", [{}, {"test_id": "7"}])
def test_a_form_that_is_not_ours_sends_nothing(form: dict[str, str]) -> None:
    _user, client = somebody(SEE, CHANGE)
    client.post(f"{PAGE}email/test/", form)
    assert not Notification.objects.exists()


@pytest.mark.parametrize("permissions", [(SEE,), ()])
def test_a_test_needs_the_right_to_change_channels(permissions: tuple[str, ...]) -> None:
    _user, client = somebody(*permissions)
    assert client.post(f"{PAGE}email/test/", {"test_id": str(uuid.uuid4())}).status_code == 403
    assert not Notification.objects.exists()


def test_another_message_is_no_test() -> None:
    _user, client = somebody(SEE, CHANGE)
    row = NotificationFactory.create()
    assert client.get(f"{PAGE}tests/{row.pk}/").status_code == 404
    assert "Your test" not in seen(client.get(f"{PAGE}?test={row.pk}"))
    assert told(client.get(f"{PAGE}?test=x")) == []
