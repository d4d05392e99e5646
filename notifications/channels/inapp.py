"""In-app: in, Messages; out, rows of their recipients' inboxes, in the transaction that marks them sent: exactly once."""

from collections.abc import Sequence
from typing import ClassVar

from notifications.channels.base import TransactionalChannel
from notifications.errors import Outcome, Sent
from notifications.message import Message
from notifications.models import InboxItem


class InAppChannel(TransactionalChannel):
    name: ClassVar[str] = "inapp"
    provider = "inbox"

    def deliver_all(self, messages: Sequence[Message]) -> list[Outcome]:
        """Two statements, however many there are. A message that is in the inbox already answers that item's id."""
        InboxItem.objects.bulk_create([_item(message) for message in messages], ignore_conflicts=True)
        ids = dict(
            InboxItem.objects.filter(notification_id__in=[message.id for message in messages]).values_list(
                "notification_id", "pk"
            )
        )
        return [Sent(reference=str(ids[message.id])) for message in messages]


def _item(message: Message) -> InboxItem:
    parts = message.rendered.parts
    return InboxItem(
        notification_id=message.id,
        user_id=message.recipient_key,
        category=message.category,
        priority=message.priority,
        title=parts["title"],
        message=parts["message"],
        action_url=parts.get("action_url", ""),
        cta_label=parts.get("cta_label", ""),
    )
