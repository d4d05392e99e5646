"""What is counted: in, nothing; out, the families of counters and histograms that processes add to together (tally.py).

Every label's values are from a closed set: a provider's code, a template, a customer would make series without end.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from notifications import tally


@dataclass(frozen=True, slots=True)
class Counter:
    """A sum by labels; its name ends with `_total` (https://prometheus.io/docs/practices/naming/)."""

    name: str
    help: str
    labels: tuple[str, ...]

    def add(self, *values: str, count: float = 1) -> None:
        tally.add(self.name, values, count)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How long something takes: its name ends with `_seconds`. `bounds` are the upper ends of its buckets, the last one open."""

    name: str
    help: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...]

    @property
    def ends(self) -> list[str]:
        """The `le` of each bucket."""
        return [*map(str, self.bounds), "+Inf"]

    def observe(self, *values: str, seconds: Sequence[float]) -> None:
        """Each falls into one bucket here; the scrape adds them up, as the format wants it."""
        places = [bisect_left(self.bounds, one) for one in seconds]
        ends = self.ends
        for place in set(places):
            tally.add(f"{self.name}_bucket", (*values, ends[place]), places.count(place))
        tally.add(f"{self.name}_sum", values, sum(seconds))


CLAIM_SECONDS = Histogram(
    "postroom_claim_seconds",
    "How long a claim of due messages took, whether it found any or not",
    ("channel",),
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
SEND_SECONDS = Histogram(
    "postroom_send_seconds",
    "How long a call to a provider took; a call may carry many messages",
    ("channel", "provider"),
    (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0),
)
WAIT_SECONDS = Histogram(
    "postroom_due_to_sent_seconds",
    "From the moment at which a message was due (after a retry: due again) until its provider accepted it",
    ("channel",),
    (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0),
)
OUTCOMES = Counter(
    "postroom_outcomes_total",
    "What providers answered: attempts that were recorded, by kind",
    ("channel", "provider", "outcome"),
)
ENDED = Counter(
    "postroom_messages_ended_total",
    "Messages that a drain ended, by what became of them",
    ("channel", "status"),
)
RETRIES = Counter("postroom_retries_total", "Attempts after which a message waits for another", ("channel",))
WITHHELD = Counter(
    "postroom_withheld_total",
    "Messages that a gate refused, by its rule, at enqueue or at delivery",
    ("channel", "rule", "stage"),
)
# `jobs` counts these; they stand here so that one list is all.
JOB_RUNS = Counter(
    "postroom_job_runs_total", "Runs of jobs that ended, by how; a dry run is none", ("job", "result")
)

COUNTERS = (OUTCOMES, ENDED, RETRIES, WITHHELD, JOB_RUNS)
HISTOGRAMS = (CLAIM_SECONDS, SEND_SECONDS, WAIT_SECONDS)
