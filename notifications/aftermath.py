"""What an outcome means beyond its row: in, deliveries; out, dead addresses suppressed, gone browsers forgotten, a
misconfigured channel paused."""

import logging
from collections.abc import Sequence

from django.utils import timezone

from consent.addresses import AddressError
from consent.models import Suppression
from consent.suppress import suppress
from notifications.channel_state import pause
from notifications.conf import conf
from notifications.errors import Misconfigured, Permanent
from notifications.message import Delivery, Message
from notifications.push_subscriptions import forget

logger = logging.getLogger(__name__)


def follow_up(deliveries: Sequence[tuple[Delivery, Message]]) -> None:
    """Act on outcomes. Every act is idempotent, so a batch seen twice changes nothing more."""
    gone = [endpoint for delivery, _ in deliveries for endpoint in delivery.outcome.detail.get("gone", ())]
    if gone:
        logger.info("push.forgotten count=%s", forget(gone))
    for delivery, message in deliveries:
        match delivery.outcome:
            case Permanent(address_dead=why) if why:
                _suppress(message, why)
            case Misconfigured(code=code, error=error):
                until = timezone.now() + conf().misconfigured_pause
                reason = f"{delivery.provider} refuses us ({code}): {error}"
                pause(delivery.claimed.channel, until=until, reason=reason, by="postroom")


def _suppress(message: Message, why: str) -> None:
    try:
        suppress(channel=message.channel, address=message.address, reason=Suppression.Reason(why))
    except AddressError:
        # It passed the gate, so it could be normalised a moment ago; the failed row says the rest.
        logger.warning("suppression.unreadable_address id=%s", message.id)
