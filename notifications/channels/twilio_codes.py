"""Twilio's error codes as ours: in, a code of an answer (2xxxx) or of a status callback (3xxxx); out, a row of the taxonomy.

https://www.twilio.com/docs/api/errors
"""

import datetime as dt
from collections.abc import Mapping

from notifications.channels.taxonomy import Row, address, by_status, later, message, ours, unknown

OPTED_OUT = 21610

CODES: Mapping[int, Row] = {
    20003: ours("Twilio does not know our account or token."),
    20403: ours("Twilio does not allow our account this."),
    20404: ours("There is no such Twilio account at the address that we use."),
    20429: later("We send faster than Twilio allows."),
    20500: later("Twilio has a fault."),
    20503: later("Twilio is not available."),
    21211: address("The number is no phone number.", dead="invalid"),
    21212: ours("Our sender is no phone number."),
    21266: message("The number is our own sender."),
    21408: message("Our account may not send to this region."),
    21602: message("The message has no text."),
    21603: ours("The message has no sender."),
    21604: message("The message has no recipient."),
    21606: ours("Our sender cannot send text messages from this account."),
    21608: ours("A trial account sends to verified numbers only."),
    21609: ours("Our address for status callbacks is no URL."),
    OPTED_OUT: address("The person answered STOP.", dead="opted_out"),
    21611: later("Our sender's queue at Twilio is full."),
    21612: message("Twilio has no route from our sender to this number."),
    21614: address("The number cannot receive text messages.", dead="landline"),
    21617: message("The text is longer than 1,600 characters."),
    21635: address("The number is a landline.", dead="landline"),
    21659: ours("Our sender is no number of this account's country."),
    21701: ours("There is no such messaging service."),
    # From here on they come in status callbacks: the message was accepted, and then failed.
    30001: later("The carrier's queue overflowed."),
    30002: ours("Our Twilio account is suspended."),
    # Twilio's own advice is to try again, once the handset may be on.
    30003: later("The handset is off, out of reach, or a landline.", wait=dt.timedelta(minutes=30)),
    30004: message("The carrier or the handset blocks the message."),
    30005: address("The number is unknown or no longer in use.", dead="invalid"),
    30006: address("The number is a landline, or its carrier cannot be reached.", dead="landline"),
    30007: message("The carrier filtered the message because of its content."),
    30008: later("The carrier gave no reason."),
    30032: ours("Our toll-free number has not been verified."),
    30034: ours("Our number is not registered for business texts in the US (A2P 10DLC)."),
}
# A gateway's answer without a code: the message may have got through before the gateway lost sight of it.
STATUSES: Mapping[int, Row] = {
    502: unknown("Twilio's gateway lost the answer."),
    504: unknown("Twilio's gateway gave up waiting for the answer."),
}


def of(code: int | None, *, status: int | None = None) -> Row:
    """The row of a code; where Twilio gave none that we know, that of the HTTP status."""
    if code is not None and code in CODES:
        return CODES[code]
    if status is None:
        return message("Twilio gives a code that we do not know.")
    return STATUSES.get(status) or by_status(status)
