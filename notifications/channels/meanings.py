"""What a code of an attempt says, in words: in, the provider and the code on record; out, a sentence, or nothing."""

from collections.abc import Mapping

from django.utils.translation import gettext

from notifications.channels import sendgrid_codes, smtp_codes, twilio_codes, webpush_codes
from notifications.channels.network import FAILURES
from notifications.channels.taxonomy import Row

TABLES: Mapping[str, Mapping[int, Row]] = {
    "sendgrid": sendgrid_codes.STATUSES,
    "twilio": {**twilio_codes.STATUSES, **twilio_codes.CODES},
    "webpush": webpush_codes.STATUSES,
    "smtp": smtp_codes.CODES,
}
_NETWORK: Mapping[str, Row] = {code: row for _types, code, row in FAILURES}


def row_of(*, provider: str, code: str) -> Row | None:
    """The row of its provider's table, None where the code is in no table."""
    return TABLES.get(provider, {}).get(int(code)) if code.isdecimal() else _NETWORK.get(code)


def meaning(*, provider: str, code: str) -> str:
    """One sentence in the reader's language; empty where the code is in no table."""
    row = row_of(provider=provider, code=code)
    return gettext(row.meaning) if row else ""


def error_text(*, provider: str, code: str, error: str) -> str:
    """An error on record, which begins with our own English words where the provider had none."""
    row = row_of(provider=provider, code=code)
    if row is None or not error.startswith(row.meaning):
        return error
    return f"{gettext(row.meaning)}{error.removeprefix(row.meaning)}"


def error_of_any(*, code: str, error: str) -> str:
    """The same for who does not know the provider; words without a code may be ours as well."""
    told = (error_text(provider=provider, code=code, error=error) for provider in TABLES)
    return next((text for text in told if text != error), gettext(error) if error else "")


def is_network(code: str) -> bool:
    """Is it our own word for a failure on the way, which its sentence only repeats?"""
    return code in _NETWORK
