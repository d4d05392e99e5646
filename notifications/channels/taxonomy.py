"""What a provider's code means to us: in, a row of its table; out, an Outcome. Pure data and one function.

Each provider has a table of its own beside this file (`sendgrid_codes`, `twilio_codes`, `webpush_codes`,
`smtp_codes`); channels read it for answers, webhooks for what comes later, the story page for words.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_noop as _

from notifications.errors import Misconfigured, Permanent, Transient, Unknown


class Kind(StrEnum):
    """What a refusal says, and so what follows."""

    LATER = "later"  # not now: Transient
    MESSAGE = "message"  # never this message: Permanent
    ADDRESS = "address"  # never this address: Permanent, and the address is suppressed
    OURS = "ours"  # our key, sender or account: Misconfigured, the channel pauses
    UNKNOWN = "unknown"  # perhaps sent: the policy for lost answers decides


@dataclass(frozen=True, slots=True)
class Row:
    """One code. `address_dead` is the suppression's reason, `wait` the least time before another try."""

    kind: Kind
    meaning: str
    address_dead: str = ""
    wait: dt.timedelta | None = None


def later(meaning: str, *, wait: dt.timedelta | None = None) -> Row:
    return Row(Kind.LATER, meaning, wait=wait)


def message(meaning: str) -> Row:
    return Row(Kind.MESSAGE, meaning)


def address(meaning: str, *, dead: str) -> Row:
    return Row(Kind.ADDRESS, meaning, address_dead=dead)


def ours(meaning: str) -> Row:
    return Row(Kind.OURS, meaning)


def unknown(meaning: str) -> Row:
    return Row(Kind.UNKNOWN, meaning)


# RFC 9110 §15, for a status that a provider's own table does not name.
BY_CLASS: Mapping[int, Row] = {
    2: message(_("The provider's answer cannot be read as an acceptance.")),
    3: message(_("The provider sends us elsewhere; redirects are not followed.")),
    4: message(_("The provider refuses the request.")),
    5: later(_("The provider has a fault.")),
}
BY_STATUS: Mapping[int, Row] = {
    401: ours(_("The provider does not know our key.")),
    403: ours(_("The provider does not allow us this.")),
    408: later(_("The provider waited for our request in vain.")),
    425: later(_("The provider does not want the request yet.")),
    429: later(_("We send too fast.")),
}


def by_status(status: int) -> Row:
    """The row of an HTTP status, by its number or else by its class."""
    return BY_STATUS.get(status) or BY_CLASS.get(status // 100) or unknown(_("No HTTP status that we know."))


def outcome(
    row: Row, *, code: str, error: str = "", retry_after: dt.timedelta | None = None
) -> Transient | Permanent | Misconfigured | Unknown:
    """The outcome of a refusal. `error` is the provider's text, redacted; without one the row's meaning stands in."""
    text = error or row.meaning
    match row.kind:
        case Kind.LATER:
            waits = [wait for wait in (retry_after, row.wait) if wait is not None]
            return Transient(code, text, max(waits, default=None))
        case Kind.OURS:
            return Misconfigured(code, text)
        case Kind.UNKNOWN:
            return Unknown(code, text)
        case _:
            return Permanent(code, text, row.address_dead)
