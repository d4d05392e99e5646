"""A mail server's answer as ours: in, an exception of smtplib; out, an Outcome. RFC 5321 §4.2: 4xx is not now, 5xx is never."""

import smtplib
from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from notifications.channels.taxonomy import Row, later, message, ours, outcome, unknown
from notifications.errors import Outcome
from notifications.masking import redact

CODES: Mapping[int, Row] = {
    421: later(_("The mail server is closing.")),
    454: later(_("The mail server cannot check our password now.")),
    530: ours(_("The mail server wants a password first.")),
    534: ours(_("The mail server wants another way to sign in.")),
    535: ours(_("The mail server does not know our password.")),
    538: ours(_("The mail server wants an encrypted connection.")),
}
LOST = unknown(_("The connection to the mail server broke."))
UNREACHABLE = later(_("The mail server did not let us in."))


def of(code: int) -> Row:
    """The row of a reply code."""
    found = CODES.get(code)
    if found is None:
        found = (
            later(_("The mail server says not now."))
            if code < 500
            else message(_("The mail server refuses it."))
        )
    return found


def from_exception(error: smtplib.SMTPException) -> Outcome:
    """What became of the message. Before DATA was answered nothing is sent, so a refusal is known as one."""
    match error:
        case smtplib.SMTPConnectError() | smtplib.SMTPHeloError():
            return outcome(UNREACHABLE, code="connect")
        case smtplib.SMTPRecipientsRefused(recipients=refused) if refused:
            code, text = next(iter(refused.values()))
            return outcome(of(code), code=str(code), error=_words(text))
        case smtplib.SMTPAuthenticationError(smtp_code=code, smtp_error=text):
            row = of(code) if code < 500 else ours(_("The mail server does not know our password."))
            return outcome(row, code=str(code), error=_words(text))
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=text):
            return outcome(of(code), code=str(code), error=_words(text))
        case smtplib.SMTPNotSupportedError():
            return outcome(
                ours(_("The mail server lacks what our settings ask for.")), code="smtp_unsupported"
            )
        case _:
            return outcome(LOST, code="connection_lost")


def _words(text: bytes | str) -> str:
    return redact(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)
