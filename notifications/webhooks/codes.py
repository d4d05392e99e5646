"""What a report's code means: in, an event; out, a row of its provider's table, as channels read it for answers."""

from notifications.channels import sendgrid_codes, twilio_codes
from notifications.channels.taxonomy import Row
from notifications.models import ProviderEvent


def row_of(event: ProviderEvent) -> Row | None:
    """None where it is no failure."""
    if event.provider == "twilio":
        return twilio_codes.of(int(event.code)) if event.code.isdecimal() else None
    name, _, reason = event.code.partition(":")
    return sendgrid_codes.of_event(name, reason=reason)
