"""What a drain did: in, counts; out, the report that commands print and the API answers."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class DrainReport:
    """What a drain did. `counts` is by (channel, what became of the row)."""

    released: int = 0
    claimed: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, object]:
        by_channel: dict[str, dict[str, int]] = {}
        for (channel, what), count in sorted(self.counts.items()):
            by_channel.setdefault(channel, {})[what] = count
        return {
            "released": self.released,
            "claimed": self.claimed,
            "channels": by_channel,
            "seconds": round(self.seconds, 3),
        }
