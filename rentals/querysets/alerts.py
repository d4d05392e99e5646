"""Which alerts staff have yet to hear of: in, their types; out, rows, chosen in SQL through the index of what is open."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from rentals.models import Alert  # noqa: F401 (named in the generic base)


class AlertQuerySet(models.QuerySet["Alert"]):
    def unresolved(self, *, types: Collection[str]) -> "AlertQuerySet":
        """Open or acknowledged: what they tell of still stands."""
        return self.filter(type__in=types).exclude(status="resolved")

    def untold(self, *, types: Collection[str]) -> "AlertQuerySet":
        """Unresolved ones that are graver than anything staff heard of them. Info is for those who look, told to nobody."""
        return self.unresolved(types=types).filter(
            Q(severity="critical") & ~Q(told_severity="critical") | Q(severity="warning", told_severity="")
        )
