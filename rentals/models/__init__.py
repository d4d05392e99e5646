"""The business records the jobs read: in, the tables of a rental company; out, models whose managers answer «which rows».

A host monolith that has its own tables replaces this app; nothing in the pipeline imports it.
"""

from rentals.models.booking import Booking, LogisticsTask
from rentals.models.customer import Customer, CustomerTag, CustomerTagMember
from rentals.models.equipment import Equipment
from rentals.models.payment import Payment

__all__ = [
    "Booking",
    "Customer",
    "CustomerTag",
    "CustomerTagMember",
    "Equipment",
    "LogisticsTask",
    "Payment",
]
