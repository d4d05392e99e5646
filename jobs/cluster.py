"""A cluster of django-q2 that leaves politely: in, a signal; out, when all of its workers have finished.

A stock cluster waits for running tasks and cannot tell them; a drain that stays for minutes must hear that it should go.
"""

import signal
from types import FrameType

from django_q.cluster import Cluster

from jobs.stopping import announce


class PoliteCluster(Cluster):  # type: ignore[misc] # django-q2 has no types
    """Its workers hear of the first signal; a second one stops the cluster at once."""

    def sig_handler(self, signum: int, frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        announce()
        super().sig_handler(signum, frame)
