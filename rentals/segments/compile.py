"""Write the SQL of a filter: in, a Group; out, one statement that selects the ids of its customers, with its parameters.

Nothing of the filter enters the text: fields and operators pick from the tables below, values are bound. All conditions on
bookings share one aggregate of them, so that the cost does not grow with the number of conditions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rentals.segments.rule import Condition, Group, Value

# Each field as a value of its own, with the type that its parameters are cast to.
_COLUMNS: Mapping[str, tuple[str, str]] = {
    "bookingCount": ("COALESCE(booked.bookings, 0)", "bigint"),
    "lastBooking": ("booked.last_date", "date"),
    "totalSpend": ("COALESCE(booked.spend, 0)", "numeric"),
    "riskScore": ("customers.risk_score", "bigint"),
}
_COMPARISONS = {
    "eq": "{column} = %s::{type}",
    "ne": "{column} IS DISTINCT FROM %s::{type}",
    "gt": "{column} > %s::{type}",
    "lt": "{column} < %s::{type}",
    "between": "{column} BETWEEN %s::{type} AND %s::{type}",
    "in": "{column} = ANY(%s::{type}[])",
}
# «One of these» for fields that can have several values at once.
_ANY_OF: Mapping[str, str] = {
    "location": (
        "ARRAY[lower(customers.city), lower(customers.province)]"
        " && ARRAY(SELECT lower(name) FROM unnest(%s::text[]) AS name)"
    ),
    "tag": (
        "EXISTS (SELECT FROM customer_tag_members AS held JOIN customer_tags AS tag ON tag.id = held.tag_id"
        " WHERE held.customer_id = customers.id AND tag.name = ANY(%s::text[]))"
    ),
    "equipmentCategory": (
        "EXISTS (SELECT FROM bookings AS booking JOIN equipment AS machine ON machine.id = booking.equipment_id"
        " WHERE booking.customer_id = customers.id AND booking.status <> 'cancelled'"
        " AND machine.category = ANY(%s::text[]))"
    ),
}
_FACTS = {
    "bookingCount": "count(*) AS bookings",
    "lastBooking": "max(start_date) AS last_date",
    "totalSpend": "sum(total_amount) FILTER (WHERE currency = rentals_currency()) AS spend",
}
_BOOKED = (
    " LEFT JOIN (SELECT customer_id, {facts} FROM bookings WHERE status <> 'cancelled' GROUP BY customer_id)"
    " AS booked ON booked.customer_id = customers.id"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its placeholders, and what is bound to them."""

    sql: str
    params: tuple[Value | list[Value], ...]


def members(rule: Group) -> Statement:
    """SELECT the ids of the customers whom the rule describes."""
    where = _group(rule)
    wanted = {condition.field for condition in _conditions(rule)}
    facts = ", ".join(fact for field, fact in _FACTS.items() if field in wanted)
    booked = _BOOKED.format(facts=facts) if facts else ""
    sql = f"SELECT customers.id FROM customers{booked} WHERE {where.sql}"  # noqa: S608 (made of the tables above)
    return Statement(sql, where.params)


def _group(group: Group) -> Statement:
    parts = [_group(part) if isinstance(part, Group) else _condition(part) for part in group.conditions]
    joined = {"and": " AND ", "or": " OR "}[group.logic].join(part.sql for part in parts)
    return Statement(f"({joined})", tuple(param for part in parts for param in part.params))


def _condition(condition: Condition) -> Statement:
    if condition.field in _ANY_OF:
        is_not = "NOT " if condition.operator == "ne" else ""
        return Statement(f"{is_not}({_ANY_OF[condition.field]})", (list(condition.values),))
    column, kind = _COLUMNS[condition.field]
    comparison = _COMPARISONS[condition.operator].format(column=column, type=kind)
    params = (list(condition.values),) if condition.operator == "in" else condition.values
    return Statement(comparison, params)


def _conditions(group: Group) -> Iterator[Condition]:
    for part in group.conditions:
        if isinstance(part, Group):
            yield from _conditions(part)
        else:
            yield part
