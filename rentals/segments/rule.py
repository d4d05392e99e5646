"""The words of the filter language: in, nothing; out, fields, operators, limits, and what a read filter is made of. Pure.

| field | means | value |
|---|---|---|
| location | the customer's city or province, in capitals or not | text |
| tag | a tag that the customer carries | text |
| equipmentCategory | a category of which the customer has booked a machine | text |
| bookingCount | bookings | whole number |
| lastBooking | the first day of the latest booking, also of one to come | date, such as 2026-11-24 |
| totalSpend | what the bookings of the business's own currency cost, paid or not | amount |
| riskScore | the customer's risk score | whole number, 0 to 100 |

Cancelled bookings count nowhere. `ne` is the opposite of `eq`: «tag ne VIP» are those without that tag, «lastBooking ne …»
also those who never booked. `between` includes both ends; `in` is «eq to one of these».
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Logic = Literal["and", "or"]
Operator = Literal["eq", "ne", "gt", "lt", "between", "in"]
Kind = Literal["text", "whole", "amount", "date"]
Value = str | int | Decimal | dt.date

LOGIC: tuple[Logic, ...] = ("and", "or")
OPERATORS: tuple[Operator, ...] = ("eq", "ne", "gt", "lt", "between", "in")
# A text has no order that anybody would mean.
TEXT_OPERATORS: tuple[Operator, ...] = ("eq", "ne", "in")

# A filter is written by hand; beyond these it is an accident or an attack.
MAX_DEPTH = 5
MAX_CONDITIONS = 50
MAX_LIST = 200
MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Field:
    """What a field is compared with: `low` to `high` for numbers."""

    kind: Kind
    operators: tuple[Operator, ...] = OPERATORS
    low: int = 0
    high: int = 0


FIELDS: Mapping[str, Field] = {
    "location": Field("text", TEXT_OPERATORS),
    "bookingCount": Field("whole", high=1_000_000),
    "lastBooking": Field("date"),
    "totalSpend": Field("amount", high=9_999_999_999),
    "equipmentCategory": Field("text", TEXT_OPERATORS),
    "tag": Field("text", TEXT_OPERATORS),
    "riskScore": Field("whole", high=100),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. `between` has two values, `in` one or more, the others one."""

    field: str
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """All of these («and»), or any of them («or»)."""

    logic: Logic
    conditions: tuple["Condition | Group", ...]
