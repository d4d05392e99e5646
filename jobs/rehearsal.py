"""What a dry run would have sent: in, a run's id, inside its transaction; out, its messages, and all of them in groups.

Recipients are masked.
"""

import uuid

from django.db.models import Count, DateTimeField, F, Func, Max, Min, QuerySet, TextField, Value, Window
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, RowNumber

from jobs.report import DryGroup, DryMessage
from notifications.masking import masked_recipient
from notifications.models import Notification

# A report is read by a person: the first of them, and how many there are.
SHOWN = 1000
# Recipients named of a group.
SAMPLES = 3
Group = tuple[str, str, str]
_KEY = ("template_name", "channel", "withheld")


class _TransactionStart(Func):
    """The moment this transaction began; Django's Now() is the statement's."""

    template = "transaction_timestamp()"
    output_field = DateTimeField()


def messages_of(run_id: uuid.UUID) -> tuple[tuple[DryMessage, ...], int, tuple[DryGroup, ...]]:
    """The first messages of this run in the order they would go out, how many there are in all, and all in groups."""
    rows = Notification.objects.filter(created_at__gte=_TransactionStart(), metadata__origin__run=str(run_id))
    shown = rows.select_related("template").order_by(
        "scheduled_at", "template__name", "channel", "recipient_key", "id"
    )[:SHOWN]
    groups = _groups(rows)
    return tuple(_message(row) for row in shown), sum(group.count for group in groups), groups


def _message(row: Notification) -> DryMessage:
    withheld = row.metadata.get("withheld") or {}
    return DryMessage(
        recipient=masked_recipient(row.to),
        channel=row.channel,
        template=row.template.name if row.template else "",
        scheduled_at=row.scheduled_at,
        status=row.status,
        reason=str(withheld.get("reason", "")),
    )


def _groups(rows: QuerySet[Notification]) -> tuple[DryGroup, ...]:
    """What goes out first, then what is withheld; the largest first."""
    keyed = rows.annotate(
        template_name=Coalesce("template__name", Value(""), output_field=TextField()),
        withheld=Coalesce(
            KeyTextTransform("reason", F("metadata__withheld")), Value(""), output_field=TextField()
        ),
    ).order_by()
    counted = keyed.values(*_KEY).annotate(n=Count("pk"), first=Min("scheduled_at"), last=Max("scheduled_at"))
    place = Window(RowNumber(), partition_by=[F(name) for name in _KEY], order_by=["scheduled_at", "id"])
    samples: dict[Group, list[str]] = {}
    for row in (
        keyed.annotate(place=place).filter(place__lte=SAMPLES).values("to", "place", *_KEY).order_by("place")
    ):
        samples.setdefault(_key(row), []).append(masked_recipient(row["to"]))
    groups = [
        DryGroup(*_key(row), row["n"], row["first"], row["last"], tuple(samples.get(_key(row), ())))
        for row in counted
    ]
    return tuple(sorted(groups, key=lambda one: (bool(one.withheld), -one.count, one.template, one.channel)))


def _key(row: dict[str, str]) -> Group:
    return (row["template_name"], row["channel"], row["withheld"])
