"""What went through in a period: in, its pieces; out, frozen figures: the folded counts, and what came since, read live."""

import datetime as dt
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from notifications.traffic import calls, ended
from notifications.traffic.period import Span
from notifications.traffic.steps import minute_of

# So many attempts, failures and withheld messages are read live; what is beyond waits for the next fold.
TAIL: Final = 5_000
LATE: Final = dt.timedelta(minutes=5)
# Live, of what ended: a fold that is later than that is late, and says so.
TAIL_OF_ENDED: Final = dt.timedelta(minutes=15)
# How far it is folded and what was folded, of one snapshot: a fold that ends in between would be read live once more.
_FOLDED = """
SELECT f.attempt, f.ended, f.folded_at, t.*
FROM (SELECT 1) AS always LEFT JOIN traffic_fold AS f ON f.id = 1 LEFT JOIN (
    SELECT width_bucket(start, %(starts)s::timestamptz[]) - 1 AS piece, channel, what, provider, code, sum(count)::bigint
    FROM traffic WHERE step = %(step)s AND start >= %(since)s
    GROUP BY GROUPING SETS ((piece, what, code), (channel, what, provider, code))
) AS t ON true
"""
_SINCE = """
SELECT a.*, q.channel, q.scheduled_at
FROM (SELECT * FROM delivery_attempts WHERE id > %(after)s ORDER BY id LIMIT %(limit)s) AS a
JOIN notification_queue AS q ON q.id = a.notification_id
WHERE a.finished_at >= %(since)s
"""
_CALLS = calls.COUNTED.replace("{rows}", _SINCE)
FOREVER: Final = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """How often one thing happened on one channel in the whole period (the columns of `Traffic`)."""

    channel: str
    what: str
    provider: str
    code: str
    count: int


@dataclass(frozen=True, slots=True)
class Piece:
    """`counts` by `what`; `waits` how long what was sent had been due, by bucket."""

    start: dt.datetime
    counts: Mapping[str, int]
    waits: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """`folded_at` None: never yet. `is_partial`: more came since than is read live."""

    span: Span
    pieces: tuple[Piece, ...]
    lines: tuple[Line, ...]
    folded_at: dt.datetime | None
    is_late: bool
    is_partial: bool

    def total(self, what: str, channel: str | None = None) -> int:
        return sum(one.count for one in self.lines if one.what == what and channel in (None, one.channel))

    def buckets(self, what: str, channel: str | None = None) -> Mapping[str, int]:
        """Of `call` or `wait`, for `buckets.percentile`."""
        found: Counter[str] = Counter()
        for one in self.lines:
            if one.what == what and channel in (None, one.channel):
                found[one.code] += one.count
        return found


def figures(span: Span, *, now: dt.datetime) -> Figures:
    """Three statements, whose cost grows with the pieces and the kinds of errors, not with the messages."""
    book = _Book(span)
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {"starts": list(span.starts), "step": span.step, "since": span.since}
        cursor.execute(_FOLDED, asked)
        folded = cursor.fetchall()
        after, counted_until, folded_at = folded[0][:3]
        for _after, _until, _at, piece, channel, what, provider, code, count in folded:
            if what is not None:
                book.add(piece, channel, what, provider, code, count)
        cursor.execute(_CALLS, {"after": after or 0, "limit": TAIL, "since": span.since})
        recent = cursor.fetchall()
        start = max(minute_of(now) - TAIL_OF_ENDED, counted_until or span.since)
        cursor.execute(ended.RECENT, {**ended.asked(max(start, span.since), FOREVER), "limit": TAIL})
        unsent = cursor.fetchall()
    book.add_recent(recent)
    book.add_recent((minute, channel, what, "", code, count) for minute, channel, what, code, count in unsent)
    seen = sum(count for _minute, _channel, what, _provider, _code, count in recent if what == "call")
    most: Counter[str] = Counter()
    for _minute, _channel, what, _code, count in unsent:
        most[what] += count
    return Figures(
        span,
        book.pieces(),
        book.lines(),
        folded_at,
        is_late=folded_at is None or now - folded_at > LATE,
        is_partial=seen >= TAIL or any(count >= TAIL for count in most.values()),
    )


class _Book:
    """Sums, while rows come in."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._counts: list[Counter[str]] = [Counter() for _ in span.starts]
        self._waits: list[Counter[str]] = [Counter() for _ in span.starts]
        self._lines: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)

    def add(
        self, piece: int | None, channel: str | None, what: str, provider: str | None, code: str, count: int
    ) -> None:
        """A row of _FOLDED: of a piece, or of the whole period by channel and provider."""
        if piece is None:
            self._lines[channel or "", what, provider or "", code] += count
        elif 0 <= piece < len(self._counts):
            self._counts[piece][what] += count
            if what == "wait":
                self._waits[piece][code] += count

    def add_recent(self, rows: Iterable[tuple[dt.datetime, str, str, str, str, int]]) -> None:
        for minute, channel, what, provider, code, count in rows:
            piece = bisect_right(self._span.starts, minute) - 1
            self.add(piece, None, what, None, code, count)
            if piece >= 0:
                self.add(None, channel, what, provider, code, count)

    def pieces(self) -> tuple[Piece, ...]:
        return tuple(map(Piece, self._span.starts, self._counts, self._waits))

    def lines(self) -> tuple[Line, ...]:
        found = [Line(*key, count) for key, count in self._lines.items()]
        return tuple(sorted(found, key=lambda line: (-line.count, line.channel, line.what, line.code)))
