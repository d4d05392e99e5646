"""A run's time limit wherever it is started: in, its order and whom it tells how far it is; out, a Progress that ends it in time.

The clusters stop a run by themselves. A command or a request does not, and a run that went on past its lease would be taken
for dead, and have a second one beside it.
"""

import time

from jobs.ledger import Order
from jobs.spec import Progress


class OutOfTime(Exception):  # noqa: N818
    """The run reached its time limit."""


class Limited:
    """Passes on what a job tells, until its time is up."""

    def __init__(self, order: Order, onward: Progress) -> None:
        self._order, self._onward = order, onward
        self._end = time.monotonic() + order.timeout.total_seconds()

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() > self._end:
            raise OutOfTime(f"{self._order.job} took longer than {self._order.timeout}, and was stopped.")
        self._onward(done, total)
