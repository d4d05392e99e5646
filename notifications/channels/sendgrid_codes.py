"""SendGrid's words as ours: in, an HTTP status or the name of a webhook event; out, a row of the taxonomy.

https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/responses
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from notifications.channels.taxonomy import Row, address, by_status, later, message, ours

STATUSES: Mapping[int, Row] = {
    400: message(_("SendGrid cannot read this message.")),
    401: ours(_("SendGrid does not know our API key.")),
    # Also «too many bad requests, temporary block»: going on would only lengthen it.
    403: ours(_("SendGrid does not allow our key to send, or has blocked it for a while.")),
    404: ours(_("There is no SendGrid API at the address that we use.")),
    405: ours(_("There is no sending of mail at the address that we use.")),
    406: ours(_("SendGrid does not speak the format that we ask for.")),
    413: message(_("The message is larger than SendGrid takes (30 MB).")),
    415: ours(_("SendGrid does not speak the format that we send.")),
    429: later(_("We send more than SendGrid allows in this window.")),
    500: later(_("SendGrid has a fault.")),
    502: later(_("SendGrid's gateway has a fault.")),
    503: later(_("SendGrid is not available.")),
    504: later(_("SendGrid's gateway gave up waiting.")),
}
# By event, and for a drop by the beginning of its reason: what SendGrid finds out after it accepted.
EVENTS: Mapping[str, Row] = {
    "bounce": address(_("The mailbox refuses mail for good."), dead="hard_bounce"),
    "blocked": message(_("The mailbox's server refused this message.")),
    "spamreport": address(_("The reader reported the message as spam."), dead="complaint"),
    # Their own lists and groups, which we do not use: whoever leaves there leaves all that can be left.
    "unsubscribe": address(_("The reader left at SendGrid."), dead="opted_out"),
    "group_unsubscribe": address(_("The reader left a group at SendGrid."), dead="opted_out"),
    "dropped": message(_("SendGrid accepted the message and then did not send it.")),
    "dropped:bounced address": address(_("Not sent: the address bounced before."), dead="hard_bounce"),
    "dropped:spam reporting address": address(
        _("Not sent: the reader reported us before."), dead="complaint"
    ),
    "dropped:unsubscribed address": address(_("Not sent: the reader left at SendGrid."), dead="opted_out"),
    "dropped:invalid": address(_("Not sent: there is no such address."), dead="invalid"),
}


def of(status: int) -> Row:
    """The row of an HTTP status."""
    return STATUSES.get(status) or by_status(status)


def name_of(event: str, *, reason: str = "") -> str:
    """A webhook event as EVENTS has it: with the beginning of its reason, where that is a row of its own."""
    whole = f"{event}:{reason.strip().lower()}"
    return next((name for name in EVENTS if ":" in name and whole.startswith(name)), event)


def of_event(event: str, *, reason: str = "") -> Row | None:
    """The row of a webhook event; None when it is no failure."""
    return EVENTS.get(name_of(event, reason=reason))
