"""What a payload may hold by type, and how it reads: in, a JSON value, a language, a time zone; out, words.

Jobs pass facts (`2026-11-24`); the language of the reader is known only when the message is rendered. Pure.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import dateformat, formats, timezone, translation

# What a value of each type must be, as an error says it.
TYPES: Mapping[str, str] = MappingProxyType(
    {
        "text": "a text or a number",
        "url": "an address that begins with https:// (or http://)",
        "date": "a date like 2026-11-24",
        "datetime": "a moment with its offset, like 2026-11-24T09:30:00-04:00",
        "money": 'an amount like {"amount": "500.00", "currency": "CAD"}',
        "flag": "true or false",
        "list": "a list of texts, or of objects whose values are texts",
    }
)
# The pieces of a formatted value, for `{{name.piece}}`; `{{name}}` alone is `full`.
PIECES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "date": frozenset({"full", "short"}),
        "datetime": frozenset({"full", "short", "date", "time"}),
        "money": frozenset({"full"}),
    }
)
_DATE, _CURRENCY = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"[A-Z]{3}")
_WHOLE = frozenset({"CLP", "JPY", "KRW", "PYG", "VND", "XAF", "XOF", "XPF"})


class Formatted(dict[str, str]):
    """A value in words: `{{name}}` writes it in full, `{{name.short}}` a piece of it."""

    def __str__(self) -> str:
        return self["full"]


@dataclass(frozen=True, slots=True)
class _Language:
    """Django's date letters for one language; `at` joins a date and a time, `full_hour` is what 9:00 does not need.

    Nothing ends with a full stop (as «nov.» or «a.m.» would): a sentence may end there.
    """

    date: str
    short: str
    time: str
    full_hour: str
    at: str


_LANGUAGES: Mapping[str, _Language] = {
    "en": _Language(date="l, F j, Y", short="D, M j", time="g:i A", full_hour=":00", at=" at "),
    "fr": _Language(date="l j F Y", short="j F", time="G\xa0\\h\xa0i", full_hour="\xa000", at=" à "),
}
# The sign of each currency as a Canadian reads it.
_SIGNS: Mapping[str, str] = {"CAD": "$", "USD": "US$", "EUR": "€", "GBP": "£"}


def is_valid(kind: str, value: Any) -> bool:
    """Is the value what its type says (`TYPES`)? Blank text is not."""
    match kind:
        case "text":
            return _is_scalar(value)
        case "url":
            return isinstance(value, str) and is_web_address(value)
        case "date":
            return isinstance(value, str) and bool(_DATE.fullmatch(value)) and _parses(dt.date, value)
        case "datetime":
            return (
                isinstance(value, str)
                and _parses(dt.datetime, value)
                and dt.datetime.fromisoformat(value).tzinfo is not None
            )
        case "money":
            return _is_money(value)
        case "flag":
            return isinstance(value, bool)
        case "list":
            return isinstance(value, list) and all(_is_item(item) for item in value)
        case _:
            return False


def is_web_address(text: str) -> bool:
    """An absolute http(s) address: nothing that runs (`javascript:`), nothing with spaces or quotes in it."""
    if not text.isprintable() or any(c in text for c in " <>\"'\\"):
        return False
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.hostname)


def in_words(kind: str, value: Any, *, locale: str, zone: str) -> Any:
    """The value as `Mustache.write` wants it: dates, moments and money become `Formatted`, the rest stays."""
    if value is None or kind not in PIECES:
        return value
    if kind == "money":
        return _in_words(kind, value["amount"], value["currency"], locale, "")
    return _in_words(kind, value, "", locale, zone if kind == "datetime" else "")


# The messages of a batch speak of the same few days and amounts.
@lru_cache(maxsize=4096)
def _in_words(kind: str, value: str, currency: str, locale: str, zone: str) -> Formatted:
    with translation.override(locale.replace("_", "-").lower()):
        match kind:
            case "date":
                return _date_words(dt.date.fromisoformat(value), locale)
            case "datetime":
                return _moment_words(dt.datetime.fromisoformat(value).astimezone(_zone(zone)), locale)
            case _:
                return Formatted(full=_money(Decimal(value), currency, locale))


def _date_words(day: dt.date, locale: str) -> Formatted:
    language = _LANGUAGES.get(locale[:2].lower())
    if language is None:
        return Formatted(
            full=formats.date_format(day, "DATE_FORMAT"), short=formats.date_format(day, "SHORT_DATE_FORMAT")
        )
    words = Formatted(
        full=dateformat.format(day, language.date),
        short=dateformat.format(day, language.short),
    )
    if locale[:2].lower() == "fr" and day.day == 1:
        return Formatted({piece: re.sub(r"\b1(?= )", "1er", text) for piece, text in words.items()})
    return words


def _moment_words(moment: dt.datetime, locale: str) -> Formatted:
    language = _LANGUAGES.get(locale[:2].lower())
    day = _date_words(moment.date(), locale)
    if language is None:
        time, at = formats.time_format(moment.time(), "TIME_FORMAT"), " "
    else:
        time, at = dateformat.time_format(moment.time(), language.time), language.at
        time = time.replace(language.full_hour, "")
    return Formatted(full=f"{day}{at}{time}", short=f"{day['short']}, {time}", date=str(day), time=time)


def _money(amount: Decimal, currency: str, locale: str) -> str:
    number = formats.number_format(amount, decimal_pos=0 if currency in _WHOLE else 2, force_grouping=True)
    sign = _SIGNS.get(currency, f"{currency}\xa0")
    if locale[:2].lower() == "fr":
        return f"{number}\xa0{'$ US' if currency == 'USD' else sign.strip()}"
    return f"{sign}{number}"


def _is_money(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"amount", "currency"}:
        return False
    amount, currency = value["amount"], value["currency"]
    try:
        return (
            isinstance(amount, str)
            and Decimal(amount).is_finite()
            and isinstance(currency, str)
            and bool(_CURRENCY.fullmatch(currency))
        )
    except InvalidOperation:
        return False


def _is_scalar(value: Any) -> bool:
    return bool(value.strip()) if isinstance(value, str) else type(value) in (int, float)


def _is_item(item: Any) -> bool:
    return all(_is_scalar(v) for v in item.values()) if isinstance(item, dict) else _is_scalar(item)


def _parses(kind: type[dt.date] | type[dt.datetime], value: str) -> bool:
    try:
        kind.fromisoformat(value)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=512)
def _zone(name: str) -> dt.tzinfo:
    try:
        return ZoneInfo(name) if name else timezone.get_default_timezone()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone.get_default_timezone()
