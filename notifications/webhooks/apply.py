"""Draw the consequences of what was reported, off the request: in, events that wait; out, each applied once, or for a person.

Any number may run at once: each takes events that nobody else holds. A batch is applied together, in a few statements; if
that fails, event by event, so that a broken one stops no other. It comes again later, and after TRIES waits for a person.
"""

import datetime as dt
import logging
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.utils import timezone

from consent.addresses import DOTS
from consent.arrays import array
from consent.suppress import erased_among
from notifications.complaints import count as count_complaints
from notifications.feedback import Fact
from notifications.models import ProviderEvent
from notifications.webhooks.consequences import Heard, draw
from notifications.webhooks.intake import kick
from notifications.webhooks.onto_messages import by_reference, lock_messages, note

logger = logging.getLogger(__name__)

BATCH = 500
TRIES = 5
# After the first failure; twice as long after each further one.
PAUSE = dt.timedelta(minutes=1)
BUDGET = dt.timedelta(seconds=20)

TAKE = """
SELECT * FROM provider_events
WHERE applied_at IS NULL AND attempts < %s AND retry_at <= %s
ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
APPLIED = """
UPDATE provider_events AS e
SET applied_at = %s, outcome = v.outcome, error = '', notification_id = COALESCE(e.notification_id, v.notification_id),
    address_hint = CASE WHEN v.is_erased THEN '' ELSE e.address_hint END,
    detail = CASE WHEN v.is_erased THEN '{}' ELSE e.detail END
FROM unnest(%s::bigint[], %s::text[], %s::uuid[], %s::boolean[]) AS v(id, outcome, notification_id, is_erased)
WHERE e.id = v.id
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """How many were applied, and how many failed and wait."""

    done: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How many wait to be tried, and how many failed too often and wait for a person."""

    waiting: int
    stuck: int


def apply_waiting(
    *, budget: dt.timedelta = BUDGET, stop: Callable[[], bool] = lambda: False, batch: int = BATCH
) -> Applied:
    """Apply what waits until nothing does, the time is up, or `stop` says so."""
    end = time.monotonic() + budget.total_seconds()
    done = failed = 0
    while time.monotonic() < end and not stop():
        taken, broken = apply_some(limit=batch, now=timezone.now())
        done, failed = done + taken - broken, failed + broken
        if not taken:
            break
    if done or failed:
        logger.info("feedback.applied count=%s failed=%s", done, failed)
    return Applied(done, failed)


def apply_some(*, limit: int, now: dt.datetime) -> tuple[int, int]:
    """One batch, in one transaction. Answers how many events it took, and how many of those failed."""
    with transaction.atomic():
        events = list(ProviderEvent.objects.raw(TAKE, [TRIES, now, limit]))
        if not events:
            return 0, 0
        try:
            with transaction.atomic():
                _apply(events, now)
        except Exception as error:  # noqa: BLE001 (each is tried alone, and its failure is recorded)
            _raise_if_lost(error)
        else:
            return len(events), 0
        return len(events), sum(not _applied_alone(event, now) for event in events)


def try_again(ids: Sequence[int]) -> int:
    """Have events that failed tried once more, as if for the first time; answers how many. Those applied are left."""
    waiting = ProviderEvent.objects.filter(pk__in=ids, applied_at__isnull=True)
    count = waiting.update(attempts=0, retry_at=Now())
    if count:
        transaction.on_commit(kick, robust=True)
    return count


def try_again_stuck() -> int:
    """The same for all that wait for a person."""
    stuck = ProviderEvent.objects.filter(applied_at__isnull=True, attempts__gte=TRIES)
    return try_again(list(stuck.values_list("pk", flat=True)))


def unapplied() -> Standing:
    """How many are not applied; through the index that holds no others."""
    left = ProviderEvent.objects.filter(applied_at__isnull=True)
    counts = left.aggregate(all=Count("pk"), stuck=Count("pk", filter=Q(attempts__gte=TRIES)))
    return Standing(counts["all"] - counts["stuck"], counts["stuck"])


def _applied_alone(event: ProviderEvent, now: dt.datetime) -> bool:
    try:
        with transaction.atomic():
            _apply([event], now)
    except Exception as error:  # noqa: BLE001 (recorded with the event, and shown in the admin)
        _raise_if_lost(error)
        event.attempts += 1
        # Its kind and its place: what the database says may quote a row.
        event.error = f"{type(error).__name__} in {traceback.extract_tb(error.__traceback__)[-1].name}"
        logger.error("feedback.failed event=%s attempt=%s error=%s", event.pk, event.attempts, event.error)
        event.retry_at = now + PAUSE * 2 ** (event.attempts - 1)
        event.save(update_fields=["attempts", "error", "retry_at"])
        return False
    return True


def _raise_if_lost(error: Exception) -> None:
    """Without a database, nothing is wrong with the event."""
    if isinstance(error, InterfaceError | OperationalError):
        raise error


def _apply(events: Sequence[ProviderEvent], now: dt.datetime) -> None:
    known = by_reference(event.reference for event in events if event.notification_id is None)
    erased = erased_among(event.address_hmac for event in events)
    for event in events:
        if event.address_hmac in erased:
            event.address_hint = DOTS  # what was on its way when they were forgotten brings no mask back
        event.notification_id = event.notification_id or known.get(event.reference)
    messages = lock_messages(event.notification_id for event in events if event.notification_id)
    heard = [
        Heard(event, messages.get(event.notification_id) if event.notification_id else None)
        for event in events
    ]
    done = draw(heard)
    for provider in sorted({event.provider for event in events}):
        ours = [one for one in heard if one.event.provider == provider and one.told]
        past = {one.told.id for one in ours if one.told and one.told.is_past}
        facts = [_fact(one) for one in ours]
        climbed, settled = note(facts, past=past, by=f"provider:{provider}", now=now)
        for one in ours:
            if one.event.notification_id in settled:
                done[one.event.pk].append("settled")
            elif one.event.notification_id in climbed:
                done[one.event.pk].append("noted_late" if one.event.notification_id in past else "noted")
    count_complaints(heard, now=now)
    _mark(heard, done, now, erased)


def _fact(one: Heard) -> Fact:
    event = one.event
    assert event.notification_id is not None
    return Fact(event.notification_id, event.event_type, event.occurred_at, event.reference)


def _mark(
    heard: Sequence[Heard], done: dict[int, list[str]], now: dt.datetime, erased: Collection[str]
) -> None:
    rows = [
        (
            one.event.pk,
            " ".join(done[one.event.pk]) or ("nothing_new" if one.told else "unknown_message"),
            one.event.notification_id,
            one.event.address_hmac in erased,
        )
        for one in heard
    ]
    with connection.cursor() as cursor:
        cursor.execute(APPLIED, [now, *(array(column) for column in zip(*rows, strict=True))])
