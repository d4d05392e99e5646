"""What a dry run would have sent: in, a run's id, inside its transaction; out, its messages with masked recipients."""

import uuid

from django.db.models import DateTimeField, Func

from jobs.report import DryMessage
from notifications.masking import masked_recipient
from notifications.models import Notification

# A report is read by a person: the first of them, and how many there are.
SHOWN = 1000


class _TransactionStart(Func):
    """The moment this transaction began; Django's Now() is the statement's."""

    template = "transaction_timestamp()"
    output_field = DateTimeField()


def messages_of(run_id: uuid.UUID) -> tuple[tuple[DryMessage, ...], int]:
    """The first messages of this run in the order they would go out, and how many there are in all."""
    rows = Notification.objects.filter(created_at__gte=_TransactionStart(), metadata__origin__run=str(run_id))
    shown = rows.select_related("template").order_by(
        "scheduled_at", "template__name", "channel", "recipient_key", "id"
    )[:SHOWN]
    return tuple(_message(row) for row in shown), rows.count()


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
