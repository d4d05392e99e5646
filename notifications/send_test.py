"""A test of a template: in, its name or a draft's written parts, a channel, who asks; out, one message to that person, and what to tell them.

`TEMPLATES_APP["SEND_TEST"]` names it: templates stand below the queue and cannot import it.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from consent.policy import Category
from notifications.enqueue import notify_many
from notifications.message import NotifyRequest, Staff
from notifications.origin import origin


def send_test(
    *,
    template: str,
    channel: str,
    payload: Mapping[str, Any],
    staff_id: str,
    parts: Mapping[str, str] | None = None,
) -> str:
    """Queue it like any message. Whoever asks for a test wants it, whatever its category: it goes out as transactional.
    With `parts` (of a draft, which the queue cannot render) these are what is sent. Raises ValueError with what to do."""
    request = NotifyRequest(
        template=None if parts else template,
        to=Staff(staff_id),
        channel=channel,
        payload={} if parts else payload,
        category=Category.TRANSACTIONAL.value,
        subject=parts.get("subject", parts.get("title")) if parts else None,
        parts=parts,
    )
    with origin(staff=staff_id, reason="test", **({"draft": template} if parts else {})):
        result = notify_many([request])
    if result.withheld:
        raise ValueError(_("It is not sent: %s") % result.withheld[0].reason)
    return _("A test is on its way to you by %s.") % channel
