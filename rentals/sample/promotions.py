"""Promotions: in, a Plan; out, those that begin or end around the moment, near misses, and a few of the past."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rentals.sample.plan import Plan
from rentals.sample.segments import READERS, segment_id

TABLE = "promo_rules"
COLUMNS = (
    "id", "created_at", "updated_at", "name", "status", "start_at", "end_at", "priority", "stackable", "discount_type",
    "discount_value", "announce", "segment_id", "created_by_id",
)  # fmt: skip
HOUR, DAY = 60, 24 * 60


class Promotion(NamedTuple):
    """Begin and end in minutes from the moment."""

    name: str
    status: str
    start: int | None
    end: int | None
    discount: int = 10
    announce: bool = False


PROMOTIONS = (
    # Something to do.
    Promotion("Winter lifts", "scheduled", -5, 30 * DAY, 15, announce=True),
    Promotion("Mid-week loaders", "scheduled", -10, 14 * DAY),
    Promotion("Autumn compaction", "active", -60 * DAY, -4, 20),
    Promotion("One-day pump sale", "scheduled", -3 * DAY, -2 * DAY, 25, announce=True),
    # Nothing to do yet, or any more.
    Promotion("First snow", "scheduled", 2 * HOUR, 20 * DAY, 12, announce=True),
    Promotion("Long rentals", "active", -90 * DAY, None, 8),
    Promotion("Trailers with every dozer", "active", -20 * DAY, DAY, 30),
    Promotion("Spring opening", "draft", None, None),
    Promotion("Summer power", "expired", -150 * DAY, -60 * DAY, 18),
    Promotion("Canada Day", "expired", -143 * DAY, -141 * DAY, 17),
)


def promotion_rows(plan: Plan, *, staff: Sequence[int]) -> Iterator[tuple[object, ...]]:
    prefix, readers = plan.ids(TABLE), segment_id(plan, READERS)
    made_at = plan.at - dt.timedelta(days=200)
    for number, promotion in enumerate(PROMOTIONS):
        yield (
            f"{prefix}{number:012x}",
            made_at,
            made_at,
            promotion.name,
            promotion.status,
            _moment(plan, promotion.start),
            _moment(plan, promotion.end),
            number % 3,
            number % 4 == 0,
            "percentage",
            f"{promotion.discount}.00",
            promotion.announce,
            readers if promotion.announce else None,
            staff[number % len(staff)] if staff else None,
        )


def _moment(plan: Plan, minutes: int | None) -> dt.datetime | None:
    return None if minutes is None else plan.at + dt.timedelta(minutes=minutes)
