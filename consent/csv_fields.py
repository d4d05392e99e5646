"""The fields of one decision in a CSV: in, texts; out, values, or what is wrong and what to write. No database."""

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.dateparse import parse_datetime

from consent.ledger import CHANNELS
from consent.models import Category, Source
from consent.policy import OPTIONAL

ACTIONS = ("granted", "confirmed", "revoked", "requested")
EARLIEST = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
# Clocks differ a little; what lies further ahead would outlast whatever the customer decides until then.
AHEAD = dt.timedelta(minutes=5)
LONGEST = {"customer_id": 200, "actor": 200, "evidence": 8_192, "wording": 20_000}
DEEPEST = 20  # levels of evidence
_ACTOR = re.compile(r"customer|(?:staff|provider|job):\S+")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a line (1 is the header; a row of several lines is told by its last), and what to do about it."""

    line: int
    column: str
    text: str

    def __str__(self) -> str:
        return (
            f"line {self.line}, {self.column}: {self.text}"
            if self.column
            else f"line {self.line}: {self.text}"
        )


def wrong(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Columns and what is wrong with them, but for the moment and the evidence."""
    if not row["customer_id"]:
        yield "customer_id", "is blank: write the customer's id."
    for column, choices in (("channel", CHANNELS), ("category", Category.values), ("action", ACTIONS)):
        if row[column] not in choices:
            yield column, f"is “{row[column][:40]}”: write one of {', '.join(choices)}."
    if row.get("source") and row["source"] not in Source.values:
        yield "source", f"is “{row['source'][:40]}”: write one of {', '.join(Source.values)}, or nothing."
    if row["action"] == "revoked" and row["category"] in set(Category.values) - OPTIONAL:
        yield "category", f"{row['category']} messages can't be switched off: leave the row out."
    if row.get("actor") and not _ACTOR.fullmatch(row["actor"]):
        yield "actor", "write customer, staff:ID, provider:NAME or job:NAME, or nothing."
    if row.get("wording_locale") and not _LOCALE.fullmatch(row["wording_locale"]):
        yield "wording_locale", "is no language: write en or fr-CA, or nothing."
    for column, most in LONGEST.items():
        if len(row.get(column, "")) > most:
            yield column, f"has {len(row[column]):,} characters; the limit is {most:,}."


def moment_of(text: str, now: dt.datetime) -> tuple[dt.datetime | None, str]:
    """The moment, or None and what is wrong."""
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    if at is None:
        return None, f"is “{text[:40]}”: write a moment with its offset, such as 2026-03-01T09:30:00-04:00."
    if at.tzinfo is None:
        return None, "has no offset: add it, such as 2026-03-01T09:30:00-04:00 (or Z for UTC)."
    if not EARLIEST <= at <= now + AHEAD:
        return (
            None,
            "lies in the future: nobody decided that yet."
            if at > now
            else "lies before 1990: check the year.",
        )
    return at, ""


def evidence_of(text: str) -> dict[str, Any] | None:
    """The evidence; None where it is no JSON object, or none that the database can keep (NaN, NUL, half a character)."""
    if not text:
        return {}
    try:
        found = json.loads(text)
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    is_kept = isinstance(found, dict) and "\\u0000" not in text and not _is_deep(found)
    return found if is_kept else None


def _is_deep(found: object) -> bool:
    """Level by level: whoever writes it down walks it by recursion."""
    level = [found]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
        ]
    return bool(level)
