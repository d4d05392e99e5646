"""Hide people: in, a `to` value or a provider's error text; out, the same without addresses. Pure."""

import re
from collections.abc import Mapping
from typing import Any

_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+\.[^\s@<>\"'(),;:]+")
_PHONE = re.compile(r"\+?\d[\d\s().-]{6,}\d")
# Our ids, of which every other one has enough digits in a row for a phone number.
_ID = re.compile(r"\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
_URL = re.compile(r"https?://[^\s\"'<>]+")
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
    return "unknown recipient"


def redact(text: str) -> str:
    """A provider's words without e-mail addresses, phone numbers and URLs (they echo what we sent), cut to 500 characters.

    Ids (uuids) stay: they are what an operator looks for.
    """
    text = _EMAIL.sub("[e-mail]", _URL.sub("[url]", text))
    text = "".join(part if _ID.fullmatch(part) else _PHONE.sub("[number]", part) for part in _ID.split(text))
    return " ".join(text.split())[:_LIMIT]
