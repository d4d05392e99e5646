"""The days around a plan's moment as text: in, a Plan; out, dates and moments by their distance, as COPY reads them.

Made once and looked up, because to format a date costs more than the rest of a row.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from rentals.sample.plan import Plan
from rentals.sample.words import ZONES

FIRST_DAY, LAST_DAY = -800, 500


class Days:
    """Days count from `Plan.today()`."""

    def __init__(self, plan: Plan) -> None:
        self._at = plan.at.astimezone(dt.UTC)
        self._today = plan.today()
        self._offsets: dict[tuple[int, int], str] = {}
        self.now = self.ago(0)
        # A negative day counts from the end of the list, as it should.
        days = [*range(LAST_DAY + 1), *range(FIRST_DAY, 0)]
        self.texts = [(self._today + dt.timedelta(days=day)).isoformat() for day in days]
        # The minutes of a working day, by UTC: over before the local day is, in every zone.
        self.clocks = [f" {9 + minute // 60:02d}:{minute % 60:02d}+00" for minute in range(9 * 60)]
        # By how many days «today» of each zone differs.
        self.shifts = [(plan.today(zone) - self._today).days for zone in ZONES]

    def local(self, day: int, clock: str, zone: int) -> str:
        """A moment by the local clock, with its offset."""
        offset = self._offsets.get((day, zone))
        if offset is None:
            noon = dt.datetime.combine(
                self._today + dt.timedelta(days=day), dt.time(12), ZoneInfo(ZONES[zone])
            )
            offset = self._offsets[day, zone] = f"{noon:%z}"
        return f"{self.texts[day]} {clock}{offset}"

    def ago(self, minutes: float) -> str:
        """So long before the moment; negative: after it."""
        return (self._at - dt.timedelta(minutes=minutes)).isoformat(sep=" ")
