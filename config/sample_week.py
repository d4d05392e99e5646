"""A week that the demo looks back on: in, the moment; out, messages that ended in the days before, with their attempts and runs.

Invented like the rest of the sample business, and shaped like a real week: office hours, a campaign, an hour in which the
e-mail provider was not there, some dead mailboxes, a few texts of which nobody knows whether they were sent.
"""

import datetime as dt
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from uuid_utils import uuid7

from config.sample_ends import OUTAGE_DAYS_AGO, Ends, end
from config.sample_runs import ACTOR, filled, make_sample_runs
from consent.models import Channel
from consent.policy import Category, decide
from jobs.models import JobRun
from notifications.decision import entry
from notifications.models import DeliveryAttempt, Notification
from rentals.models import Customer
from templates_app.models import NotificationTemplate, NotificationTemplateVersion

SEED = 11
# By job: the templates that it sends, and how many messages an hour's run finds at noon of a working day.
TRAFFIC = {
    "booking_reminders": (("booking.pickup_today", "booking.return_today", "booking.deposit_due"), 18.0),
    "installment_reminders": (("installment.due_soon", "installment.overdue"), 9.0),
    "contract_reminders": (("contract.signature_due",), 6.0),
    "insurance_reminders": (("insurance.expiring", "insurance.missing_info"), 40.0),
}
# It fell into the outage (sample_ends.py): what is left of it waits for somebody to replay it.
CAMPAIGN, CAMPAIGN_AT, CAMPAIGN_SIZE = "promotion.announcement", (10, 45), 240
WEIGHTS = {Channel.EMAIL: 10, Channel.INAPP: 6, Channel.SMS: 4, Channel.PUSH: 2}


@dataclass
class Week:
    """What is being put together."""

    now: dt.datetime
    rng: random.Random
    customers: Sequence[str]
    versions: dict[str, NotificationTemplateVersion]
    ends: Ends
    messages: list[Notification] = field(default_factory=list)


def make_sample_week(*, now: dt.datetime) -> int:
    """How many messages there are now of the week before `now`. What an earlier call made of it is replaced."""
    rng = random.Random(SEED)  # noqa: S311 (invented traffic)
    published = NotificationTemplate.objects.filter(published_version__isnull=False)
    versions = {
        row.name: row.published_version for row in published.select_related("published_version__template")
    }
    customers = [str(pk) for pk in Customer.objects.order_by("pk").values_list("pk", flat=True)[:400]]
    week = Week(
        now, rng, customers, {name: version for name, version in versions.items() if version}, Ends(now, rng)
    )
    runs = make_sample_runs(now=now, rng=rng)
    for run in runs:
        made = list(_of_run(week, run))
        withheld = sum(row.status == Notification.Status.CANCELLED for row in made)
        filled(run, queued=len(made) - withheld, withheld=withheld)
        week.messages += made
    with transaction.atomic():
        Notification.objects.filter(metadata__origin__actor=ACTOR).delete()
        JobRun.objects.filter(actor=ACTOR).delete()
        JobRun.objects.bulk_create(runs, batch_size=1_000, ignore_conflicts=True)
        Notification.objects.bulk_create(week.messages, batch_size=1_000)
        DeliveryAttempt.objects.bulk_create(week.ends.attempts, batch_size=1_000)
    return len(week.messages)


def _of_run(week: Week, run: JobRun) -> Iterator[Notification]:
    """What this run asked for."""
    at = timezone.localtime(run.started_at, timezone.get_default_timezone())
    templates, most = TRAFFIC.get(run.job_name, ((), 0.0))
    for _place in range(_count(week.rng, at, most) if templates else 0):
        yield _message(week, run, week.rng.choice(templates), week.rng.choice(week.customers))
    days_ago = (timezone.localtime(week.now, timezone.get_default_timezone()).date() - at.date()).days
    if (run.job_name, (at.hour, at.minute), days_ago) == (
        "promotion_scheduler",
        CAMPAIGN_AT,
        OUTAGE_DAYS_AGO,
    ):
        for customer in week.customers[:CAMPAIGN_SIZE]:
            yield _message(week, run, CAMPAIGN, customer)


def _count(rng: random.Random, at: dt.datetime, most: float) -> int:
    """Little at night and on Sundays; around the noon of a working day, the most."""
    share = max(0.05, 1 - abs(at.hour - 12) / 7) * (0.25 if at.weekday() == 6 else 1.0)
    return round(most * share * rng.uniform(0.6, 1.4))


def _message(week: Week, run: JobRun, name: str, customer: str) -> Notification:
    rng, version = week.rng, week.versions[name]
    channels = [channel for channel in WEIGHTS if channel in version.channels]
    channel = rng.choices(channels, [WEIGHTS[channel] for channel in channels])[0]
    category = Category(version.template.category)
    asked = run.started_at + dt.timedelta(seconds=rng.uniform(0.05, 0.5))
    # As if they had agreed to marketing, and switched nothing off.
    allowed = decide(category=category, channel=channel, enabled=category == Category.MARKETING or None)
    row = Notification(
        id=uuid.UUID(int=uuid7(nanoseconds=int(asked.timestamp() * 1e9)).int),
        channel=channel,
        to={"customer_id": customer},
        recipient_key=f"customer:{customer}",
        template=version.template,
        template_version=version,
        category=version.template.category,
        priority={Category.MARKETING: 3, Category.REMINDER: 2}.get(category, 1),
        payload={p["name"]: p["sample"] for p in version.placeholders},
        scheduled_at=asked,
        created_at=asked,
        idempotency_key=f"{run.job_name}:{ACTOR}:{uuid.UUID(int=rng.getrandbits(128))}",
        metadata={
            "job": run.job_name,
            "sandbox": settings.SANDBOX,
            "origin": {"job": run.job_name, "run": str(run.pk), "trigger": "schedule", "actor": ACTOR},
            "decision": entry(allowed, stage="enqueue", now=asked),
        },
    )
    return end(week.ends, row, allowed)
