"""The admin's pages of the business records: in, staff who look something up; out, lists and details to read."""

<<<<<<< HEAD
<<<<<<< HEAD
from rentals.admin import bookings, contracts, customers, insurance, money, payouts, support, watch, workshop
=======
from rentals.admin import bookings, contracts, customers, insurance, money, segments, support, watch, workshop
>>>>>>> watch
=======
from rentals.admin import (
    bookings,
    contracts,
    customers,
    freshness,
    insurance,
    money,
    support,
    watch,
    workshop,
)
>>>>>>> views

__all__ = [
    "bookings",
    "contracts",
    "customers",
<<<<<<< HEAD
    "insurance",
    "money",
<<<<<<< HEAD
    "payouts",
=======
    "segments",
>>>>>>> watch
=======
    "freshness",
    "insurance",
    "money",
>>>>>>> views
    "support",
    "watch",
    "workshop",
]
