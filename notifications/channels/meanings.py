"""What a code of an attempt says, in words: in, the provider and the code on record; out, a sentence, or nothing."""

from collections.abc import Mapping

from notifications.channels import sendgrid_codes, smtp_codes, twilio_codes, webpush_codes
from notifications.channels.network import FAILURES
from notifications.channels.taxonomy import Row

TABLES: Mapping[str, Mapping[int, Row]] = {
    "sendgrid": sendgrid_codes.STATUSES,
    "twilio": {**twilio_codes.STATUSES, **twilio_codes.CODES},
    "webpush": webpush_codes.STATUSES,
    "smtp": smtp_codes.CODES,
}
_NETWORK: Mapping[str, Row] = {code: row for _, code, row in FAILURES}


def meaning(*, provider: str, code: str) -> str:
    """One English sentence; empty where the code is in no table."""
    row = TABLES.get(provider, {}).get(int(code)) if code.isdecimal() else _NETWORK.get(code)
    return row.meaning if row else ""
