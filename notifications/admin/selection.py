"""Which messages an act is about: in, ids or a filtered list; out, at most CAP ids or a filter, and what is left out and why."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import QuerySet

from consent.admin_lists import COUNT_LIMIT
from notifications.acted import CAP, in_words, sentence
from notifications.admin.act_forms import Arguments
from notifications.admin.acts import Act, rehearse
from notifications.bulk.choose import eligible
from notifications.models import Notification

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Selection:
    """`ids` are looked at closely. Where more match than one step takes, `query` is the filter that they match, `count` how
    many there are, as far as they are counted (COUNT_LIMIT), and it is done in the background. `others`: matching rows of a
    state that the act does not take, by reason; `refused` the first of them."""

    ids: tuple[uuid.UUID, ...]
    query: str = ""
    count: int = 0
    others: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[Notification, ...] = ()
    rows: QuerySet[Notification] | None = None

    @property
    def is_large(self) -> bool:
        return self.count > len(self.ids)

    @property
    def has_more(self) -> bool:
        """Are there more than were counted?"""
        return self.count > COUNT_LIMIT

    @property
    def most(self) -> int:
        return min(self.count, COUNT_LIMIT)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen: how many are eligible, how many are not by reason, and the first rows that are not."""

    eligible: int
    skipped: Mapping[str, int]
    refused: tuple[Notification, ...]


def chosen(ids: Iterable[uuid.UUID]) -> Selection:
    """The rows ticked by hand."""
    wanted = tuple(dict.fromkeys(ids))[:CAP]
    return Selection(wanted, count=len(wanted), rows=Notification.objects.filter(pk__in=wanted))


def all_matching(rows: QuerySet[Notification], act: Act, query: str) -> Selection:
    """All of a filtered list. No step counts further than COUNT_LIMIT."""
    takes = eligible(rows, act.name)
    ids = tuple(takes.order_by("created_at", "pk").values_list("pk", flat=True)[:CAP])
    count = takes.order_by()[: COUNT_LIMIT + 1].count() if len(ids) == CAP else len(ids)
    left = rows.exclude(status__in=act.takes).order_by()
    codes = Counter(f"is:{status}" for status in left.values_list("status", flat=True)[:COUNT_LIMIT])
    return Selection(
        ids, query if count > CAP else "", count, in_words(codes), tuple(left.select_related("template")[:SHOWN]), takes
    )  # fmt: skip


def preview(selection: Selection, act: Act, arguments: Arguments, *, now: dt.datetime) -> Preview:
    """Rehearse the act on the selection; on the first CAP of a large one, of which the others are counted."""
    rehearsed = rehearse(act, selection.ids, arguments, now=now)
    left = {sentence(code): count for code, count in Counter(rehearsed.left.values()).items()}
    refused = Notification.objects.filter(pk__in=list(rehearsed.left)[:SHOWN]).select_related("template")
    return Preview(
        eligible=selection.most - len(rehearsed.left),
        skipped=dict(Counter(left) + Counter(selection.others)),
        refused=(*refused.order_by("-created_at"), *selection.refused)[:SHOWN],
    )
