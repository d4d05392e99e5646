"""How a job tells people: in, rows a page at a time and what to say of each; out, counts for its JobResult.

Memory stays flat, whatever the number of rows: a page of them, and of receipts, at a time.
"""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from django.db.models import Model, QuerySet

from jobs.spec import JobResult, Progress
from notifications.enqueue import notify_many
from notifications.errors import EnqueueError
from notifications.message import EnqueueResult, NotifyRequest

logger = logging.getLogger(__name__)

PAGE = 1000
# What is wrong with one message, and not with the template, the settings or the whole set.
OF_ONE_ROW = frozenset(
    {"bad_address", "bad_json", "bad_recipient", "expired", "too_large", "unknown_recipient"}
)
UNSAYABLE = "cannot be said"
Row = TypeVar("Row")
Found = TypeVar("Found", bound=Model)


class Telling:
    """The books of one run: what was found by kind, what became of the messages, what was changed."""

    def __init__(self, *, now: dt.datetime, progress: Progress, total: int = 0) -> None:
        self._now, self._progress, self._total = now, progress, total
        self._found: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()
        self._queued = self._existing = self._withheld = 0

    def each(self, kind: str, rows: QuerySet[Found], say: Callable[[Found], NotifyRequest]) -> None:
        """One message for each row that a query finds."""
        for page in pages(rows.iterator(chunk_size=PAGE)):
            self.tell(say(row) for row in page)
            self.found(kind, len(page))

    def tell(self, requests: Iterable[NotifyRequest]) -> None:
        """Queue these; a page at a time is enough for what comes of a page of rows. A row of which nothing can be said (a
        machine without a name) is logged and counted, and takes no other one's message with it."""
        for page in pages(requests):
            answer = self._say(page)
            self._queued += len(answer.queued)
            self._existing += len(answer.existing)
            self._withheld += len(answer.withheld)

    def _say(self, page: list[NotifyRequest]) -> EnqueueResult:
        while True:
            try:
                return notify_many(page, now=self._now)
            except EnqueueError as error:
                if error.code not in OF_ONE_ROW and not error.code.endswith("_placeholder"):
                    raise
                request = page.pop(error.index)
                logger.error("job.unsayable key=%s error=%s", request.idempotency_key, error.code)
                self._found[UNSAYABLE] += 1

    def found(self, kind: str, count: int) -> None:
        """Count what the rule selected; it is also how far the run is."""
        self._found[kind] += count
        done = self._found.total()
        self._progress(done, max(done, self._total))

    def changed(self, what: str, count: int) -> None:
        """Count rows that the run changed, by what was done: «alerts opened»."""
        if count:
            self._changed[what] += count

    def result(self, kinds: Iterable[str] = ()) -> JobResult:
        """`kinds` are shown with a 0, too."""
        return JobResult(
            found={**dict.fromkeys(kinds, 0), **self._found},
            queued=self._queued,
            existing=self._existing,
            withheld=self._withheld,
            changed=dict(self._changed),
        )


def pages(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in lists of PAGE."""
    source = iter(rows)
    while page := list(islice(source, PAGE)):
        yield page


def once(job: str, *parts: object) -> str:
    """The idempotency key of a message: `<job>:<milestone>:<id>:<date>`. No names, no addresses."""
    return ":".join([job, *map(str, parts)])
