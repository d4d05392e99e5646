"""What an alert of the dashboard speaks of: in, alerts; out, the values that their messages print, by alert.

The candidates hold ids; people know bookings, machines and tickets by their numbers. Two queries, whatever the number.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rentals.models import Alert, Booking, SupportTicket

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Names:
    """The records behind a set of alerts."""

    bookings: Mapping[uuid.UUID, Booking]
    tickets: Mapping[uuid.UUID, SupportTicket]


def subjects(alerts: Sequence[Alert]) -> dict[uuid.UUID, Values]:
    """By alert. One whose record was deleted in the meantime is left out: nobody could find what it tells of."""
    names = _Names(
        Booking.objects.select_related("equipment").in_bulk(list(_bookings(alerts))),
        SupportTicket.objects.in_bulk(list(_tickets(alerts))),
    )
    found = ((alert.pk, _VALUES[alert.type](alert, names)) for alert in alerts)
    return {pk: values for pk, values in found if values is not None}


def _bookings(alerts: Iterable[Alert]) -> Iterator[uuid.UUID]:
    for alert in alerts:
        if alert.type == "overdue_insurance":
            yield uuid.UUID(alert.details["booking_id"])
        if alert.type == "booking_conflict":
            yield uuid.UUID(alert.entity_id)
            yield from map(uuid.UUID, alert.details["conflicts_with"])


def _tickets(alerts: Iterable[Alert]) -> Iterator[uuid.UUID]:
    return (uuid.UUID(alert.entity_id) for alert in alerts if alert.type == "sla_breach")


def _overdue_insurance(alert: Alert, names: _Names) -> Values | None:
    booking = names.bookings.get(uuid.UUID(alert.details["booking_id"]))
    return (
        None
        if booking is None
        else {
            "booking_number": booking.booking_number,
            "equipment": booking.equipment.label,
            "start_date": alert.details["start_date"],
            "end_date": alert.details["end_date"],
            "expired": alert.details["document_status"] == "verified",
        }
    )


def _sla_breach(alert: Alert, names: _Names) -> Values | None:
    ticket = names.tickets.get(uuid.UUID(alert.entity_id))
    is_unsolved = alert.details["resolution_breached"]
    return (
        None
        if ticket is None
        else {
            "ticket_number": ticket.ticket_number,
            "missed_at": _moment(alert.details["resolve_by" if is_unsolved else "respond_by"]),
            "unsolved": is_unsolved,
        }
    )


def _payout_delay(alert: Alert, _names: _Names) -> Values:
    details = alert.details
    return {
        "payout_id": alert.entity_id,
        "payout_amount": {"amount": f"{details['amount']:.2f}", "currency": details["currency"]},
        "arrival_date": details["arrival_date"],
        "days_late": details["days_late"],
    }


def _booking_conflict(alert: Alert, names: _Names) -> Values | None:
    booking = names.bookings.get(uuid.UUID(alert.entity_id))
    earlier = [names.bookings.get(uuid.UUID(other)) for other in alert.details["conflicts_with"]]
    others = ", ".join(other.booking_number for other in earlier if other)
    return (
        None
        if booking is None or not others
        else {
            "booking_number": booking.booking_number,
            "equipment": booking.equipment.label,
            "unit_id": booking.equipment.unit_id,
            "first_day": alert.details["first_conflict_date"],
            "others": others,
        }
    )


def _payment_failure_spike(alert: Alert, _names: _Names) -> Values:
    details = alert.details
    return {
        "payment_method": alert.entity_id,
        "failed": details["failed"],
        "tried": details["tried"],
        "hours": details["window_hours"],
    }


def _moment(text: str) -> str:
    return dt.datetime.fromisoformat(text).isoformat()


_VALUES: Mapping[str, Callable[[Alert, _Names], Values | None]] = {
    "overdue_insurance": _overdue_insurance,
    "sla_breach": _sla_breach,
    "payout_delay": _payout_delay,
    "booking_conflict": _booking_conflict,
    "payment_failure_spike": _payment_failure_spike,
}
