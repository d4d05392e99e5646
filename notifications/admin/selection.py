"""Which messages an act is about: in, ids or a filtered list; out, at most CAP ids, and what is left out and why."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from consent.admin_lists import COUNT_LIMIT
from notifications.admin.acts import Act, rehearse
from notifications.models import Notification
from notifications.replay import CAP

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Selection:
    """`ids` go into this step. `beyond`: how many more match and could go, in a further step. `others`: matching rows
    that this act does not take, by reason. Counts stop at COUNT_LIMIT."""

    ids: tuple[uuid.UUID, ...]
    beyond: int = 0
    others: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen: how many are eligible, how many are not by reason, and the first rows that are not."""

    eligible: int
    skipped: Mapping[str, int]
    refused: tuple[Notification, ...]


def chosen(ids: Iterable[uuid.UUID]) -> Selection:
    """The rows ticked by hand."""
    wanted = tuple(dict.fromkeys(ids))
    return Selection(wanted[:CAP], beyond=max(0, len(wanted) - CAP))


def all_matching(rows: QuerySet[Notification], act: Act) -> Selection:
    """The oldest CAP rows of a filtered list that the act takes. No step counts further than COUNT_LIMIT."""
    takes = rows.filter(status__in=act.takes)
    ids = tuple(takes.order_by("created_at", "pk").values_list("pk", flat=True)[:CAP])
    beyond = takes.order_by()[: COUNT_LIMIT + 1].count() - len(ids) if len(ids) == CAP else 0
    left = rows.exclude(status__in=act.takes).order_by().values_list("status", flat=True)
    others = Counter(_("it is %s") % status for status in left[:COUNT_LIMIT])
    return Selection(ids, beyond, dict(others))


def preview(selection: Selection, act: Act) -> Preview:
    """Rehearse the act on the selection."""
    rehearsed = rehearse(act, selection.ids)
    skipped = Counter(rehearsed.skipped) + Counter(selection.others)
    refused = Notification.objects.filter(pk__in=selection.ids).exclude(status__in=act.takes)
    return Preview(
        eligible=len(rehearsed.done),
        skipped=dict(skipped),
        refused=tuple(refused.select_related("template").order_by("-created_at")[:SHOWN]),
    )
