"""Which audit events a rule looks at: in, a window and the words of the events; out, few rows of many, by two indexes.

A window is read by `audit_events_latest`; what an actor did before it, by `audit_events_of_actor`.
"""

import datetime as dt
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Count, F, Max, Min, OuterRef, Subquery, Window

from rentals.anomalies.finding import Event

if TYPE_CHECKING:
    from rentals.models import AuditEvent  # noqa: F401 (named in the generic base)

CHUNK = 1000


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def between(self, since: dt.datetime, now: dt.datetime) -> "AuditEventQuerySet":
        """The window: after `since`, up to and with `now`."""
        return self.filter(occurred_at__gt=since, occurred_at__lte=now)

    def of_types(self, types: Collection[str]) -> "AuditEventQuerySet":
        return self.filter(event_type__in=sorted(types))

    def in_numbers(self, column: str, *, least: int) -> "AuditEventQuerySet":
        """Those whose address, or whose actor, has so many of them here."""
        return self.alias(of_same=Window(Count("*"), partition_by=F(column))).filter(of_same__gte=least)

    def of_moving_sessions(self) -> "AuditEventQuerySet":
        """Those of sessions that have two addresses here, session by session."""
        visits = self.exclude(session_id="").filter(ip_address__isnull=False)
        moving = (
            visits.order_by()
            .values("session_id")
            .annotate(lowest=Min("ip_address"), highest=Max("ip_address"))
            .filter(lowest__lt=F("highest"))
        )
        return visits.filter(session_id__in=moving.values("session_id")).order_by(
            "session_id", "occurred_at", "id"
        )

    def first_of_actors(self, types: Collection[str]) -> "AuditEventQuerySet":
        """The first of these types by each actor, unless that actor did one before this window.

        A subquery and no anti-join, which PostgreSQL might answer by reading the table from end to end.
        """
        earlier = (
            self.model._default_manager.filter(  # noqa: SLF001 (public by its documentation)
                actor_id=OuterRef("actor_id"),
                event_type__in=sorted(types),
                occurred_at__lt=OuterRef("occurred_at"),
            )
            .order_by()
            .values("actor_id")[:1]
        )
        return self.of_types(types).alias(earlier=Subquery(earlier)).filter(earlier__isnull=True)

    def events(self) -> Iterator[Event]:
        """What the rules read, in order of time unless it has another; a page in memory at a time."""
        rows = self if self.query.order_by else self.order_by("occurred_at", "id")
        columns = ("id", "occurred_at", "actor_id", "ip_address", "session_id", "resource_id")
        for row in rows.values_list(*columns).iterator(chunk_size=CHUNK):
            yield Event(*row)
