"""The first page and the sidebar: figures for those who may see them, links that never lead to a refusal."""

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.audit.words import SIGNED_IN
from config.dashboard.amounts import in_words, share, took
from config.second_factor import write_down
from jobs.runner import run
from notifications.category_stop import stop
from notifications.channel_state import pause
from notifications.models import DrainWatch, Notification, SendingDay, TrafficFold
from notifications.open_texts import decide
from notifications.traffic.buckets import Percentile
from notifications.traffic.fold import fold
from notifications.traffic.period import Period, span
from tests.catalogue import Install
from tests.notification_factories import DeliveryAttemptFactory, NotificationFactory, ProviderEventFactory
from tests.operators import VIEW, operator, operator_user, seen

pytestmark = pytest.mark.django_db
HOME, LIVE = "/admin/", "/admin/home/"
MINUTE = dt.timedelta(minutes=1)


def links(response: Any) -> dict[str, str]:
    """The sidebar's links by title."""
    return {
        str(item["title"]): str(item["link"])
        for group in response.context["sidebar_navigation"]
        for item in group["items"]
    }


def drain_alive() -> None:
    later = timezone.now() + dt.timedelta(hours=1)
    DrainWatch.objects.create(alive_until=later, listening_until=later)


def matters(response: Any) -> list[tuple[str, str]]:
    return [(matter.gravity.tone, matter.title) for matter in response.context["matters"]]


def attempted(row: Notification, **given: Any) -> None:
    DeliveryAttemptFactory.create(
        notification=row, outcome="sent" if row.status == "sent" else "permanent", **given
    )


def ended_at(row: Notification, at: dt.datetime) -> None:
    """As if it had been asked for long before, and ended then."""
    facts = {
        **row.metadata,
        "withheld": {**row.metadata.get("withheld", {}), "at": at.astimezone(dt.UTC).isoformat()},
    }
    Notification.objects.filter(pk=row.pk).update(
        created_at=at - dt.timedelta(days=400),
        scheduled_at=at,
        last_attempt_at=None if row.status == "cancelled" else at,
        **({"metadata": facts} if row.status == "cancelled" else {}),
    )
    if row.status != "cancelled":
        attempted(row, started_at=at, finished_at=at)


# ── The queue, the channels, what went through ──────────────────────────────────────────────────────────
def test_it_shows_the_queue_by_state_and_channel_and_what_went_through() -> None:
    now = timezone.now()
    for row in NotificationFactory.create_batch(3, status="sent"):
        attempted(row)
    for row in NotificationFactory.create_batch(2, status="failed", channel="sms"):
        attempted(row, provider="twilio", provider_code="30005")
    NotificationFactory.create(status="cancelled")
    NotificationFactory.create(status="queued", scheduled_at=now - 7 * MINUTE)
    NotificationFactory.create(status="queued", scheduled_at=now + dt.timedelta(hours=1))
    pause("push", until=now + dt.timedelta(hours=2), reason="Keys are wrong", by="postroom")

    response = operator(VIEW).get(HOME)
    tiles = {str(tile.name): (tile.figure, tile.tone) for tile in response.context["tiles"]}
    assert tiles == {
        "Due now": ("1", "warn"),
        "For later": ("1", ""),
        "In flight": ("0", ""),
        "Sent": ("3", ""),
        "Failed": ("2", "bad"),
        "Withheld": ("1", ""),
    }
    page = seen(response)
    assert "oldest waits 7 minutes" in page
    assert "E-mail Open 1 7 minutes 1 0 3 0 1" in page
    assert "SMS Open 0 – 0 0 0 2 0" in page
    assert "Push Refused by the provider until" in page
    assert "Keys are wrong" in page
    assert "twilio Permanent failure 30005 2 100.0" in page
    assert "consent.revoked 1 100.0" in page


def test_what_went_through_is_the_same_before_and_after_it_is_counted() -> None:
    """Read live at first, from the table later."""
    fold(now=timezone.now() - dt.timedelta(hours=1))
    for status in ("sent", "failed"):
        attempted(NotificationFactory.create(status=status, scheduled_at=timezone.now() - 2 * MINUTE))
    client = operator(VIEW)
    for period in ("hour", "day", "week", "month", "year"):
        before = client.get(f"{HOME}?period={period}").context["traffic"].totals
        assert [total.count for total in before] == ["1", "1", "0"]
    fold(now=timezone.now() + MINUTE)
    for period in ("hour", "day", "week", "month", "year"):
        found = client.get(f"{HOME}?period={period}").context["traffic"]
        assert [total.count for total in found.totals] == ["1", "1", "0"], period
        assert sum(found.chart["series"][0]["values"]) == 1


def test_the_charts_are_data_with_units_and_a_table_that_says_the_same() -> None:
    attempted(
        NotificationFactory.create(status="sent", scheduled_at=timezone.now() - 40 * dt.timedelta(seconds=1))
    )
    response = operator(VIEW).get(f"{HOME}?period=hour")
    body = response.content.decode()
    found = re.search(r'<script id="ho-traffic-data" type="application/json">(.*?)</script>', body)
    assert found is not None
    chart = json.loads(found[1])
    assert (chart["y"], len(chart["labels"])) == ("messages a minute", 60)
    assert [one["name"] for one in chart["series"]] == ["Sent", "Failed", "Withheld"]
    table = response.context["traffic"].pieces
    assert [label for label, _counts in table] == chart["labels"]
    assert [counts[0] for _label, counts in table] == [str(value) for value in chart["series"][0]["values"]]
    speed = response.context["traffic"].speeds[0]
    assert (speed.name, speed.calls[0]) == ("E-mail", "150\xa0ms")
    assert speed.waits[0].endswith("\xa0s")


def test_an_unknown_period_is_the_day() -> None:
    assert operator(VIEW).get(f"{HOME}?period=aeon").context["period"] == "day"


def test_each_figure_leads_to_the_list_behind_it() -> None:
    attempted(NotificationFactory.create(status="failed", error="550: x"), provider_code="550")
    NotificationFactory.create(status="cancelled")
    NotificationFactory.create(
        status="failed", error="outcome_unknown: timeout", metadata={"outcome_unknown": True}
    )
    run_links = operator("*").get(HOME)
    hrefs = set(re.findall(r'href="(/admin/(?:notifications|jobs)/[^"]*)"', run_links.content.decode()))
    shown = {href.replace("&amp;", "&") for href in hrefs if "?" in href}
    assert any("error_class=550" in href for href in shown)
    assert any("error_class=outcome_unknown" in href for href in shown)
    assert any("withheld=consent.revoked" in href for href in shown)
    client = operator("*")
    for href in sorted(shown):
        assert client.get(href).status_code == 200, href


def test_an_empty_system_says_so_everywhere() -> None:
    page = seen(operator("*").get(HOME))
    assert "nothing waits" in page
    assert "Nothing went through in this time." in page
    assert "No provider was called in this time." in page
    assert "booking_reminders" in page
    assert "Never ran" in page


# ── What needs attention first ──────────────────────────────────────────────────────────────────────────
def test_where_nothing_is_wrong_it_says_that_all_is_well() -> None:
    drain_alive()
    response = operator(VIEW).get(HOME)
    assert matters(response) == []
    assert "All is well: nothing needs you now." in seen(response)


def test_the_gravest_comes_first_each_with_where_it_is_mended(install: Install) -> None:
    now = timezone.now()

    def fail(**_given: Any) -> Any:
        raise RuntimeError("the ledger is closed")

    install(fail)
    run("probe", now=now, trigger="command")
    pause("sms", until=now + dt.timedelta(hours=2), reason="Moved", by="staff:1")
    NotificationFactory.create(status="queued", scheduled_at=now - 40 * MINUTE)
    NotificationFactory.create(status="failed", error="550: x")
    NotificationFactory.create(
        status="failed", error="outcome_unknown: timeout", metadata={"outcome_unknown": True}
    )
    stop(channel="email", category="marketing", reason="Too many complaints.", by="postroom")
    ProviderEventFactory.create(attempts=99)
    ProviderEventFactory.create(event_type="inbound", outcome="unclear", applied_at=now)
    TrafficFold.objects.create(folded_at=now - dt.timedelta(hours=2))

    response = operator("*").get(HOME)
    assert matters(response) == [
        ("bad", "SMS: Paused"),
        ("bad", "The oldest due message has waited for 40 minutes"),
        ("bad", "E-mail: Marketing is held back"),
        ("bad", "1 message may have been sent, or not"),
        ("bad", "1 report of a provider could not be applied"),
        ("warn", "1 failed message waits for a person"),
        ("warn", "The charts are behind: last counted 2 hours ago"),
        ("warn", "1 text from a customer is unclear"),
        ("warn", "probe fails"),
    ]
    client = operator("*")
    for matter in response.context["matters"]:
        if matter.url:
            assert client.get(matter.url).status_code == 200, matter.url
    assert sum(bool(matter.url) for matter in response.context["matters"]) == 8


def test_a_paused_channel_is_named_and_what_waits_on_it_is_no_alarm_of_its_own() -> None:
    drain_alive()
    NotificationFactory.create(status="queued", scheduled_at=timezone.now() - dt.timedelta(hours=3))
    pause("email", until=timezone.now() + dt.timedelta(hours=2), reason="Holiday", by="staff:1")
    response = operator(VIEW).get(HOME)
    [due, *_] = response.context["tiles"]
    assert (due.figure, due.tone, due.note) == ("1", "", "waits: E-mail is paused")
    assert matters(response) == [("bad", "E-mail: Paused")]
    assert "Holiday · 1 message waits" in seen(response)
    NotificationFactory.create(status="queued", channel="sms", scheduled_at=timezone.now() - 7 * MINUTE)
    assert operator(VIEW).get(HOME).context["tiles"][0].note == "oldest waits 7 minutes"
    pause("sms", until=timezone.now() + dt.timedelta(hours=2), reason="Moved", by="staff:1")
    assert operator(VIEW).get(HOME).context["tiles"][0].note == "wait: E-mail, SMS are paused"


@pytest.mark.parametrize(
    ("period", "apart"),
    [("hour", MINUTE), ("day", 60 * MINUTE), ("week", 60 * MINUTE), ("month", 2880 * MINUTE), ("year", 2880 * MINUTE)],
    ids=["hour", "day", "week", "month", "year"],
)  # fmt: skip
def test_the_list_behind_a_figure_of_a_period_holds_what_it_counts(period: str, apart: dt.timedelta) -> None:
    now = timezone.now()
    since = span(Period(period), now=now, zone=timezone.get_current_timezone()).since
    for at, count in ((since + apart, 2), (since - apart, 3)):
        for status in ("sent", "failed", "cancelled"):
            for row in NotificationFactory.create_batch(count, status=status):
                ended_at(row, at)
    fold(now=now)
    client = operator(VIEW)
    response = client.get(f"{HOME}?period={period}")
    totals = response.context["traffic"].totals
    channel = response.context["channels"][0]
    led = [(one.count, one.url) for one in totals] + list(channel.ended)
    led += [(row.count, row.url) for row in response.context["traffic"].rules]
    assert [count for count, _url in led] == ["2"] * 7
    for _count, url in led:
        assert len(client.get(url).context["cl"].result_list) == 2, url


def test_many_complaints_are_told_before_marketing_is_stopped() -> None:
    drain_alive()
    SendingDay.objects.create(
        domain="rental.example", day=timezone.localdate(), delivered=10_000, complained=9
    )
    [(tone, title)] = matters(operator(VIEW).get(HOME))
    assert (tone, title.split(" of ")[0]) == ("warn", "0.09%")


def test_a_text_of_which_somebody_said_what_came_of_it_is_no_matter_any_more() -> None:
    drain_alive()
    now = timezone.now()
    row = ProviderEventFactory.create(event_type="inbound", outcome="unclear", applied_at=now)
    client = operator("*")
    assert matters(client.get(HOME)) == [("warn", "1 text from a customer is unclear")]
    decide(row.pk, what="answered", by="staff:1", reason="Called her back", now=now)
    assert matters(client.get(HOME)) == []


# ── Who may see what, and what it costs ─────────────────────────────────────────────────────────────────
def test_the_cost_does_not_grow_with_the_rows(django_assert_num_queries: Any) -> None:
    client = operator("*")
    attempted(NotificationFactory.create(status="sent"))
    NotificationFactory.create(status="queued")
    client.get(HOME)
    with CaptureQueriesContext(connection) as captured:
        client.get(HOME)
    assert len(captured) <= 30
    NotificationFactory.create_batch(30, status="queued")
    for row in NotificationFactory.create_batch(30, status="failed"):
        attempted(row)
    with django_assert_num_queries(len(captured)):
        client.get(HOME)


def test_figures_are_for_those_who_may_see_their_rows() -> None:
    NotificationFactory.create(status="failed")
    ProviderEventFactory.create(attempts=99)
    nobody = operator().get(HOME)
    assert "Your account may not see any figures" in seen(nobody)
    for part in ("tiles", "traffic", "channels", "jobs", "matters"):
        assert part not in nobody.context
    jobs_only = operator("jobs.view_jobrun").get(HOME)
    assert "tiles" not in jobs_only.context
    assert "traffic" not in jobs_only.context
    assert "booking_reminders" in seen(jobs_only)
    assert matters(jobs_only) == []


def test_who_may_not_open_a_list_is_not_led_there() -> None:
    pause("sms", until=timezone.now() + dt.timedelta(hours=2), reason="Moved", by="staff:1")
    response = operator(VIEW).get(HOME)
    assert "/admin/notifications/channelstate/" not in response.content.decode()
    assert "/admin/jobs/" not in response.content.decode()


def test_the_fragment_is_the_inside_of_the_page_and_as_guarded() -> None:
    client = operator(VIEW)
    fragment = client.get(f"{LIVE}?period=week")
    assert "<html" not in fragment.content.decode()
    assert 'id="ho-traffic-data"' in fragment.content.decode()
    assert "tiles" not in operator().get(LIVE).context
    assert client.post(LIVE).status_code == 405
    client.logout()
    assert client.get(LIVE).status_code == 302


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


# ── Words ───────────────────────────────────────────────────────────────────────────────────────────────
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


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(3, "3 ms"), (124, "120 ms"), (999, "1.0 s"), (1440, "1.4 s"), (43_000, "43 s"), (90_000, "1.5 min"), (7_200_000, "2.0 h")],
)  # fmt: skip
def test_a_length_in_words(milliseconds: float, words: str) -> None:
    assert took(Percentile(milliseconds)) == words.replace(" ", "\xa0")


def test_a_length_beyond_the_last_bucket_and_none_at_all() -> None:
    assert took(Percentile(21_600_000, is_beyond=True)) == "> 6.0\xa0h"
    assert took(None) == "–"


def test_a_share_that_is_tiny_is_not_called_nothing() -> None:
    assert (share(1, 10_000), share(0, 9), share(1, 8)) == ("< 0.1 %", "–", "12.5\xa0%")


def test_what_one_did_last_is_said_in_words_and_signing_in_is_no_deed(client: Client) -> None:
    user = operator_user(username="olive")
    for text in ("cancel: a typing error", "replay (3 of 5): the provider is up again"):
        write_down(user, text)
    for _ in range(9):
        write_down(user, SIGNED_IN)
    write_down(operator_user(username="ben"), "stop: too many complaints")
    client.force_login(user)
    page = client.get(HOME)
    assert [entry.change_message.partition(":")[0] for entry, _said in page.context["own_acts"]] == [
        "replay (3 of 5)",
        "cancel",
    ]
    told = page.content.decode()
    assert "Replay (3 of 5): the provider is up again" in told
    assert "Cancel: a typing error" in told
    assert "signed-in" not in told
