"""The tabs of the queue's list: in, a name from the URL; out, which rows it means, and in which order an index holds them.

The order is what makes a page of a tab cheap however many rows lie before it: each walks its index and stops.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.admin.choosing import LED_BY
from notifications.models import Notification
from notifications.models.queue import ERROR_CODE

Status = Notification.Status
# The parameter of the URL, as Django's own filter of the column would call it.
PARAMETER = "status__exact"
UNKNOWN = "outcome_unknown"


@dataclass(frozen=True, slots=True)
class Standing:
    """`nobody` is said where there is none. `order` is that of the index which holds these rows. One that is not `shown` is a name for links alone."""

    name: str
    label: str | Promise
    explains: str | Promise
    nobody: str | Promise
    which: Callable[[dt.datetime], Q]
    order: str = "-scheduled_at"
    tone: str = "muted"
    shown: bool = True

    @property
    def ordering(self) -> tuple[str, ...]:
        """As its index holds them."""
        return (LED_BY, self.order) if self.name == UNKNOWN else (self.order,)

    def rows(self, rows: QuerySet[Notification], *, now: dt.datetime) -> QuerySet[Notification]:
        if self.name == UNKNOWN:
            rows = rows.alias(**{LED_BY: ERROR_CODE})
        return rows.filter(self.which(now))


def _is(status: Status) -> Callable[[dt.datetime], Q]:
    return lambda _now: Q(status=status)


STANDINGS: tuple[Standing, ...] = (
    Standing(
        "", _("All"), _("Every message that is not in the history yet"), "", lambda _now: Q(), "-created_at"
    ),
    Standing(
        "due",
        _("Due now"),
        _("Waits for a worker; the longest wait comes first"),
        _("Nothing is due: the workers keep up"),
        lambda now: Q(status=Status.QUEUED, scheduled_at__lte=now),
        "scheduled_at",
        "info",
    ),
    Standing(
        "scheduled",
        _("Scheduled"),
        _("Goes out later: asked for then, held, or tried again; the next comes first"),
        _("Nothing waits for a later time"),
        lambda now: Q(status=Status.QUEUED, scheduled_at__gt=now),
        "scheduled_at",
        "info",
    ),
    Standing(
        Status.PROCESSING,
        _("Processing"),
        _("In the hands of a worker"),
        _("No worker holds a message right now"),
        _is(Status.PROCESSING),
        tone="warn",
    ),
    Standing(
        Status.SENT,
        _("Sent"),
        _("A provider accepted it"),
        _("Nothing was sent in the days that the queue keeps"),
        _is(Status.SENT),
        tone="ok",
    ),
    Standing(
        Status.FAILED,
        _("Failed"),
        _("Dead letters: they wait for a person"),
        _("No message has failed for good: nothing waits for you"),
        _is(Status.FAILED),
        tone="bad",
    ),
    Standing(
        UNKNOWN,
        _("Outcome unknown"),
        _("Of the failed ones: the provider's answer was lost, so it may have been sent"),
        _("Every outcome is known"),
        lambda _now: Q(status=Status.FAILED, **{LED_BY: UNKNOWN}),
        "-created_at",
        "warn",
    ),
    Standing(
        Status.CANCELLED,
        _("Withheld"),
        _("Not sent, for a reason: a rule refused it, or a person stopped it"),
        _("Nothing was withheld in the days that the queue keeps"),
        _is(Status.CANCELLED),
    ),
    Standing(
        Status.QUEUED,
        _("Queued"),
        _("Due or scheduled"),
        _("Nothing waits in the queue"),
        _is(Status.QUEUED),
        "scheduled_at",
        shown=False,
    ),
)
BY_NAME: Mapping[str, Standing] = {standing.name: standing for standing in STANDINGS}


def standing_of(name: str | None) -> Standing:
    """«All» where the name says nothing that is known; the filter has complained about it by then."""
    return BY_NAME.get(name or "", BY_NAME[""])
