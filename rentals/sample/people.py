"""Who the customers are: in, a customer's number; out, name, language, company and address, without a look-up.

Contracts name their signers before the customers are written, so a person follows from the number alone.
"""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from rentals.sample.plan import Plan
from rentals.sample.words import FIRST_NAMES, LAST_NAMES, TRADES

_MASK = 2**64 - 1
_DOMAINS = ("example.com", "example.net", "example.org")


class Person(NamedTuple):
    locale: str
    first: str
    last: str
    company: str
    # Empty for few, who want to be written to by SMS.
    email: str


class People:
    def __init__(self, plan: Plan) -> None:
        self._salt = plan.draws("people").getrandbits(64)

    def person(self, number: int, *, channel: str) -> Person:
        """`channel` is the one they prefer."""
        bits = _mix(self._salt + number)
        locale = "fr" if bits & 0xFF < 90 else "en"
        first, last = _pick(bits >> 8, FIRST_NAMES[locale]), _pick(bits >> 20, LAST_NAMES[locale])
        company = ""
        if bits >> 32 & 0xFF < 115:
            trade = _pick(bits >> 40, TRADES[locale])
            company = f"{trade} {last}" if locale == "fr" else f"{last} {trade}"
        has_email = channel != "sms" or bits >> 52 & 0xFF >= 13
        return Person(locale, first, last, company, _email(first, last, number, company) if has_email else "")


def _mix(value: int) -> int:
    """Neighbours become strangers: the finalizer of SplitMix64 (Steele, Lea, Flood 2014)."""
    value = (value * 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def _pick(bits: int, choices: Sequence[str]) -> str:
    return choices[(bits & 0xFFF) % len(choices)]


def _email(first: str, last: str, number: int, company: str) -> str:
    domain = f"{_ascii(company)}.example" if company else _DOMAINS[number % 3]
    return f"{_ascii(first)}.{_ascii(last)}{number}@{domain}"


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return plain.replace(" ", "-").lower()
