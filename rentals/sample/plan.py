"""How big a sample business is, and around which moment: in, numbers and a moment; out, sizes, ids and draws.

Ids are the hash of seed and table with the row's number behind it (uuid version 8, RFC 9562): the same every time,
found without a look-up, and in order, so that a million of them fill an index page by page.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass
from random import Random
from zoneinfo import ZoneInfo

from rentals.sample.words import AREA_CODES, ZONES

MAX_CUSTOMERS = len(AREA_CODES) * 10_000
MAX_BOOKINGS = 20_000_000
MAX_AUDIT_EVENTS = 100_000_000
# How often a machine went out in the two years of the history; spaced so that its bookings never overlap.
BOOKINGS_A_UNIT = 40


class PlanError(ValueError):
    """A size that cannot be. The text names the option and its limits."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Two years of history, two months of bookings ahead, and `due` bookings that call for a reminder on the day of `at`."""

    at: dt.datetime
    customers: int = 300
    bookings: int = 500
    seed: int = 1
    audit_events: int = 2_000

    def __post_init__(self) -> None:
        if not 1 <= self.customers <= MAX_CUSTOMERS:
            raise PlanError(
                f"customers must be 1 to {MAX_CUSTOMERS:,}: each has a telephone number of the exchange 555."
            )
        if not 0 <= self.bookings <= MAX_BOOKINGS:
            raise PlanError(f"bookings must be 0 to {MAX_BOOKINGS:,}.")
        if not 0 <= self.audit_events <= MAX_AUDIT_EVENTS:
            raise PlanError(f"audit-events must be 0 to {MAX_AUDIT_EVENTS:,}.")
        if self.at.tzinfo is None:
            raise PlanError("at needs an offset, like 2026-11-20T15:00:00+00:00.")

    @property
    def due(self) -> int:
        """Bookings to be reminded of: an eighth of a small business, of a big one 25,000 (50,000 messages)."""
        return min(self.bookings // 8, 25_000)

    @property
    def near_misses(self) -> int:
        """Bookings that would be due, were they not cancelled, paid or finished."""
        return self.due // 8

    @property
    def ordinary(self) -> int:
        """All other bookings: the history, what is out now, and what is still far off."""
        return self.bookings - self.due - self.near_misses

    @property
    def cases(self) -> int:
        """Bookings far off whose papers (insurance, contract) stand in one of the states that the jobs look at."""
        return min(self.due // 2, 5_000)

    @property
    def conflicts(self) -> int:
        """Bookings far off that share a machine with the one before."""
        return min(self.ordinary // 100, 20)

    @property
    def ordinary_units(self) -> int:
        return self.ordinary // BOOKINGS_A_UNIT + 1

    @property
    def units(self) -> int:
        """Machines. Those around the moment have one each, so that none is booked twice; the last ones nobody rents."""
        return self.ordinary_units + self.due + self.near_misses + self.spare_units

    @property
    def spare_units(self) -> int:
        """Machines that never go out: half of them retired, half idle."""
        return min(self.bookings // 50, 200)

    def today(self, zone: str = ZONES[0]) -> dt.date:
        return self.at.astimezone(ZoneInfo(zone)).date()

    def ids(self, table: str) -> str:
        """What all ids of a table begin with; `f"{prefix}{number:012x}"` is one."""
        digest = hashlib.sha256(f"{self.seed}:{table}".encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-8{digest[12:15]}-8{digest[15:18]}-"

    def draws(self, purpose: str) -> Random:
        """A stream of numbers of its own, so that one part's draws never shift another's."""
        return Random(f"{self.seed}:{purpose}")  # noqa: S311 (not a secret: it must repeat)
