"""Twilio's error codes as ours: in, a code of an answer (2xxxx) or of a status callback (3xxxx); out, a row of the taxonomy.

https://www.twilio.com/docs/api/errors
"""

import datetime as dt
from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from notifications.channels.taxonomy import Row, address, by_status, later, message, ours, unknown

OPTED_OUT = 21610

CODES: Mapping[int, Row] = {
    20003: ours(_("Twilio does not know our account or token.")),
    20403: ours(_("Twilio does not allow our account this.")),
    20404: ours(_("There is no such Twilio account at the address that we use.")),
    20429: later(_("We send faster than Twilio allows.")),
    20500: later(_("Twilio has a fault.")),
    20503: later(_("Twilio is not available.")),
    21211: address(_("The number is no phone number."), dead="invalid"),
    21212: ours(_("Our sender is no phone number.")),
    21266: message(_("The number is our own sender.")),
    21408: message(_("Our account may not send to this region.")),
    21602: message(_("The message has no text.")),
    21603: ours(_("The message has no sender.")),
    21604: message(_("The message has no recipient.")),
    21606: ours(_("Our sender cannot send text messages from this account.")),
    21608: ours(_("A trial account sends to verified numbers only.")),
    21609: ours(_("Our address for status callbacks is no URL.")),
    OPTED_OUT: address(_("The person answered STOP."), dead="opted_out"),
    21611: later(_("Our sender's queue at Twilio is full.")),
    21612: message(_("Twilio has no route from our sender to this number.")),
    21614: address(_("The number cannot receive text messages."), dead="landline"),
    21617: message(_("The text is longer than 1,600 characters.")),
    21635: address(_("The number is a landline."), dead="landline"),
    21659: ours(_("Our sender is no number of this account's country.")),
    21701: ours(_("There is no such messaging service.")),
    # From here on they come in status callbacks: the message was accepted, and then failed.
    30001: later(_("The carrier's queue overflowed.")),
    30002: ours(_("Our Twilio account is suspended.")),
    # Twilio's own advice is to try again, once the handset may be on.
    30003: later(_("The handset is off, out of reach, or a landline."), wait=dt.timedelta(minutes=30)),
    30004: message(_("The carrier or the handset blocks the message.")),
    30005: address(_("The number is unknown or no longer in use."), dead="invalid"),
    30006: address(_("The number is a landline, or its carrier cannot be reached."), dead="landline"),
    30007: message(_("The carrier filtered the message because of its content.")),
    30008: later(_("The carrier gave no reason.")),
    30032: ours(_("Our toll-free number has not been verified.")),
    30034: ours(_("Our number is not registered for business texts in the US (A2P 10DLC).")),
}
# A gateway's answer without a code: the message may have got through before the gateway lost sight of it.
STATUSES: Mapping[int, Row] = {
    502: unknown(_("Twilio's gateway lost the answer.")),
    504: unknown(_("Twilio's gateway gave up waiting for the answer.")),
}


def of(code: int | None, *, status: int | None = None) -> Row:
    """The row of a code; where Twilio gave none that we know, that of the HTTP status."""
    if code is not None and code in CODES:
        return CODES[code]
    if status is None:
        return message(_("Twilio gives a code that we do not know."))
    return STATUSES.get(status) or by_status(status)
