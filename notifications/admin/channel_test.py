"""A test of a channel to oneself: in, a POST by staff with the permission; out, one message through the queue, and what becomes of it.

To nobody else: it proves the way, from the queue to the provider and back, without touching a customer.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _

from consent.policy import Category
from notifications.admin.cells import feedback_badge, latency, outcome_badge, status_badge, trouble
from notifications.channel_state import state_of
from notifications.enqueue import notify
from notifications.errors import EnqueueError
from notifications.message import Staff
from notifications.models import DeliveryAttempt, Notification
from notifications.origin import origin

ORIGIN = "channel test"


class TestForm(forms.Form):
    """Nothing to fill in. Its test has an id from the beginning, so that a second click sends no second one."""

    test_id = forms.UUIDField(widget=forms.HiddenInput)


@dataclass(frozen=True, slots=True)
class Sent:
    """`id` of the message; without one, `why` not."""

    id: uuid.UUID | None
    why: str = ""


def new_form() -> TestForm:
    return TestForm(initial={"test_id": uuid.uuid4()}, auto_id=False)


def send(request: HttpRequest, *, channel: str, test_id: uuid.UUID) -> Sent:
    """Queue it, once."""
    try:
        with origin(staff=str(request.user.pk), reason=ORIGIN):
            result = notify(
                to=Staff(str(request.user.pk)),
                channel=channel,
                category=Category.TRANSACTIONAL.value,
                subject=_("Test of Postroom"),
                body=_("This is a test that you sent to yourself. The channel works."),
                idempotency_key=f"channel_test:{test_id}",
            )
    except EnqueueError as error:
        return Sent(None, str(error))
    return Sent((result.queued + result.existing + result.withheld)[0].id)


def outcome(request: HttpRequest, message_id: uuid.UUID) -> dict[str, Any] | None:
    """What became of a test of one's own so far; None for anything else."""
    row = Notification.objects.filter(pk=message_id, metadata__origin__reason=ORIGIN).first()
    if row is None or row.metadata["origin"].get("staff") != str(request.user.pk):
        return None
    stops = state_of(row.channel).stops if row.status == Notification.Status.QUEUED else ()
    attempts = DeliveryAttempt.objects.filter(notification=row).order_by("started_at")
    return {
        "row": row,
        "status": status_badge(row),
        "feedback": feedback_badge(row.feedback),
        "why": trouble(row) or (stops[0].reason if stops else ""),
        "attempts": [(attempt, outcome_badge(attempt), latency(attempt)) for attempt in attempts],
        "may_see": request.user.has_perm("notifications.view_notification"),
    }
