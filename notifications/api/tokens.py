"""Service tokens: in, what a caller presents; out, whose it is and what that may do.

Two places hold them, both by SHA-256 alone: the table `service_tokens`, and SERVICE_TOKENS in the environment, whose
entries are `name:sha256-of-the-token[:scope+scope]`; without scopes one may do everything.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from notifications.models import ServiceToken

# What a token may do, and the permission of staff who may do the same: nobody hands out what they may not do themselves.
SCOPES: Mapping[str, str] = {
    "jobs:read": "jobs.view_jobrun",
    "jobs:run": "jobs.run_job",
    "jobs:pause": "jobs.pause_job",
    "queue:read": "notifications.view_notification",
    "notifications:read": "notifications.view_notification",
    "notifications:write": "notifications.add_notification",
    "process": "notifications.replay_notification",
}
# Tokens of the table begin so, for secret scanners: prt_[A-Za-z0-9_-]{43}
PREFIX = "prt_"
NAME = r"[A-Za-z0-9_.-]{1,60}"
_ENTRY = re.compile(rf"(?P<name>{NAME}):(?P<digest>[0-9a-f]{{64}})(?::(?P<scopes>[a-z:+]+))?")


@dataclass(frozen=True, slots=True)
class Token:
    """Whose token it is, and its scopes."""

    name: str
    scopes: frozenset[str]


def find_token(token: str) -> Token | None:
    """Whose it is; None for nobody's, an expired or a revoked one. At most one query, and that by index."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    return _of_environment(digest) or (_of_table(digest) if token.startswith(PREFIX) else None)


def names_in_environment() -> frozenset[str]:
    return frozenset(match["name"] for entry in settings.SERVICE_TOKENS if (match := _ENTRY.fullmatch(entry)))


def token_problems(entries: Sequence[str]) -> Iterator[str]:
    """What is wrong with SERVICE_TOKENS, by the entry's place and name; digests are not repeated."""
    for place, entry in enumerate(entries, 1):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            yield f"entry {place} is not name:sha256[:scope+scope], with 64 hexadecimal digits in lower case"
        elif unknown := _scopes(match) - SCOPES.keys():
            yield f"entry {place} ({match['name']}) has unknown scopes: {', '.join(sorted(unknown))}"


def _of_environment(digest: str) -> Token | None:
    """Compare with every entry, whichever matches, so that the time taken tells nothing."""
    found: Token | None = None
    for entry in settings.SERVICE_TOKENS:
        match = _ENTRY.fullmatch(entry)
        if match and hmac.compare_digest(match["digest"], digest):
            found = Token(match["name"], _scopes(match))
    return found


def _of_table(digest: str) -> Token | None:
    """By index on the digest. How long that takes tells at most where digests differ, and nobody can choose a token for
    its digest; the token itself, 256 random bits, is compared nowhere. Asked anew each time: revoked is revoked at once."""
    now = timezone.now()
    alive = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    row = ServiceToken.objects.filter(alive, sha256=digest, revoked_at__isnull=True).first()
    if row is None:
        return None
    hour = now.replace(minute=0, second=0, microsecond=0)
    if row.last_used_at is None or row.last_used_at < hour:
        # To the hour: one write an hour says as well whether it is still in use.
        ServiceToken.objects.filter(pk=row.pk).update(last_used_at=hour)
    return Token(row.name, frozenset(row.scopes) & SCOPES.keys())


def _scopes(match: re.Match[str]) -> frozenset[str]:
    return frozenset(match["scopes"].split("+")) if match["scopes"] else frozenset(SCOPES)
