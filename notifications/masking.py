"""Hide people: in, a `to` value, a provider's words, an exception; out, the same without addresses and values. Pure."""

import re
from collections.abc import Mapping
from typing import Any

_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+\.[^\s@<>\"'(),;:]+")
_PHONE = re.compile(r"\+?\d[\d\s().-]{6,}\d")
# Our ids, of which every other one has enough digits in a row for a phone number.
_ID = re.compile(r"\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
_URL = re.compile(r"https?://[^\s\"'<>]+")
# What an exception quotes is a value (a name, a row, a line of a file), but for what PostgreSQL calls its things.
_QUOTED = re.compile(r"""(?<!\w)b?'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_IDENTIFIER = re.compile(r'"(?:[a-z]+\.)?[a-z0-9]+(?:_[a-z0-9]+)+"')
# The token of an unsubscribe link opens somebody's preferences.
_TOKEN = re.compile(r"(/(?:u|preferences|confirm)/)[\w-]+")
_LIMIT = 500


def masked_recipient(to: Mapping[str, Any]) -> str:
    """One line for a list: the id of a known person, or the masked hint of an address. The history knows neither."""
    if not to:
        return "somebody no longer on record"
    if "address" in to:
        return str(to["address"].get("hint", "•••"))
    for kind in ("customer_id", "staff_id"):
        if kind in to:
            return f"{kind.removesuffix('_id')} {to[kind]}"
    return "somebody who was erased" if "erased" in to else "unknown recipient"


def redact(text: str) -> str:
    """A provider's words without e-mail addresses, phone numbers and URLs (they echo what we sent), cut to 500 characters.

    Ids (uuids) stay: they are what an operator looks for.
    """
    text = _EMAIL.sub("[e-mail]", _URL.sub("[url]", text))
    text = "".join(part if _ID.fullmatch(part) else _PHONE.sub("[number]", part) for part in _ID.split(text))
    return " ".join(text.split())[:_LIMIT]


def sentence_of(error: BaseException) -> str:
    """An exception's class and words."""
    return f"{type(error).__name__}: {words_of(error)}".removesuffix(": ")


def words_of(error: BaseException) -> str:
    """The first line of an exception's text, without addresses and quoted values: exceptions quote what they choke on, and
    PostgreSQL's later lines show whole rows."""
    return redact(without_values((str(error).splitlines() or [""])[0]))


def without_values(text: str) -> str:
    """A library's words without what they quote; a constraint's or a column's name (with an underscore) stays."""
    return _QUOTED.sub(lambda found: found[0] if _IDENTIFIER.fullmatch(found[0]) else "…", text)


def without_addresses(line: str) -> str:
    """A line of a log without e-mail addresses and the tokens of the links in our messages. Cheap where there are none."""
    if "@" in line:
        line = _EMAIL.sub("[e-mail]", line)
    if "/u/" in line or "/preferences/" in line or "/confirm/" in line:
        line = _TOKEN.sub(r"\1[token]", line)
    return line
