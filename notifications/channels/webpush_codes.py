"""A push service's answer as ours: in, an HTTP status; out, a row of the taxonomy. RFC 8030 §5 and §7, RFC 8292 §4.2.

Two of them need more than the row: GONE browsers are forgotten by endpoint, and REFUSED is the browser's fault or
ours, which `channels/push_refusals.py` tells apart.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from notifications.channels.taxonomy import Row, by_status, later, message, ours

ACCEPTED = frozenset({200, 201, 202, 204})
GONE = frozenset({404, 410})
REFUSED = 403
TOO_LARGE = 413

STATUSES: Mapping[int, Row] = {
    400: message(_("The push service cannot read the message.")),
    401: ours(_("The push service does not accept our VAPID signature.")),
    403: ours(_("The push service does not accept our VAPID key for this browser.")),
    404: message(_("There is no such browser any more.")),
    410: message(_("The browser no longer takes push messages.")),
    413: message(_("The message is larger than the push service takes.")),
    429: later(_("We send faster than the push service allows.")),
}


def of(status: int) -> Row:
    """The row of an HTTP status."""
    return STATUSES.get(status) or by_status(status)
