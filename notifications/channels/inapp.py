"""In-app: in, a Message; out, a row of the recipient's inbox, in the transaction that marks it sent: exactly once."""

from typing import ClassVar

from notifications.channels.base import Channel
from notifications.errors import Outcome, Sent
from notifications.message import Message
from notifications.models import InboxItem


class InAppChannel(Channel):
    name: ClassVar[str] = "inapp"
    provider = "inbox"
    transactional: ClassVar[bool] = True

    def deliver(self, message: Message) -> Outcome:
        """A failure must undo the transaction around it, so unlike a provider's channel this one raises."""
        return self.deliver_one(message)

    def deliver_one(self, message: Message) -> Outcome:
        parts = message.rendered.parts
        item, _ = InboxItem.objects.get_or_create(
            notification_id=message.id,
            defaults={
                "user_id": message.recipient_key,
                "category": message.category,
                "priority": message.priority,
                "title": parts["title"],
                "message": parts["message"],
                "action_url": parts.get("action_url", ""),
                "cta_label": parts.get("cta_label", ""),
            },
        )
        return Sent(reference=str(item.pk))
