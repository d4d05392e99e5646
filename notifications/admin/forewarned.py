"""What an operator should know before they confirm: in, the chosen messages and the act; out, warnings, and the moment elsewhere."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consent.admin_lists import COUNT_LIMIT
from notifications.admin.acts import Act
from notifications.admin.selection import Selection
from notifications.models import BulkAct, Notification
from notifications.reach import reach_many
from notifications.recipient_hours import zone_named

MOST_ZONES = 6


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The moment on the clocks of so many recipients."""

    zone: str
    clock: str
    people: int


def warnings(selection: Selection, act: Act) -> list[str]:
    """One query. A large selection is looked at as far as it is counted."""
    is_quiet = not act.goes_out and act.name not in (BulkAct.Kind.RESCHEDULE, BulkAct.Kind.PRIORITISE)
    if selection.rows is None or is_quiet:
        return []
    some = selection.rows.order_by().values("pk")[:COUNT_LIMIT]
    found = Notification.objects.filter(pk__in=some).aggregate(
        marketing=Count("pk", filter=Q(category="marketing")),
        doubtful=Count("pk", filter=Q(metadata__contains={"outcome_unknown": True})),
        again=Count("recipient_key", distinct=True, filter=Q(status=Notification.Status.SENT)),
    )
    return list(_said(act, **found))


def _said(act: Act, *, marketing: int, doubtful: int, again: int) -> Iterator[str]:
    if marketing:
        yield (
            ngettext("%d of them is marketing.", "%d of them are marketing.", marketing) % marketing
            + " "
            + _("Who has objected in the meantime does not get it.")
        )
    if again and act.name == BulkAct.Kind.SEND_AGAIN:
        yield (
            ngettext(
                "%d person gets a text for the second time.",
                "%d people get a text for the second time.",
                again,
            )
            % again
        )
    if doubtful and act.name == BulkAct.Kind.REPLAY:
        yield (
            ngettext(
                "Nobody knows whether %d of them has arrived: it may be received twice. Settle it first.",
                "Nobody knows whether %d of them have arrived: they may be received twice. Settle them first.",
                doubtful,
            )
            % doubtful
        )


def elsewhere(ids: Sequence[uuid.UUID], at: dt.datetime) -> list[Elsewhere]:
    """The moment by the clocks of those recipients whose time zone is known, the commonest first; then the others."""
    rows = Notification.objects.filter(pk__in=ids).values_list("to", flat=True)
    people = [reach for reach in reach_many(list(rows), with_push=False) if reach is not None]
    zones = Counter(zone for reach in people if (zone := zone_named(reach.contact.timezone)))
    told = [Elsewhere(zone.key, _clock(at, zone), n) for zone, n in zones.most_common(MOST_ZONES)]
    others = len(ids) - sum(row.people for row in told)
    return [*told, Elsewhere(_("elsewhere, or not known"), "", others)] if others else told


def _clock(at: dt.datetime, zone: ZoneInfo) -> str:
    return date_format(timezone.localtime(at, zone), "Y-m-d H:i")
