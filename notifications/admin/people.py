"""Who `staff:7` is: in, the texts of a page and its reader; out, the same with names, for who may see staff. One query, or none."""

import re
from collections.abc import Iterable, Mapping

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

_STAFF = re.compile(r"\bstaff[: ](\d{1,9})\b")
SEE_STAFF = "auth.view_user"


class People:
    """The names behind the ids that `texts` hold; a reader always knows themselves."""

    def __init__(self, texts: Iterable[str], reader: AbstractBaseUser | AnonymousUser) -> None:
        ids = {int(found) for text in texts for found in _STAFF.findall(text)}
        if not getattr(reader, "has_perm", lambda _perm: False)(SEE_STAFF):
            ids &= {reader.pk}
        users = get_user_model().objects.in_bulk(ids) if ids else {}
        self.names: Mapping[int, str] = {pk: user.get_username() for pk, user in users.items()}

    def named(self, text: str) -> str:
        """With the name that a person signs in with, where it may be told."""
        return _STAFF.sub(lambda found: self.names.get(int(found[1]), found[0]), text)
