"""A week of the sample business, slot by slot, those that tell somebody twice: whoever is to hear of something hears of it once.

`POSTROOM_WEEK=all pytest tests/scenarios/test_week.py` takes every slot of every job; otherwise those that come more often
than hourly come hourly.
"""

import datetime as dt
import heapq
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from config.sample_business import make_sample_business
from config.sample_payouts import pay_out
from jobs.admin.count_words import WORDS
from jobs.catalog import CATALOG, FIRST
from jobs.cron import next_slot
from jobs.report import Outcome
from jobs.runner import run
from jobs.spec import JobResult, JobSpec
from notifications.models import InboxItem, Notification
from notifications.worker import drain
from rentals.sample.plan import Plan
from sandbox.testing import SandboxServer

# In transactions of their own, as they are: a refresh holds locks until its end, and there are thousands of runs.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("templates")]
ALL = os.environ.get("POSTROOM_WEEK") == "all"
# The week in which clocks go back (1 November 2026), from a Thursday on.
START = dt.datetime(2026, 10, 29, 4, 0, tzinfo=dt.UTC)
END = START + dt.timedelta(days=7)
HOUR = dt.timedelta(hours=1)
NOON = 16  # in UTC


def slots_of(spec: JobSpec) -> Iterator[tuple[dt.datetime, str]]:
    at = START - dt.timedelta(seconds=1)
    while (at := next_slot(spec.cron, at, tz=settings.TIME_ZONE)) < END:
        yield at, spec.name
        if not ALL and next_slot(spec.cron, at, tz=settings.TIME_ZONE) - at < HOUR:
            at += HOUR - dt.timedelta(seconds=1)


def views_first(slot: tuple[dt.datetime, str]) -> tuple[dt.datetime, bool, str]:
    """Others read what they hold; here that may be an hour old, where every five minutes it is not."""
    at, name = slot
    return at, name != FIRST, name


def run_once(name: str, slot: dt.datetime) -> JobResult:
    report = run(name, now=slot, trigger="command")
    assert report.status is Outcome.SUCCESS, f"{name} at {slot}: {report.error}"
    assert report.result
    return report.result


def speaks_french(name: str) -> bool:
    with translation.override("fr"):
        return gettext(CATALOG[name].description) != CATALOG[name].description


def test_each_message_of_a_week_goes_out_once(sandbox: SandboxServer, settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "KICK": ""}
    at = START + dt.timedelta(days=3)
    make_sample_business(Plan(at=at, customers=60, bookings=160), push_url=sandbox.url)
    pay_out(sandbox.url, now=at)
    hour, told = START, 0
    counted: set[str] = set()
    for slot, name in heapq.merge(*map(slots_of, CATALOG.values()), key=views_first):
        if slot >= hour + HOUR:
            drain(now=slot)
            hour = slot
        first = run_once(name, slot)
        told += first.queued
        if speaks_french(name):
            counted |= {*first.found, *first.changed}
        # One that found nothing is not asked again each time: it takes as long as all else here.
        if first.queued or slot.hour == NOON:
            assert run_once(name, slot).queued == 0, f"{name} told somebody twice at {slot}"
    drain(now=END)
    assert (
        told == Notification.objects.exclude(status="cancelled", metadata__withheld__stage="enqueue").count()
    )
    assert told > 0
    assert counted - set(WORDS) == set(), "Words of jobs/admin/count_words.py"
    assert sandbox.messages(duplicate=True) == []
    received = {message["notification_id"] for message in sandbox.messages()}
    received |= {str(id_) for id_ in InboxItem.objects.values_list("notification_id", flat=True)}
    sent = {str(id_) for id_ in Notification.objects.filter(status="sent").values_list("pk", flat=True)}
    assert received == sent
    # What is left waits for its hour, or was stopped with a reason; nothing failed.
    assert not Notification.objects.filter(status__in=["failed", "processing"]).exists()
