"""What follows from reports for people: in, events with their messages; out, withdrawals in the ledger and dead addresses suppressed.

Which report means what is in the providers' tables of codes (`channels/*_codes.py`); this module only acts on it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consent.models import Source, Suppression
from consent.policy import OPTIONAL
from consent.preferences import Change, record_many
from consent.suppress import Dead, suppress_many
from notifications.models import ProviderEvent
from notifications.webhooks.codes import row_of
from notifications.webhooks.onto_messages import Told

CHANNELS = {"sendgrid": "email", "twilio": "sms"}
# The person said no, so that it is a withdrawal too, and in force wherever else they may be written to.
REFUSALS = frozenset({Suppression.Reason.COMPLAINT.value, Suppression.Reason.OPTED_OUT.value})


@dataclass(frozen=True, slots=True)
class Heard:
    """An event, and the message it is about, if we have that."""

    event: ProviderEvent
    told: Told | None


def draw(heard: Sequence[Heard]) -> dict[int, list[str]]:
    """Act on each. Answers what was done, by the event's id. Idempotent: what stands already is left."""
    reasons = {one.event.pk: row.address_dead for one in heard if (row := row_of(one.event)) is not None}
    done: dict[int, list[str]] = {one.event.pk: [] for one in heard}
    refused = [
        one for one in heard if reasons.get(one.event.pk) in REFUSALS and one.told and one.told.customer_id
    ]
    record_many(change for one in sorted(refused, key=_customer) for change in _withdrawals(one))
    for one in refused:
        done[one.event.pk].append("withdrawn")
    dead = [
        Dead(
            channel=CHANNELS[one.event.provider],
            address_hmac=one.event.address_hmac,
            address_hint=one.event.address_hint,
            reason=reason,
            at=one.event.occurred_at,
            source_event=one.event.pk,
        )
        for one in heard
        if (reason := reasons.get(one.event.pk)) and one.event.address_hmac
    ]
    in_force = {(row.address_hmac, row.channel, row.reason) for row in suppress_many(dead)}
    for found in dead:
        # Not there: a person has lifted it since.
        is_in_force = (found.address_hmac, found.channel, found.reason) in in_force
        assert found.source_event is not None
        done[found.source_event].append(f"suppressed:{found.reason}" if is_in_force else "lifted_since")
    return done


def _customer(one: Heard) -> str:
    return (one.told.customer_id if one.told else None) or ""


def _withdrawals(one: Heard) -> Iterable[Change]:
    """Of every category that can be left, on that channel."""
    evidence = {
        "provider_event": one.event.pk,
        "event": one.event.event_type,
        "code": one.event.code,
        "notification_id": str(one.event.notification_id or ""),
    }
    for category in sorted(OPTIONAL):
        yield Change(
            customer_id=_customer(one),
            channel=CHANNELS[one.event.provider],
            category=category.value,
            enabled=False,
            source=Source.PROVIDER_EVENT.value,
            actor=f"provider:{one.event.provider}",
            at=one.event.occurred_at,
            evidence=evidence,
        )
