"""The admin's pages of the business records: in, staff who look something up; out, lists and details to read."""

from rentals.admin import (
    bookings,
    contracts,
    customers,
    freshness,
    insurance,
    money,
    payouts,
    segments,
    support,
    watch,
    workshop,
)

__all__ = [
    "bookings",
    "contracts",
    "customers",
    "freshness",
    "insurance",
    "money",
    "payouts",
    "segments",
    "support",
    "watch",
    "workshop",
]
