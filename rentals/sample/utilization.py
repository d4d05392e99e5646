"""How much each machine was out in the last month: in, Sales; out, a row a machine and day, as the bookings say."""

from collections.abc import Iterator, Sequence

from rentals.sample.booking_rows import Sale
from rentals.sample.days import Days
from rentals.sample.plan import Plan
from rentals.sample.rows import Row
from rentals.sample.words import MACHINES

TABLE = "equipment_utilization"
COLUMNS = ("id", "created_at", "updated_at", "equipment_id", "date", "rented_hours", "revenue")
TABLES = {TABLE: COLUMNS}
WINDOW = 30


class Utilization:
    def __init__(self, plan: Plan, *, days: Days, kinds: Sequence[int]) -> None:
        self._days, self._kinds = days.texts, kinds
        self._ids, self._units = plan.ids(TABLE), plan.ids("equipment")

    def rows(self, sale: Sale) -> Iterator[tuple[str, Row]]:
        """Up to yesterday: today is not over."""
        if sale.end < -WINDOW or sale.start >= 0 or sale.status not in ("active", "completed"):
            return
        unit = f"{self._units}{sale.unit:012x}"
        revenue = f"{MACHINES[self._kinds[sale.unit]].rate}.00"
        hours = f"{6 + sale.chance * 6:.2f}"
        for day in range(max(sale.start, -WINDOW), min(sale.end, -1) + 1):
            written_at = f"{self._days[day]} 23:00+00"
            id_ = f"{self._ids}{sale.number * 64 - day:012x}"
            yield TABLE, (id_, written_at, written_at, unit, self._days[day], hours, revenue)
