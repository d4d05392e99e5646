"""The week that the demo looks back on: every row of it could have come from the street, and nothing of it is still to be done."""

import datetime as dt
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from config.sample_runs import ACTOR
from config.sample_week import make_sample_week
from jobs.models import JobRun
from jobs.status import healthy, job_statuses
from notifications.models import DeliveryAttempt, Notification
from notifications.story import story
from tests.factories import CustomerFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]


@pytest.fixture
def now() -> Any:
    CustomerFactory.create_batch(30)
    now = timezone.now()
    assert make_sample_week(now=now) > 1_000
    return now


def test_every_message_has_ended_in_the_week_before(now: dt.datetime) -> None:
    rows = Notification.objects.all()
    assert not rows.filter(status__in=["queued", "processing"]).exists()
    assert not rows.filter(created_at__lt=now - dt.timedelta(days=8)).exists()
    assert not DeliveryAttempt.objects.filter(finished_at__gt=now).exists()
    assert set(rows.values_list("status", flat=True)) == {"sent", "failed", "cancelled"}


def test_as_many_tries_are_on_record_as_each_message_counts(now: dt.datetime) -> None:
    for row in Notification.objects.all():
        tries = list(row.tries())
        assert [one.number for one in tries] == list(range(1, row.attempts + 1))
        if row.status == Notification.Status.SENT:
            assert tries[-1].provider_reference == row.metadata["provider_reference"]


def test_each_kind_of_message_tells_its_story(now: dt.datetime) -> None:
    for status in ("sent", "failed", "cancelled"):
        row = Notification.objects.filter(status=status).first()
        assert row is not None
        assert {"asked", "now"} <= {event.kind for event in story(row)}


def test_after_the_hour_without_the_provider_most_arrived_and_the_campaign_waits_for_a_person(
    now: dt.datetime,
) -> None:
    tried_again = Notification.objects.filter(attempts__gt=1)
    assert tried_again.filter(status="sent").exists()
    campaign = Notification.objects.filter(template__name="promotion.announcement")
    assert set(campaign.values_list("status", "attempts")) <= {("failed", 3), ("cancelled", 0)}
    assert campaign.filter(status="failed", error__startswith="503:").exists()


def test_the_jobs_have_run_at_their_slots_and_stand_well(now: dt.datetime) -> None:
    assert healthy(job_statuses(now=now))
    assert JobRun.objects.filter(status="failed").count() == 1
    assert not JobRun.objects.exclude(slot=F("moment")).exists()
    asked = Notification.objects.filter(metadata__origin__job="booking_reminders").exclude(status="cancelled")
    runs = JobRun.objects.filter(job_name="booking_reminders")
    assert sum(run.summary["queued"] for run in runs) >= asked.count()


def test_made_again_it_replaces_itself_and_touches_no_other_row(now: dt.datetime) -> None:
    JobRun.objects.filter(job_name="sla_monitor").delete()
    own = JobRun.objects.create(
        job_name="sla_monitor", moment=now, trigger="command", lease_until=now, started_at=now
    )
    before = Notification.objects.count()
    assert make_sample_week(now=now) == before == Notification.objects.count()
    assert JobRun.objects.filter(pk=own.pk).exists()
    assert JobRun.objects.filter(job_name="sla_monitor", actor=ACTOR).exists()
