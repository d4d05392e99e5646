"""How much a provider was sent, and what it was sent twice. Recipients and notification ids come in, counts
go out."""

from collections import Counter
from dataclasses import dataclass, field

DUPLICATES_NAMED = 100
COUNTS = ("requests", "hung_up", "validated", "received", "duplicates", "without_id", "untracked")


@dataclass(slots=True)
class Tally:
    """Counts of one provider. A recipient of a message counts as one; `requests` counts HTTP requests.

    At most `track` identities are remembered, so that memory stays bounded; later ones are counted as
    untracked.
    """

    track: int
    requests: int = 0
    hung_up: int = 0
    validated: int = 0  # SendGrid's sandbox mode: checked, not accepted
    received: int = 0
    duplicates: int = 0
    without_id: int = 0  # carried no notification id: cannot be told apart
    untracked: int = 0  # arrived when the memory for identities was full: cannot be told apart
    answers: Counter[int] = field(default_factory=Counter)
    first_duplicates: list[dict[str, str]] = field(default_factory=list)
    _identities: set[int] = field(default_factory=set)

    @property
    def unique(self) -> int:
        """Messages told apart, each counted once however often it came."""
        return len(self._identities)

    def count(self, recipients: tuple[str, ...], notification_id: str | None) -> bool:
        """Count one message; was it received by any of its recipients before?"""
        self.received += len(recipients)
        if notification_id is None:
            self.without_id += len(recipients)
            return False
        before = self.duplicates
        for recipient in recipients:
            # 64 bits of SipHash: among a million messages two collide with a chance of 3 in 100 million.
            identity = hash((recipient, notification_id))
            if identity in self._identities:
                self.duplicates += 1
                if len(self.first_duplicates) < DUPLICATES_NAMED:
                    self.first_duplicates.append({"recipient": recipient, "notification_id": notification_id})
            elif len(self._identities) < self.track:
                self._identities.add(identity)
            else:
                self.untracked += 1
        return self.duplicates > before

    def as_json(self) -> dict[str, object]:
        """The counts as the control API shows them."""
        counts = {name: getattr(self, name) for name in COUNTS}
        return counts | {
            "unique": self.unique,
            "answers": {str(status): number for status, number in sorted(self.answers.items())},
            "first_duplicates": self.first_duplicates,
        }
