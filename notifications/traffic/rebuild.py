"""Count everything anew: in, from which day on; out, the counts as the queue and the history tell them. One transaction."""

import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from django.db import connection, transaction

from notifications.models import Traffic, TrafficFold
from notifications.traffic.calls import add_calls, add_past_calls, settled_top
from notifications.traffic.ended import add_ended
from notifications.traffic.steps import DAY, HOUR, day_of, kept_since, minute_of

# Attempts, and time of the history, a statement.
CHUNK: Final = 100_000
PART: Final = 20 * DAY
# Seconds; the server ends a record that stands still after sixty.
PATIENCE: Final = 60.0


class Busy(Exception):  # noqa: N818
    """Somebody else is at it; come again."""


def rebuild(
    *,
    since: dt.datetime | None,
    now: dt.datetime,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
) -> int:
    """From the beginning of that day (of UTC) on, or of all that is kept. Answers how many counts there are; raises Busy.

    Whoever reads meanwhile sees the old counts. One snapshot for all of it, since messages move from the queue to the history.
    """
    TrafficFold.objects.bulk_create([TrafficFold(pk=1)], ignore_conflicts=True)
    top = settled_top(patience=PATIENCE)
    if top is None:
        raise Busy("A transaction that writes delivery attempts does not end. Try again later.")
    first = max(day_of(since), kept_since(now)["day"]) if since else kept_since(now)["day"]
    alone = not connection.in_atomic_block
    with transaction.atomic():
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        state = TrafficFold.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if state is None:
            raise Busy("The counts are being written by another fold or rebuild. Try again in a minute.")
        # What a fold added since we asked is settled, too.
        top = max(top, state.attempt)
        Traffic.objects.filter(start__gte=first).delete()
        parts = [*_of_the_queue(top, first, now), *_of_the_past(first, now)]
        for number, part in enumerate(parts, start=1):
            part()
            tell(number, len(parts))
        state.attempt, state.ended = top, minute_of(now)
        state.folded_at = state.swept_at = now
        state.save()
        return Traffic.objects.filter(start__gte=first).count()


def _of_the_queue(top: int, first: dt.datetime, now: dt.datetime) -> Iterator[Callable[[], None]]:
    for after in range(0, top, CHUNK):
        yield partial(add_calls, after=after, upto=min(after + CHUNK, top), now=now, since=first)


def _of_the_past(first: dt.datetime, now: dt.datetime) -> Iterator[Callable[[], None]]:
    """Part by part; and how messages ended, wherever they are."""
    start, end = first, minute_of(now)
    while start <= end:
        until = start + PART
        # A try may end a moment after midnight; its message counts by when it began.
        early = start - HOUR if start == first else start
        yield partial(add_past_calls, start=early, until=until, now=now, since=first)
        yield partial(add_ended, since=start, until=min(until, end), now=now)
        start = until
