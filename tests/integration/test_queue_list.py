"""The queue's list: its tabs and their counts, filters that survive and that say when they mean nothing, and how far they look."""

import datetime as dt
import uuid
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from django.utils import timezone

from jobs.models import JobRun
from notifications.admin import reach
from notifications.models import Notification, ProviderEvent
from notifications.origin import origin
from tests.messages import queued
from tests.notification_factories import NotificationFactory
from tests.operators import QUEUE, REPLAY, VIEW, operator, seen

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


def ids(response: Any) -> list[uuid.UUID]:
    assert response.status_code == 200, (response.status_code, response.get("Location"))
    return [row.pk for row in response.context["cl"].result_list]


def tabs(response: Any) -> dict[str, str]:
    return {str(tab.standing.label): str(tab.count) for tab in response.context["tabs"]}


def a_run(job: str) -> JobRun:
    now = timezone.now()
    return JobRun.objects.create(
        job_name=job,
        moment=now,
        started_at=now,
        finished_at=now,
        lease_until=now,
        status="success",
        trigger="command",
    )


@pytest.fixture
def one_of_each() -> dict[str, Notification]:
    now = timezone.now()
    return {
        "due": NotificationFactory.create(scheduled_at=now - HOUR),
        "scheduled": NotificationFactory.create(scheduled_at=now + HOUR),
        "processing": NotificationFactory.create(status="processing"),
        "sent": NotificationFactory.create(status="sent"),
        "failed": NotificationFactory.create(status="failed"),
        "outcome_unknown": NotificationFactory.create(status="failed", error="outcome_unknown: timeout"),
        "cancelled": NotificationFactory.create(status="cancelled"),
    }


# ── Tabs ────────────────────────────────────────────────────────────────────────────────────────────────
def test_each_tab_shows_its_rows_and_how_many_there_are(one_of_each: dict[str, Notification]) -> None:
    client = operator(VIEW)
    for name, row in one_of_each.items():
        page = client.get(QUEUE, {"status__exact": name})
        expected = {row.pk} | ({one_of_each["outcome_unknown"].pk} if name == "failed" else set())
        assert set(ids(page)) == expected, name
        assert tabs(page) == {
            "All": "7", "Due now": "1", "Scheduled": "1", "Processing": "1", "Sent": "1", "Failed": "2",
            "Outcome unknown": "1", "Withheld": "1",
        }  # fmt: skip
    both = client.get(QUEUE, {"status__exact": "queued"})
    assert set(ids(both)) == {one_of_each["due"].pk, one_of_each["scheduled"].pk}
    assert [str(tab.standing.label) for tab in both.context["tabs"] if tab.is_current] == ["Queued"]


def test_what_waited_longest_and_what_goes_out_next_come_first() -> None:
    now = timezone.now()
    late, later = (NotificationFactory.create(scheduled_at=now - n * HOUR) for n in (1, 2))
    next_, last = (NotificationFactory.create(scheduled_at=now + n * HOUR) for n in (1, 2))
    client = operator(VIEW)
    assert ids(client.get(QUEUE, {"status__exact": "due"})) == [later.pk, late.pk]
    assert ids(client.get(QUEUE, {"status__exact": "scheduled"})) == [next_.pk, last.pk]


def test_a_filtered_list_shows_no_counts_of_what_is_not_filtered(
    one_of_each: dict[str, Notification],
) -> None:
    page = operator(VIEW).get(QUEUE, {"channel__exact": "email"})
    assert set(tabs(page).values()) == {"None"}
    assert all("channel__exact=email" in tab.url for tab in page.context["tabs"])


def test_only_what_an_index_holds_can_be_sorted_by() -> None:
    old, new = (
        NotificationFactory.create(attempts=3, status="sent"),
        NotificationFactory.create(attempts=1, status="sent"),
    )
    client = operator(VIEW)
    attempts = client.get(QUEUE).context["cl"].list_display.index("attempts")
    for direction in ("", "-"):
        page = client.get(QUEUE, {"o": f"{direction}{attempts}"})
        assert ids(page) == [new.pk, old.pk]
    asked = client.get(QUEUE).context["cl"].list_display.index("asked")
    assert ids(client.get(QUEUE, {"o": str(asked)})) == [old.pk, new.pk]


# ── Filters ─────────────────────────────────────────────────────────────────────────────────────────────
def test_it_filters_by_job_run_and_customer() -> None:
    run = a_run("sla_monitor")
    mine = NotificationFactory.create(
        metadata={"origin": {"job": "sla_monitor", "run": str(run.pk)}}, recipient_key="customer:C-7"
    )
    other = NotificationFactory.create(metadata={"origin": {"job": "sla_monitor", "run": str(uuid.uuid4())}})
    NotificationFactory.create()
    client = operator(VIEW)
    assert set(ids(client.get(QUEUE, {"job": "sla_monitor"}))) == {mine.pk, other.pk}
    assert ids(client.get(QUEUE, {"run": str(run.pk)})) == [mine.pk]
    assert ids(client.get(QUEUE, {"customer": "C-7"})) == [mine.pk]
    assert ids(client.get(QUEUE, {"customer": "C-7", "status__exact": "sent"})) == []


def test_a_run_keeps_its_mark_on_what_the_street_makes_of_it(templates: None) -> None:
    run = a_run("sla_monitor")
    with origin(job="sla_monitor", run=str(run.pk)):
        row = queued()
    assert ids(operator(VIEW).get(QUEUE, {"run": str(run.pk), "job": "sla_monitor"})) == [row.pk]


def test_dates_are_read_by_the_operators_clock(settings: Any) -> None:
    settings.TIME_ZONE = "America/Moncton"
    row = NotificationFactory.create()
    Notification.objects.filter(pk=row.pk).update(created_at=dt.datetime(2026, 7, 1, 15, 30, tzinfo=dt.UTC))
    client = operator(VIEW)
    # 12:30 there.
    assert ids(
        client.get(QUEUE, {"created_at__gte": "2026-07-01T12:30", "created_at__lt": "2026-07-01T12:31"})
    )
    assert not ids(client.get(QUEUE, {"created_at__gte": "2026-07-01T12:31"}))
    assert ids(client.get(QUEUE, {"created_at__gte": "2026-07-01", "created_at__lt": "2026-07-02"}))
    assert ids(
        client.get(
            QUEUE, {"created_at__gte": "2026-07-01T15:29:00+00:00", "created_at__lt": "2026-07-01T15:31Z"}
        )
    )
    page = client.get(QUEUE, {"created_at__gte": "2026-07-01T15:29:00+00:00"})
    assert 'value="2026-07-01T12:29"' in page.content.decode()


@pytest.mark.parametrize(
    ("period", "hours", "is_in"), [("hour", 0.5, True), ("hour", 2, False), ("week", 100, True)]
)
def test_a_period_ends_now(period: str, hours: float, is_in: bool) -> None:
    row = NotificationFactory.create()
    Notification.objects.filter(pk=row.pk).update(created_at=timezone.now() - hours * HOUR)
    assert bool(ids(operator(VIEW).get(QUEUE, {"period": period}))) is is_in


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status__exact", "done"), ("channel__exact", "fax"), ("category__exact", "'"), ("template__id__exact", "7"),
        ("template__id__exact", "0b0f7c1e-6f2e-4c43-9d2b-0d8f6a1c2b3d"), ("feedback", "opened"), ("job", "nobody"),
        ("run", "x"), ("run", "0b0f7c1e-6f2e-4c43-9d2b-0d8f6a1c2b3d"), ("customer", "marie@example.com"), ("period", "year"),
        ("created_at__gte", "yesterday"), ("created_at__lt", "2026-13-01"), ("created_at__lt", "0001-01-01T00:00"),
        ("error_class", "\0"), ("customer", "a\0b"),
    ],
)  # fmt: skip
def test_a_value_that_means_nothing_finds_nothing_and_the_page_says_so(name: str, value: str) -> None:
    NotificationFactory.create(status="failed")
    page = operator(VIEW, REPLAY).get(QUEUE, {name: value})
    assert ids(page) == []
    assert "so nothing is shown." in seen(page)


def test_an_act_on_all_that_match_a_meaningless_filter_is_about_nothing() -> None:
    row = NotificationFactory.create(status="failed")
    client = operator(VIEW, REPLAY)
    asked = {"action": "replay", "select_across": "1", "_selected_action": [str(row.pk)]}
    assert "There is nothing to do" not in seen(client.post(f"{QUEUE}?status__exact=failed", asked))
    assert "Replay (1)" not in seen(client.post(f"{QUEUE}?feedback=nonsense", asked, follow=True))


def test_a_filter_that_the_list_does_not_have_is_named() -> None:
    page = operator(VIEW).get(QUEUE, {"state": "failed", "channel__exact": "sms"})
    assert page.status_code == 400
    assert "asks for state" in page.content.decode()
    assert f'href="{QUEUE}?channel__exact=sms"' in page.content.decode()


def test_chips_name_the_filters_and_take_each_off() -> None:
    page = operator(VIEW).get(f"{QUEUE}?channel__exact=sms&period=week&status__exact=failed&q=x&p=3")
    chips = {chip.title: chip for chip in page.context["cl"].chips()}
    assert {title: chip.value for title, chip in chips.items()} == {
        "channel": "SMS",
        "asked for": "Last 7 days",
    }
    left = parse_qs(urlsplit(chips["channel"].without).query)
    assert left == {"period": ["week"], "status__exact": ["failed"], "q": ["x"]}
    assert parse_qs(urlsplit(page.context["cl"].without_filters()).query) == {
        "status__exact": ["failed"],
        "q": ["x"],
    }


# ── How far ─────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters look through two rows."""
    monkeypatch.setattr("consent.admin_reach.REACH", 2)
    monkeypatch.setattr(reach, "estimated", lambda _rows: 10)


@pytest.mark.usefixtures("near")
def test_what_no_index_holds_is_looked_for_among_the_newest_and_the_page_says_so() -> None:
    for hours in range(5):
        row = NotificationFactory.create(
            category="marketing" if hours == 4 else "reminder", recipient_key="customer:7"
        )
        Notification.objects.filter(pk=row.pk).update(created_at=timezone.now() - hours * HOUR)
    client = operator(VIEW)
    page = client.get(QUEUE, {"category__exact": "marketing"})
    assert ids(page) == []
    assert "These filters look through 2 messages at a time" in seen(page)
    elsewhere = client.get(
        QUEUE, {"category__exact": "marketing", "created_at__lt": (timezone.now() - 3 * HOUR).isoformat()}
    )
    assert ids(elsewhere) == [row.pk]
    assert "look through" not in seen(elsewhere)
    for narrow in ({"customer": "7"}, {"q": str(row.pk)}):
        assert ids(client.get(QUEUE, {"category__exact": "marketing", **narrow})) == [row.pk]
    assert len(ids(client.get(QUEUE))) == 5


@pytest.mark.usefixtures("near")
def test_a_tab_is_looked_through_from_where_it_begins() -> None:
    now = timezone.now()
    rows = [NotificationFactory.create(channel="sms", scheduled_at=now - n * HOUR) for n in range(1, 6)]
    page = operator(VIEW).get(QUEUE, {"status__exact": "due", "channel__exact": "sms"})
    assert ids(page) == [row.pk for row in reversed(rows[2:])], "the third is where looking ends"


@pytest.mark.usefixtures("near")
def test_since_when_does_not_move_the_end_of_a_tab_in_another_order() -> None:
    now = timezone.now()
    rows = [
        NotificationFactory.create(channel="sms", status="failed", scheduled_at=now - n * HOUR)
        for n in range(5)
    ]
    page = operator(VIEW).get(QUEUE, {"status__exact": "failed", "channel__exact": "sms", "period": "hour"})
    assert ids(page) == [row.pk for row in rows[:3]]
    assert "These filters look through 2 messages at a time" in seen(page)


def test_what_went_wrong_is_found_by_the_newest_reports_and_the_page_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = timezone.now()
    rows = [NotificationFactory.create(status="sent", feedback="bounced", feedback_at=now) for _ in range(3)]
    for row in rows:
        ProviderEvent.objects.create(
            provider="sendgrid",
            event_id=str(row.pk),
            event_type="bounced",
            notification_id=row.pk,
            occurred_at=now,
        )
    client = operator(VIEW)
    page = client.get(QUEUE, {"feedback": "bounced"})
    assert set(ids(page)) == {row.pk for row in rows}
    assert "older ones are not looked for" not in seen(page)
    monkeypatch.setattr("notifications.admin.filters.NEWEST_REPORTS", 2)
    page = client.get(QUEUE, {"feedback": "bounced"})
    assert set(ids(page)) == {row.pk for row in rows[1:]}
    assert "looks at the newest 2 reports: older ones are not looked for." in seen(page)


# ── From a message and back ─────────────────────────────────────────────────────────────────────────────
def test_a_message_leads_back_to_its_list_and_to_those_beside_it() -> None:
    now = timezone.now()
    rows = [NotificationFactory.create(status="failed", scheduled_at=now - n * HOUR) for n in range(3)]
    NotificationFactory.create(status="sent", scheduled_at=now - HOUR)
    client = operator(VIEW)
    kept = urlencode({"_changelist_filters": "status__exact=failed"})
    listed = client.get(f"{QUEUE}?status__exact=failed").content.decode()
    assert f"{QUEUE}{rows[1].pk}/change/?{kept}" in listed
    place = client.get(f"{QUEUE}{rows[1].pk}/change/?{kept}").context["in_list"]
    assert place.back == f"{QUEUE}?status__exact=failed"
    assert (place.before, place.after) == tuple(f"{QUEUE}{rows[n].pk}/change/?{kept}" for n in (0, 2))
    ends = client.get(f"{QUEUE}{rows[2].pk}/change/?{kept}").context["in_list"]
    assert (bool(ends.before), ends.after) == (True, "")
    assert client.get(f"{QUEUE}{rows[2].pk}/change/").context["in_list"].back == QUEUE


@pytest.mark.parametrize(
    "kept", ["status__exact=nonsense", "a=b&payload__x=y", "%00", "p=9&o=zz", "q=marie%40example.com"]
)
def test_a_list_that_cannot_be_is_no_reason_not_to_show_the_message(kept: str) -> None:
    row = NotificationFactory.create()
    assert operator(VIEW).get(f"{QUEUE}{row.pk}/change/", {"_changelist_filters": kept}).status_code == 200


# ── Live ────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_tabs_say_what_came_since_without_moving_the_list() -> None:
    NotificationFactory.create(status="failed")
    client = operator(VIEW)
    page = client.get(f"{QUEUE}?channel__exact=email")
    live = page.context["live_url"]
    assert "new" not in client.get(live).content.decode().split("States")[1]
    NotificationFactory.create_batch(2)
    NotificationFactory.create(channel="sms")
    fragment = client.get(live).content.decode()
    assert "2 new: show them" in fragment
    assert f'href="{QUEUE}?channel__exact=email"' in fragment
    assert operator("notifications.view_inboxitem").get(live).status_code == 403
    assert client.get(f"{QUEUE}tabs/?shown_at=soon").status_code == 200


@pytest.mark.parametrize(
    "shown_at", ["2026-13-45T10:00:00+00:00", "0001-01-01T00:00:00+14:00", "\0", "x" * 5000]
)
def test_the_tabs_take_any_moment_for_when_the_list_was_shown(shown_at: str) -> None:
    response = operator(VIEW).get(f"{QUEUE}tabs/", {"shown_at": shown_at})
    assert response.status_code == 200
    assert response.context["new"] == 0


@pytest.mark.parametrize(
    "query",
    ["q=%00", "p=99999999999999999999", "p=-1", "o=99.-98.x", "q=" + "x" * 3000, "created_at__gte=0001-01-01", "run=%00",
     "customer=%00", "template__id__exact=7", "status__exact=failed&status__exact=sent", "q=%F0%9F%90%BC", "q=%ED%A0%80"],
)  # fmt: skip
def test_no_query_string_breaks_the_list_nor_a_page_that_one_reaches_from_it(query: str) -> None:
    row = NotificationFactory.create()
    client = operator(VIEW, "notifications.view_notificationhistory")
    kept = quote(query)
    for address in (
        f"{QUEUE}?{query}",
        f"{QUEUE}tabs/?{query}",
        f"{QUEUE}{row.pk}/change/?_changelist_filters={kept}",
    ):
        assert client.get(address, follow=True).status_code in (200, 400)


def test_the_list_is_french_where_the_words_are_ours() -> None:
    known, unknown = uuid.uuid4(), {"outcome_unknown": True}
    NotificationFactory.create(
        to={"customer_id": str(known)},
        status="failed",
        error="outcome_unknown: timeout: No answer came in time. Read timed out",
        metadata=unknown,
    )
    NotificationFactory.create(to={"erased": True}, status="failed", error="429: slow down")
    client = operator(VIEW)
    english = seen(client.get(QUEUE))
    for text in (
        f"customer …{str(known)[-8:]}",
        "No answer came in time. Read timed out",
        "somebody who was erased",
    ):
        assert text in english
    client.cookies["django_language"] = "fr"
    french = seen(client.get(QUEUE))
    for text in (
        f"client …{str(known)[-8:]}",
        "Aucune réponse n’est venue à temps.",
        "429: slow down",
        "À envoyer le",
    ):
        assert text in french
    assert "customer" not in french
    assert "somebody" not in french
