"""How long things take, in buckets: in, counts by bucket; out, percentiles. Pure.

A bucket is named by its upper bound in milliseconds, so that a bound added later leaves old counts as true as they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LIMITS: Final = (
    50, 100, 200, 300, 500, 750, 1000, 2000, 3000, 5000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000,
)  # fmt: skip
BEYOND: Final = "inf"
NAMES: Final = (*map(str, LIMITS), BEYOND)
# SQL for the name of the bucket that {0}, in milliseconds, falls into.
_NAMED = ", ".join(f"'{name}'" for name in NAMES)
_LIMITED = ", ".join(map(str, LIMITS))
NAME_OF: Final = f"(ARRAY[{_NAMED}])[width_bucket(({{0}})::float8, ARRAY[{_LIMITED}]::float8[]) + 1]"


@dataclass(frozen=True, slots=True)
class Percentile:
    """Milliseconds, from within its bucket; with `is_beyond` there is no upper bound, and it is more than that."""

    milliseconds: float
    is_beyond: bool = False


def percentile(counts: Mapping[str, int], share: float) -> Percentile | None:
    """The value that `share` (0.95) of all stay below: counts are taken to lie evenly within each bucket."""
    total = sum(counts.values())
    if not total:
        return None
    wanted, below = share * total, 0
    low = 0.0
    for name in sorted({*counts, *NAMES}, key=float):
        count, high = counts.get(name, 0), float(name)
        if count and below + count >= wanted:
            if name == BEYOND:
                return Percentile(low, is_beyond=True)
            return Percentile(low + (high - low) * (wanted - below) / count)
        below, low = below + count, high
    raise AssertionError("shares are at most 1")
