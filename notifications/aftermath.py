"""What outcomes mean beyond their rows: in, deliveries; out, dead addresses suppressed, a STOP on record, dead browsers
forgotten, a misconfigured channel paused. Every act is idempotent: a batch seen twice changes nothing more."""

import logging
from collections.abc import Iterable, Iterator, Sequence

from django.utils import timezone

from consent.addresses import AddressError, blind_index, hint
from consent.models import Source, Suppression
from consent.policy import OPTIONAL
from consent.preferences import Change, record_many
from consent.suppress import Dead, suppress_many
from notifications.channel_state import MACHINE, pause
from notifications.conf import conf
from notifications.errors import Misconfigured, Permanent
from notifications.message import Delivery, Message
from notifications.push_subscriptions import forget, note_accepted, note_refused

logger = logging.getLogger(__name__)

Finished = Sequence[tuple[Delivery, Message]]


def follow_up(finished: Finished) -> None:
    """Act on outcomes. No statement for those that were simply sent, but one for the browsers among them."""
    _note_browsers([delivery for delivery, _ in finished])
    dead = [
        (delivery, message, delivery.outcome.address_dead)
        for delivery, message in finished
        if isinstance(delivery.outcome, Permanent) and delivery.outcome.address_dead
    ]
    # What the person decided is recorded before what follows from it.
    record_many(
        change
        for delivery, message, why in dead
        if why == Suppression.Reason.OPTED_OUT
        for change in _withdrawals(delivery, message)
    )
    suppress_many(_found_dead(dead))
    _pause([delivery for delivery, _ in finished])


def _note_browsers(deliveries: Sequence[Delivery]) -> None:
    def all_of(name: str) -> list[str]:
        return sorted({entry for d in deliveries for entry in d.outcome.detail.get(name, ())})

    accepted, refused, gone = all_of("accepted"), all_of("refused"), all_of("gone")
    if accepted:
        note_accepted(accepted, at=max(d.finished_at for d in deliveries if d.outcome.detail.get("accepted")))
    count = forget(gone) if gone else 0
    if refused:
        at = max(d.finished_at for d in deliveries if d.outcome.detail.get("refused"))
        count += note_refused(refused, at=at)
    if count:
        logger.info("push.forgotten count=%s", count)


def _withdrawals(delivery: Delivery, message: Message) -> list[Change]:
    """The person answered STOP to the provider, who tells us only now: no optional text message any more.

    Staff and people who are in no table have no consent to withdraw; the suppression does for them.
    """
    kind, _, customer_id = message.recipient_key.partition(":")
    if kind != "customer":
        return []
    evidence = {
        "code": delivery.outcome.code if isinstance(delivery.outcome, Permanent) else "",
        "notification_id": str(message.id),
    }
    return [
        Change(
            customer_id=customer_id,
            channel=message.channel,
            category=category.value,
            enabled=False,
            source=Source.PROVIDER_EVENT.value,
            actor=f"provider:{delivery.provider}",
            at=delivery.finished_at,
            evidence=evidence,
        )
        for category in sorted(OPTIONAL)
    ]


def _found_dead(dead: Iterable[tuple[Delivery, Message, str]]) -> Iterator[Dead]:
    for delivery, message, why in dead:
        try:
            index = blind_index(message.channel, message.address)
        except AddressError:
            # It passed the gate, so it could be normalised a moment ago; the failed row says the rest.
            logger.warning("suppression.unreadable_address channel=%s", message.channel)
            continue
        shown = hint(message.channel, message.address)
        yield Dead(message.channel, index, shown, why, delivery.finished_at)


def _pause(deliveries: Sequence[Delivery]) -> None:
    """Once a channel, however many calls were in flight."""
    refused: dict[str, tuple[Delivery, Misconfigured]] = {}
    for delivery in deliveries:
        if isinstance(delivery.outcome, Misconfigured):
            refused.setdefault(delivery.claimed.channel, (delivery, delivery.outcome))
    for channel, (delivery, outcome) in refused.items():
        until = timezone.now() + conf().misconfigured_pause
        reason = f"{delivery.provider} refuses us ({outcome.code}): {outcome.error}"
        pause(channel, until=until, reason=reason, by=MACHINE)
