"""What a person did last: in, who asks; out, their newest entries of the audit log in words, but for signing in."""

from itertools import islice

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from config.audit.words import SIGN_IN_REFUSED, SIGNED_IN, Said, said

SHOWN, LOOKED_AT = 8, 100


def own_acts(user: AbstractBaseUser | AnonymousUser) -> list[tuple[LogEntry, Said]]:
    """Of the newest LOOKED_AT, so that who signs in and does no more costs no more."""
    newest = LogEntry.objects.filter(user=user.pk).select_related("content_type")[:LOOKED_AT]
    acts = (entry for entry in newest if entry.change_message not in (SIGNED_IN, SIGN_IN_REFUSED))
    return [(entry, said(entry)) for entry in islice(acts, SHOWN)]
