"""Groups of customers: in, a Plan; out, segments with rules in the filter language (domain.md), a few by hand, and members.

What the table holds of a rule's members is what last night's run might have found: the next one adds some and removes some.
"""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from rentals.sample.plan import Plan

Row = tuple[object, ...]
TABLE, MEMBERS = "customer_segments", "customer_segment_members"
COLUMNS = (
    "id", "created_at", "updated_at", "name", "description", "filter", "auto_refresh", "member_count", "refreshed_at",
)  # fmt: skip
MEMBER_COLUMNS = ("id", "created_at", "updated_at", "segment_id", "customer_id", "added_at")
# Promotions are announced to this one.
READERS = "Readers of our offers"
Filter = dict[str, Any]


class Segment(NamedTuple):
    """`every` so-manieth customer is in it; 0: nobody, it was never refreshed. Without a filter it is chosen by hand."""

    name: str
    every: int
    filter: Filter


def segments(plan: Plan) -> list[Segment]:
    def ago(days: int) -> str:
        return (plan.today() - dt.timedelta(days=days)).isoformat()

    return [
        Segment("Moncton", 7, _all(_is("location", "eq", "Moncton"))),
        Segment("Greater Moncton", 5, _all(_is("location", "in", ["Moncton", "Dieppe", "Riverview"]))),
        Segment("Outside New Brunswick", 9, _all(_is("location", "ne", "NB"))),
        Segment("Nova Scotia or PEI", 19, _any(_is("location", "eq", "NS"), _is("location", "eq", "PE"))),
        Segment("Regulars", 4, _all(_is("bookingCount", "gt", 5))),
        Segment("Booked once", 11, _all(_is("bookingCount", "eq", 1))),
        Segment("Never booked", 0, _all(_is("bookingCount", "lt", 1))),
        Segment("Two to four bookings", 3, _all(_is("bookingCount", "between", [2, 4]))),
        Segment("Here this quarter", 6, _all(_is("lastBooking", "gt", ago(90)))),
        Segment("Not here for a year", 8, _all(_is("lastBooking", "lt", ago(365)))),
        Segment("Here last winter", 13, _all(_is("lastBooking", "between", [ago(330), ago(240)]))),
        Segment("Big spenders", 20, _all(_is("totalSpend", "gt", 25_000))),
        Segment("Small jobs", 10, _all(_is("totalSpend", "between", [1, 1_500]))),
        Segment("Excavators", 4, _all(_is("equipmentCategory", "eq", "excavator"))),
        Segment("Lifts and telehandlers", 5, _all(_is("equipmentCategory", "in", ["lift", "telehandler"]))),
        Segment("Contractors", 24, _all(_is("tag", "eq", "Contractor"))),
        Segment("VIP or municipality", 12, _all(_is("tag", "in", ["VIP", "Municipality"]))),
        Segment("Risky", 40, _all(_is("riskScore", "gt", 80))),
        Segment(
            "Loyal and safe",
            15,
            _all(_is("bookingCount", "gt", 3), _is("riskScore", "lt", 30), _is("tag", "ne", "Late payer")),
        ),
        Segment(
            "Win back",
            17,
            _all(
                _is("lastBooking", "lt", ago(180)),
                _any(_is("totalSpend", "gt", 10_000), _is("tag", "eq", "VIP")),
            ),
        ),
        Segment(READERS, 6, {}),
        Segment("Open day 2025", 30, {}),
        Segment("Pilot of the app", 50, {}),
    ]


def segment_rows(plan: Plan) -> Iterator[Row]:
    prefix, refreshed_at = plan.ids(TABLE), plan.at - dt.timedelta(hours=20)
    for number, segment in enumerate(segments(plan)):
        by_rule = bool(segment.filter)
        was_refreshed = by_rule and segment.every > 0
        yield (
            f"{prefix}{number:012x}",
            plan.at - dt.timedelta(days=200),
            refreshed_at,
            segment.name,
            "By rule, every night." if by_rule else "Chosen by hand.",
            json.dumps(segment.filter),
            by_rule,
            len(_members(plan, number, segment)),
            refreshed_at if was_refreshed else None,
        )


def member_rows(plan: Plan) -> Iterator[Row]:
    prefix, of, customers = plan.ids(MEMBERS), plan.ids(TABLE), plan.ids("customers")
    added_at = plan.at - dt.timedelta(hours=20)
    key = 0
    for number, segment in enumerate(segments(plan)):
        for customer in _members(plan, number, segment):
            ids = f"{prefix}{key:012x}", f"{of}{number:012x}", f"{customers}{customer:012x}"
            yield ids[0], added_at, added_at, ids[1], ids[2], added_at
            key += 1


def segment_id(plan: Plan, name: str) -> str:
    number = next(i for i, segment in enumerate(segments(plan)) if segment.name == name)
    return f"{plan.ids(TABLE)}{number:012x}"


def _members(plan: Plan, number: int, segment: Segment) -> range:
    return range(number % segment.every, plan.customers, segment.every) if segment.every else range(0)


def _all(*conditions: Filter) -> Filter:
    return {"logic": "and", "conditions": list(conditions)}


def _any(*conditions: Filter) -> Filter:
    return {"logic": "or", "conditions": list(conditions)}


def _is(field: str, operator: str, value: object) -> Filter:
    return {"field": field, "operator": operator, "value": value}
