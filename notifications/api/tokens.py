"""Service tokens: in, what a caller presents; out, which entry of SERVICE_TOKENS it is, and what that may do.

An entry is `name:sha256-of-the-token[:scope+scope]`; without scopes it may do everything.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings

SCOPES = frozenset(
    {
        "jobs:read",
        "jobs:run",
        "jobs:pause",
        "queue:read",
        "notifications:write",
        "notifications:read",
        "process",
    }
)
_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9_.-]{1,60}):(?P<digest>[0-9a-f]{64})(?::(?P<scopes>[a-z:+]+))?")


@dataclass(frozen=True, slots=True)
class Token:
    """Whose token it is, and its scopes."""

    name: str
    scopes: frozenset[str]


def find_token(token: str) -> Token | None:
    """Compare with every entry, whichever matches, so that the time taken tells nothing."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    found: Token | None = None
    for entry in settings.SERVICE_TOKENS:
        match = _ENTRY.fullmatch(entry)
        if match and hmac.compare_digest(match["digest"], digest):
            found = Token(match["name"], _scopes(match))
    return found


def token_problems(entries: Sequence[str]) -> Iterator[str]:
    """What is wrong with SERVICE_TOKENS, by the entry's place and name; digests are not repeated."""
    for place, entry in enumerate(entries, 1):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            yield f"entry {place} is not name:sha256[:scope+scope], with 64 hexadecimal digits in lower case"
        elif unknown := _scopes(match) - SCOPES:
            yield f"entry {place} ({match['name']}) has unknown scopes: {', '.join(sorted(unknown))}"


def _scopes(match: re.Match[str]) -> frozenset[str]:
    return frozenset(match["scopes"].split("+")) if match["scopes"] else SCOPES
