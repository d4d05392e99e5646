"""The admin's pages of the business records: in, staff who look something up; out, lists and details to read."""

<<<<<<< HEAD
from rentals.admin import bookings, contracts, customers, insurance, money, payouts, support, watch, workshop
=======
from rentals.admin import bookings, contracts, customers, insurance, money, segments, support, watch, workshop
>>>>>>> watch

__all__ = [
    "bookings",
    "contracts",
    "customers",
    "insurance",
    "money",
<<<<<<< HEAD
    "payouts",
=======
    "segments",
>>>>>>> watch
    "support",
    "watch",
    "workshop",
]
