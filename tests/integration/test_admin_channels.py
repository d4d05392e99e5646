"""Channels in the admin: four of them whether they have a row or not, paused and resumed by POST with a reason."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from notifications.channel_state import MACHINE, Permit, open_channels, pause, permits, report
from notifications.errors import Transient
from notifications.models import ChannelState
from tests.operators import VIEW, operator, operator_user, seen, told

pytestmark = pytest.mark.django_db
PAGE = "/admin/notifications/channelstate/"
SEE = "notifications.view_channelstate"
CHANGE = "notifications.change_channelstate"
WHY = "SendGrid is down"


def typed(after: dt.timedelta) -> str:
    """A moment as the browser's field sends it: local, to the minute."""
    return timezone.localtime(timezone.now() + after).strftime("%Y-%m-%dT%H:%M")


def act(client: Client, channel: str, verb: str, **data: str) -> Any:
    return client.post(f"{PAGE}{channel}/{verb}/", data, follow=True)


def test_all_four_are_listed_and_a_pause_says_why_until_when_and_by_whom() -> None:
    pause("sms", until=timezone.now() + dt.timedelta(hours=2), reason="Twilio is slow", by="staff:99999")
    page = seen(operator(SEE).get(PAGE))
    assert page.count(" Open Breaker Closed Our rate limit no limit Due 0 Last refusals none") == 3
    for text in ("E-mail", "Paused Paused", "Push", "In-app", "Twilio is slow", "staff:99999"):
        assert text in page
    assert "Pause…" not in page, "no button without the right"


def test_pausing_stops_the_channel_and_is_on_record() -> None:
    user = operator_user(SEE, CHANGE)
    client = Client()
    client.force_login(user)
    response = act(client, "email", "pause", reason=WHY, until=typed(dt.timedelta(hours=2)))
    assert told(response) == ["E-mail is paused."]
    assert "email" not in open_channels(["email", "sms"])
    state = ChannelState.objects.get(pk="email")
    assert (state.reason, state.changed_by) == (WHY, f"staff:{user.pk}")
    assert state.paused_until is not None
    assert dt.timedelta(minutes=118) < state.paused_until - timezone.now() <= dt.timedelta(hours=2)
    [entry] = LogEntry.objects.all()
    assert (entry.object_id, entry.user_id) == ("email", user.pk)
    assert entry.change_message.startswith("pause until ")
    assert entry.change_message.endswith(WHY)


def test_resuming_opens_it_and_a_second_time_says_so() -> None:
    pause("email", until=timezone.now() + dt.timedelta(hours=2), reason=WHY, by="staff:99999")
    client = operator(SEE, CHANGE)
    assert told(act(client, "email", "resume", reason="It works again")) == ["E-mail sends again."]
    assert open_channels(["email"]) == ["email"]
    assert told(act(client, "email", "resume", reason="It works again")) == ["E-mail was open already."]
    [entry] = LogEntry.objects.all()
    assert entry.change_message == "resume: It works again"


def test_it_tells_every_stop_beside_the_others_and_what_led_there() -> None:
    report("email", [Transient("503")] * 20)
    pause("email", until=timezone.now() + dt.timedelta(minutes=15), reason="refuses us (401)", by=MACHINE)
    pause("email", until=None, reason="Contract ended", by="staff:99999")
    report("sms", [Transient("503")] * 3)
    report("push", [Transient("429", retry_after=dt.timedelta(minutes=1))])
    page = seen(operator(SEE).get(PAGE))
    assert "Paused Refused by the provider Breaker open Paused Contract ended" in page
    assert "Contract ended until somebody resumes it · staff:99999" in page
    assert "refuses us (401) until " in page
    assert "The provider fails, last with 503." in page
    assert "Closed · 3 faults in a row, it opens at 20" in page
    changes = page.partition("The last changes")[2]
    told_in_order = [
        changes.index(what)
        for what in ("· Paused: Contract", "· Refused by the provider", "· Breaker opened")
    ]
    assert told_in_order == sorted(told_in_order), "newest first"


def test_an_open_end_is_a_pause_until_somebody_resumes_and_resuming_closes_the_breaker_too() -> None:
    report("email", [Transient("503")] * 20)
    client, soon = operator(SEE, CHANGE), typed(dt.timedelta(hours=1))
    assert told(act(client, "email", "pause", reason=WHY, until="")) == ["E-mail is paused."]
    assert permits(["email"], wanted=1)["email"] == Permit(0, None)
    assert told(act(client, "email", "pause", reason=WHY, until=soon)) == [
        "E-mail is paused for longer already. Resume it first."
    ]
    assert told(act(client, "email", "resume", reason="Works")) == ["E-mail sends again."]
    assert permits(["email"], wanted=1)["email"] == Permit(1)
    assert [entry.change_message.split(":")[0] for entry in LogEntry.objects.order_by("pk")] == [
        "pause until resumed",
        "pause until " + soon.split(":")[0],
        "resume",
    ]


def test_a_longer_pause_stays_and_the_page_says_so() -> None:
    until = timezone.now() + dt.timedelta(hours=9)
    pause("email", until=until, reason="Longer", by="staff:99999")
    response = act(operator(SEE, CHANGE), "email", "pause", reason=WHY, until=typed(dt.timedelta(hours=1)))
    assert told(response) == ["E-mail is paused for longer already. Resume it first."]
    assert ChannelState.objects.get(pk="email").paused_until == until


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"reason": "", "until": typed(dt.timedelta(hours=1))}, "Give a reason"),
        ({"reason": WHY, "until": typed(-dt.timedelta(hours=1))}, "within the next 30 days"),
        ({"reason": WHY, "until": typed(dt.timedelta(days=31))}, "within the next 30 days"),
        ({"reason": WHY, "until": "tomorrow"}, "Enter a valid date/time"),
        ({"reason": "call +1 506 555 0123", "until": typed(dt.timedelta(hours=1))}, "Leave e-mail addresses"),
    ],
)
def test_a_pause_needs_a_reason_and_an_end(data: dict[str, str], complaint: str) -> None:
    response = act(operator(SEE, CHANGE), "email", "pause", **data)
    assert complaint in seen(response)
    assert '<details class="pr-card__body" open>' in response.content.decode(), "the form stays open"
    assert open_channels(["email"]) == ["email"]


@pytest.mark.parametrize("verb", ["pause", "resume"])
@pytest.mark.parametrize("permissions", [(SEE,), (SEE, VIEW, "notifications.delete_channelstate"), ()])
def test_without_the_right_it_is_refused(verb: str, permissions: tuple[str, ...]) -> None:
    pause("sms", until=timezone.now() + dt.timedelta(hours=2), reason=WHY, by="staff:99999")
    client = operator(*permissions)
    for channel in ("email", "sms"):
        data = {"reason": WHY, "until": typed(dt.timedelta(hours=1))}
        assert client.post(f"{PAGE}{channel}/{verb}/", data).status_code == 403
    assert open_channels(["email", "sms"]) == ["email"]


def test_a_get_and_an_unknown_channel_change_nothing() -> None:
    client = operator("*")
    assert client.get(f"{PAGE}email/pause/").status_code == 302
    assert (
        client.post(
            f"{PAGE}pigeon/pause/", {"reason": WHY, "until": typed(dt.timedelta(hours=1))}
        ).status_code
        == 404
    )
    assert operator(SEE, CHANGE, csrf=True).post(f"{PAGE}email/pause/", {"reason": WHY}).status_code == 403
    assert not ChannelState.objects.filter(paused_until__isnull=False).exists()


def test_a_single_channel_has_no_page_and_no_delete() -> None:
    pause("sms", until=timezone.now() + dt.timedelta(hours=2), reason=WHY, by="staff:99999")
    client = operator("*")
    assert client.get(f"{PAGE}sms/change/", follow=True).redirect_chain == [(PAGE, 302)]
    assert client.post(f"{PAGE}sms/change/", {"paused_until": ""}).status_code == 302
    assert client.post(f"{PAGE}sms/delete/", {"post": "yes"}).status_code == 403
    assert open_channels(["sms"]) == []
