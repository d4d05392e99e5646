"""Addresses in three forms: in, what somebody typed; out, the normal form, a keyed hash to search by, a mask to show.

No message of an error and no mask holds the address.
"""

import hmac
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

import idna
import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from consent.field_keys import index_key

DEFAULT_REGION = "CA"  # the country of a number written without its code
DOTS = "•••"


class AddressError(ValueError):
    """An address that this channel cannot write to. `code` is stable (stored, counted); retrying never helps."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def normalise(channel: str, value: str) -> str:
    """One spelling an address: e-mail in lower case with an ASCII domain, a number in E.164, a push endpoint as it is.

    Dots and plus tags of an e-mail address stay: to most providers they are other people. Raises AddressError.
    """
    if channel not in _NORMAL:
        raise AddressError("address.no_channel", f"Channel {channel!r} has no addresses.")
    return _NORMAL[channel](value.strip())


def blind_index(channel: str, value: str) -> str:
    """The hex HMAC-SHA256 of channel and normal form: equal for equal addresses, meaningless without our key."""
    return _index(index_key(), channel, value)


# A message's address is indexed at the gate, and again for its link.
@lru_cache(maxsize=2048)
def _index(key: bytes, channel: str, value: str) -> str:
    return hmac.digest(key, f"{channel}:{normalise(channel, value)}".encode(), "sha256").hex()


def hint(channel: str, value: str) -> str:
    """Enough to recognise an address one knows: `j•••@g•••.com`, `+1•••••1234`, a push endpoint's origin. Never raises."""
    try:
        normal = normalise(channel, value)
    except AddressError:
        return DOTS
    return _HINT[channel](normal)


def mentions_address(text: str) -> bool:
    """Does a text that people wrote hold something like an e-mail address or a phone number?"""
    return "@" in text or bool(phonenumbers.PhoneNumberMatcher(text, DEFAULT_REGION).has_next())


# Addresses as most are: what follows would answer the same, in ten times the time.
_PLAIN = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_PLAIN_LENGTH = 254


def _normal_email(value: str) -> str:
    plain = value.lower()
    if len(plain) <= _PLAIN_LENGTH and plain.isascii() and _PLAIN.fullmatch(plain):
        return plain
    local, at, domain = unicodedata.normalize("NFC", value).lower().rpartition("@")
    try:
        if not domain.isascii():
            # UTS 46 maps what browsers map, then IDNA 2008: «straße.de» and «xn--strae-oqa.de» are one domain.
            domain = idna.encode(domain, uts46=True).decode("ascii")
        address = f"{local}{at}{domain}"
        _valid_email(address)
    except (ValidationError, UnicodeError):
        raise AddressError("address.bad_email", "This is not an e-mail address.") from None
    if not address.isprintable():  # Django's rule for quoted local parts lets control characters through
        raise AddressError("address.bad_email", "This is not an e-mail address.")
    return address


_valid_email = EmailValidator()


def _normal_number(value: str) -> str:
    try:
        number = phonenumbers.parse(value, DEFAULT_REGION)
    except phonenumbers.NumberParseException:
        raise AddressError("address.bad_number", "This is not a phone number.") from None
    if number.extension or not phonenumbers.is_valid_number(number):
        raise AddressError("address.bad_number", "This is not a phone number that can be texted.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _normal_endpoint(value: str) -> str:
    # Whether we may *call* it (scheme, allow-listed host) is the push channel's question, not ours.
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.username
    except ValueError:
        valid = False
    if not valid:
        raise AddressError("address.bad_endpoint", "This is not the URL of a push service.")
    return value


def _email_hint(address: str) -> str:
    local, _, domain = address.rpartition("@")
    name, dot, end = domain.rpartition(".")
    return f"{local[0]}{DOTS}@{(name or end)[0]}{DOTS}{dot + end if name else ''}"


def _number_hint(number: str) -> str:
    parsed = phonenumbers.parse(number)
    national = str(parsed.national_number)
    # Four digits of a short number would be most of it.
    return f"+{parsed.country_code}{DOTS}••{national[-4:] if len(national) >= 8 else national[-2:]}"


def _endpoint_hint(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


_NORMAL: dict[str, Callable[[str], str]] = {
    "email": _normal_email,
    "sms": _normal_number,
    "push": _normal_endpoint,
}
_HINT: dict[str, Callable[[str], str]] = {"email": _email_hint, "sms": _number_hint, "push": _endpoint_hint}
