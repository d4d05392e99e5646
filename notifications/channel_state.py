"""May a channel send now? In: names; out, those that are open. Pausing says who, why and until when."""

import datetime as dt
import logging
from collections.abc import Iterable

from django.utils import timezone

from consent.models import Channel
from notifications.models import ChannelState

logger = logging.getLogger(__name__)


def open_channels(wanted: Iterable[str]) -> list[str]:
    """The wanted channels that are not paused, in their order. One query."""
    paused = set(
        ChannelState.objects.filter(paused_until__gt=timezone.now()).values_list("channel", flat=True)
    )
    return [name for name in wanted if name not in paused]


def pause(channel: str, *, until: dt.datetime, reason: str, by: str) -> None:
    """Stop sending on a channel; its rows wait. A longer pause that is in force already stays."""
    state, _ = ChannelState.objects.get_or_create(channel=Channel(channel))
    changed = ChannelState.objects.filter(pk=state.pk).exclude(paused_until__gte=until)
    if changed.update(paused_until=until, reason=reason, changed_by=by, changed_at=timezone.now()):
        logger.error(
            "channel.paused channel=%s until=%s by=%s reason=%s", channel, until.isoformat(), by, reason
        )


def resume(channel: str, *, by: str) -> None:
    """Send again from the next claim on."""
    ChannelState.objects.filter(channel=channel).update(
        paused_until=None, reason="", changed_by=by, changed_at=timezone.now()
    )
    logger.info("channel.resumed channel=%s by=%s", channel, by)
