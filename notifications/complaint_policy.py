"""When complaints are too many: in, two figures of a day; out, warn or stop. Pure.

Gmail and Yahoo want less than 0.10 %, and never 0.30 %, so we warn at 0.08 % and stop marketing at 0.20 %.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ComplaintPolicy:
    """From which share of delivered e-mails on we warn, and stop marketing. Below `volume` delivered, or `least` complaints,
    a share says nothing: one reader in ten is no trend."""

    warn_at: float = 0.0008
    stop_at: float = 0.002
    volume: int = 100
    least: int = 2

    def is_enough(self, *, delivered: int, complained: int) -> bool:
        """Are there enough of both to speak of a rate?"""
        return delivered >= self.volume and complained >= self.least
