"""The first page and the sidebar: figures for those who may see them, links that never lead to a refusal."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.admin_home import in_words
from notifications.channel_state import pause
from notifications.models import Notification
from tests.notification_factories import NotificationFactory
from tests.operators import VIEW, operator, seen

pytestmark = pytest.mark.django_db
HOME = "/admin/"


def links(response: Any) -> dict[str, str]:
    """The sidebar's links by title."""
    return {
        str(item["title"]): str(item["link"])
        for group in response.context["sidebar_navigation"]
        for item in group["items"]
    }


def test_it_shows_the_day_by_status_and_channel_and_what_waits() -> None:
    now = timezone.now()
    NotificationFactory.create_batch(3, status="sent")
    NotificationFactory.create_batch(2, status="failed", channel="sms")
    NotificationFactory.create(status="cancelled")
    NotificationFactory.create(status="queued", scheduled_at=now - dt.timedelta(minutes=7))
    NotificationFactory.create(status="queued", scheduled_at=now + dt.timedelta(hours=1))
    old = NotificationFactory.create(status="failed")
    Notification.objects.filter(pk=old.pk).update(created_at=now - dt.timedelta(hours=25))
    pause("push", until=now + dt.timedelta(hours=2), reason="Keys are wrong", by="postroom")

    response = operator(VIEW).get(HOME)
    tiles = {str(tile.name): (tile.figure, tile.tone) for tile in response.context["tiles"]}
    assert tiles == {
        "Due now": ("1", "warn"),
        "Sent": ("3", ""),
        "Failed": ("2", "bad"),
        "Withheld": ("1", ""),
    }
    page = seen(response)
    assert "oldest waits 7 minutes" in page
    assert "E-mail Open 2 0 3 0 1 1 7 minutes" in page
    assert "SMS Open 0 0 0 2 0 0 –" in page
    assert "Paused until" in page
    assert "Keys are wrong" in page


def test_what_waits_on_a_paused_channel_is_no_alarm() -> None:
    NotificationFactory.create(status="queued", scheduled_at=timezone.now() - dt.timedelta(hours=3))
    pause("email", until=timezone.now() + dt.timedelta(hours=2), reason="Holiday", by="staff:1")
    [due, *_] = operator(VIEW).get(HOME).context["tiles"]
    assert (due.figure, due.tone) == ("1", "")


def test_an_empty_system_says_that_nothing_waits() -> None:
    page = seen(operator("*").get(HOME))
    assert "nothing waits" in page
    assert "booking_reminders" in page
    assert "Never ran" in page


def test_the_cost_does_not_grow_with_the_rows(django_assert_num_queries: Any) -> None:
    client = operator("*")
    NotificationFactory.create(status="queued")
    client.get(HOME)
    with CaptureQueriesContext(connection) as captured:
        client.get(HOME)
    NotificationFactory.create_batch(30, status="queued")
    with django_assert_num_queries(len(captured)):
        client.get(HOME)


def test_figures_are_for_those_who_may_see_their_rows() -> None:
    NotificationFactory.create(status="failed")
    nobody = operator().get(HOME)
    assert "Your account may not see any figures" in seen(nobody)
    assert "tiles" not in nobody.context
    assert "jobs" not in nobody.context
    jobs_only = operator("jobs.view_jobrun").get(HOME)
    assert "tiles" not in jobs_only.context
    assert "booking_reminders" in seen(jobs_only)


def test_the_sidebar_holds_only_what_its_reader_may_open() -> None:
    assert links(operator().get(HOME)) == {"Home": HOME}
    assert links(operator(VIEW).get(HOME)) == {"Home": HOME, "Queue": "/admin/notifications/notification/"}


def test_every_link_of_the_sidebar_opens_and_none_is_missing() -> None:
    from django.contrib import admin

    client = operator("*")
    found = links(client.get(HOME))
    assert len(found) == len(admin.site._registry) + 1
    for title, link in found.items():
        assert client.get(link).status_code == 200, title


def test_it_says_that_this_is_the_sandbox() -> None:
    assert "Sandbox" in seen(operator(VIEW).get("/admin/notifications/notification/"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (7200, "2 hours"),
        (172_800, "2 days"),
    ],
)
def test_an_age_in_words(seconds: int, words: str) -> None:
    assert in_words(dt.timedelta(seconds=seconds)) == words
