"""A test of a template: in, its name, a channel, its samples, who asks; out, one message to that person, and what to tell them.

`TEMPLATES_APP["SEND_TEST"]` names it: templates stand below the queue and cannot import it.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from consent.policy import Category
from notifications.enqueue import notify
from notifications.message import Staff
from notifications.origin import origin


def send_test(*, template: str, channel: str, payload: Mapping[str, Any], staff_id: str) -> str:
    """Queue it like any message. Whoever asks for a test wants it, whatever its category: it goes out as transactional."""
    with origin(staff=staff_id, reason="test"):
        result = notify(
            template,
            to=Staff(staff_id),
            channel=channel,
            payload=payload,
            category=Category.TRANSACTIONAL.value,
        )
    if result.withheld:
        return _("It is not sent: %s") % result.withheld[0].reason
    return _("A test is on its way to you by %s.") % channel
