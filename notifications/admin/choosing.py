"""A filter of the queue: in, one parameter of the URL; out, the rows it means, a field to choose it by, a chip to drop it.

A value that means nothing finds nothing, and the page says so: everything, which Django would show, is what an act on «all
that match» must never be given.
"""

import datetime as dt
import enum
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from notifications.models import Notification


class Cost(enum.Enum):
    """What PostgreSQL has to find a filter's rows by (reach.py)."""

    NARROW = "an index that leads to few rows"
    ORDERED = "an index that holds them by created_at"
    SIZED = "an index in no order: cheap where it holds few"
    RANGE = "a range of created_at"
    SINCE = "a range of created_at that goes on to the newest"
    LOOSE = "none: rows are looked through"


# What an index of one code or rule holds first. The order of a list names it, though it is the same in each row: where row level
# security holds, PostgreSQL cannot tell so by itself, and would read and sort all that the index leads to.
LED_BY = "led_by"
# The attribute of a request that asks for the list as it was at a moment: an act is about what was confirmed (criteria.py).
AS_OF = "as_of"


class Choosing(SimpleListFilter):
    """Whoever derives says in `rows` what a value means at the moment `now`, and in `accepts` which values mean something."""

    kind: ClassVar[str] = "choice"  # or "text", "moment": the field in the form
    cost: Cost = Cost.LOOSE
    hint: ClassVar[Any] = ""
    problem = ""
    note = ""  # of what it did not look for
    now: dt.datetime

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.now = getattr(request, AS_OF, None) or timezone.now()
        super().__init__(request, *args, **kwargs)

    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def accepts(self, value: str) -> bool:
        return value in dict(self.lookup_choices)

    def rows(self, rows: QuerySet[Notification], value: str) -> QuerySet[Notification]:
        raise NotImplementedError

    def queryset(
        self,
        request: HttpRequest,
        queryset: QuerySet[Notification],
    ) -> QuerySet[Notification] | None:
        value = self.chosen
        if not value:
            return None
        if "\0" in value or not self.accepts(value):
            self.problem = _("The filter “%(filter)s” knows no “%(value)s”, so nothing is shown.") % {
                "filter": self.title,
                "value": value[:60].replace("\0", "␀"),
            }
            return queryset.none()
        return self.rows(queryset, value)

    @property
    def chosen(self) -> str:
        """What stands in the URL, without blanks around it."""
        return str(self.value() or "").strip()

    @property
    def options(self) -> list[tuple[str, str]]:
        """For the form: the choices, and an unknown value that was chosen."""
        known = [(str(value), str(label)) for value, label in self.lookup_choices]
        strange = self.chosen and self.chosen not in dict(known)
        return [*known, (self.chosen, self.chosen)] if strange else known

    @property
    def shown(self) -> str:
        """For the chip."""
        return dict(self.options).get(self.chosen, self.chosen)

    @property
    def field_value(self) -> str:
        return self.chosen
