"""Give a program a token and take it away: in, a name, scopes, who does it and why; out, the token, told once, and its row."""

import datetime as dt
import hashlib
import logging
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from notifications.api.tokens import NAME, PREFIX, SCOPES, names_in_environment
from notifications.models import ServiceToken

logger = logging.getLogger(__name__)

RANDOM_BYTES = 32
LONGEST_DAYS = 3650


class TokenError(ValueError):
    """What was asked for cannot be; `field` says what to correct."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Issued:
    """The token, which nobody can tell again, and its row."""

    token: str
    row: ServiceToken


def issue(
    *, name: str, scopes: Collection[str], by: str, now: dt.datetime, days: int | None = None
) -> Issued:
    """A new token of 256 random bits, alive for `days` (None: until it is revoked). Raises TokenError."""
    if not re.fullmatch(NAME, name):
        raise TokenError("name", _("Write 1 to 60 letters, digits, dots, dashes or underscores."))
    if not scopes or not set(scopes) <= SCOPES.keys():
        raise TokenError("scopes", _("Choose one or more of %s.") % ", ".join(SCOPES))
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise TokenError("days", _("Write a number of days from 1 to %d.") % LONGEST_DAYS)
    if name in names_in_environment():
        raise TokenError("name", _("SERVICE_TOKENS has a token of this name. Choose another."))
    token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    row = ServiceToken(
        name=name,
        sha256=hashlib.sha256(token.encode()).hexdigest(),
        scopes=sorted(set(scopes)),
        created_at=now,
        created_by=by,
        expires_at=None if days is None else now + dt.timedelta(days=days),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise TokenError("name", _("There is a token of this name. Revoke it, or choose another.")) from None
    logger.info("service_token.issued id=%s name=%s by=%s", row.pk, name, by)
    return Issued(token, row)


def revoke(name: str, *, by: str, reason: str, now: dt.datetime) -> ServiceToken | None:
    """End the token of that name, in every process at once; None if there is none that is not revoked already."""
    living = ServiceToken.objects.filter(name=name, revoked_at__isnull=True)
    with transaction.atomic():
        row = living.select_for_update().first()
        if row is None:
            return None
        row.revoked_at, row.revoked_by, row.revoke_reason = now, by, reason
        row.save(update_fields=["revoked_at", "revoked_by", "revoke_reason"])
    logger.warning("service_token.revoked id=%s name=%s by=%s", row.pk, name, by)
    return row
