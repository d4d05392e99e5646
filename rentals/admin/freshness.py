"""How fresh the views are, in the admin: in, staff who wonder at a figure; out, each view's age, and whether it is late or failing."""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import admin
from django.db.models import Min, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rentals.admin.record import RecordAdmin
from rentals.models import ViewRefreshRequest, ViewState
from rentals.rhythm import RHYTHMS, is_late


@admin.register(ViewState)
class ViewStateAdmin(RecordAdmin[ViewState]):
    """A row a view, since the first run of `refresh_materialized_views`."""

    nothing_yet = _("No view was refreshed yet. Run the job refresh_materialized_views.")
    list_display = (
        "view_name",
        "rhythm",
        "age",
        "standing",
        "took",
        "asked_for",
        "refreshed_at",
        "error_at",
        "error_message",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ViewState]:
        requests = ViewRefreshRequest.objects.order_by().filter(view_name=OuterRef("view_name"))
        first = requests.values("view_name").values(at=Min("requested_at"))
        return super().get_queryset(request).annotate(asked_for_at=Subquery(first))

    @admin.display(description=_("Rhythm"))
    def rhythm(self, state: ViewState) -> str | None:
        known = RHYTHMS.get(state.view_name)
        return gettext(known.words) if known else None

    @admin.display(description=_("Age"))
    def age(self, state: ViewState) -> str | None:
        """Of what it shows: since the moment it was computed for."""
        return timesince(state.moment, timezone.now()) if state.moment else None

    @admin.display(description=_("Standing"))
    def standing(self, state: ViewState) -> str:
        if state.error_at:
            return str(_("failing"))
        zone = ZoneInfo(settings.TIME_ZONE)
        if state.view_name in RHYTHMS and is_late(
            state.view_name, computed_for=state.moment, now=timezone.now(), zone=zone
        ):
            return str(_("late"))
        return str(_("on time"))

    @admin.display(description=_("Took"), ordering="duration")
    def took(self, state: ViewState) -> str | None:
        return (
            f"{state.duration.total_seconds():.2f}\N{NO-BREAK SPACE}s" if state.duration is not None else None
        )

    @admin.display(description=_("Asked for since"))
    def asked_for(self, state: ViewState) -> str | None:
        at = getattr(state, "asked_for_at", None)
        return timesince(at, timezone.now()) if at else None


@admin.register(ViewRefreshRequest)
class ViewRefreshRequestAdmin(RecordAdmin[ViewRefreshRequest]):
    nothing_yet = _("Nothing asks for a refresh: the views are as fresh as their data.")
    list_display = ("view_name", "source_table", "requested_at")
