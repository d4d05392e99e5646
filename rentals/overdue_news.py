"""What finance has not heard of yet: in, a day; out, the instalments that became overdue, as numbers. Once each.

An alert remembers the day on which finance was told of it (`told_on` in its details), so that a missed day is made up
for, and two runs at once tell once.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

LISTED = 20

_OPEN = "type = 'installment_overdue' AND entity_type = 'installment' AND status <> 'resolved'"
# Nothing, if finance was told today already: the rest waits for tomorrow.
_TAKE = f"""
UPDATE alerts SET details = details || jsonb_build_object('told_on', %(day)s::date), updated_at = now()
WHERE {_OPEN} AND NOT details ? 'told_on'
    AND NOT EXISTS (SELECT FROM alerts WHERE {_OPEN} AND details ->> 'told_on' = %(day)s::date::text)
"""  # noqa: S608 (constants of this module)
_PARTS = f"""
FROM (SELECT entity_id::uuid AS id FROM alerts WHERE {_OPEN} AND details ->> 'told_on' = %(day)s::date::text) AS told
JOIN installment_schedules AS part ON part.id = told.id
JOIN bookings AS booking ON booking.id = part.booking_id
"""  # noqa: S608
_TOTALS = f"SELECT booking.currency, count(*), sum(part.amount) {_PARTS} GROUP BY 1 ORDER BY 1"
_FIRST = f"""
SELECT part.id, booking.booking_number, part.installment_number, part.due_date, part.amount, booking.currency {_PARTS}
ORDER BY part.due_date, booking.booking_number, part.installment_number LIMIT {LISTED}
"""


@dataclass(frozen=True, slots=True)
class Total:
    currency: str
    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Late:
    id: uuid.UUID
    booking_number: str
    installment_number: int
    due_date: dt.date
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class News:
    """How many, how much by currency, and the first of them, the oldest debt before."""

    count: int
    totals: tuple[Total, ...]
    first: tuple[Late, ...]


def take_news(*, day: dt.date) -> News | None:
    """Everything that is open and that finance was not told of, now told on `day`; None where there is none."""
    asked = {"day": day}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, asked)
        if not (count := cursor.rowcount):
            return None
        cursor.execute(_TOTALS, asked)
        totals = tuple(Total(*row) for row in cursor.fetchall())
        cursor.execute(_FIRST, asked)
        return News(count, totals, tuple(Late(*row) for row in cursor.fetchall()))
