"""Who `staff:7` is: in, actors as rows keep them, or texts that name some; out, the name each person signs in with, in one query.

A row keeps the id, so that a renamed person stays the same one; a page says a name. The one rule of whom it is told to: whoever
may read what was done may read who did it. The account behind the name is another matter (`auth.view_user`).
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar, cast

from django.contrib.auth import get_user_model
from django.db.models import F, Model, OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat

Row = TypeVar("Row", bound=Model)
PREFIX = "staff:"
_STAFF = re.compile(r"\bstaff[: ](\d{1,9})\b")


def staff_names(actors: Iterable[str]) -> Mapping[str, str]:
    """By actor; who is no member of staff, or is gone, stays as written."""
    known = {actor for actor in actors if actor}
    ids = {actor: actor.removeprefix(PREFIX) for actor in known if actor.startswith(PREFIX)}
    numbers = {text for text in ids.values() if text.isdecimal() and len(text) < 10}
    names = _names(map(int, numbers))
    return {actor: names.get(ids.get(actor, ""), actor) for actor in known}


def staff_name(actor: str) -> str:
    """Of one."""
    return staff_names([actor]).get(actor, actor)


def with_staff_name(rows: QuerySet[Row], *, of: str) -> QuerySet[Row]:
    """Rows of a list, each with the `name` of whom its column `of` holds, in the list's own query; None for nobody of staff."""
    name = get_user_model().USERNAME_FIELD
    people = get_user_model().objects.annotate(
        actor=Concat(Value(PREFIX), Cast(F("pk"), TextField()), output_field=TextField())
    )
    named = rows.annotate(name=Subquery(people.filter(actor=OuterRef(of)).values(name)[:1]))
    return cast("QuerySet[Row]", named)


class People:
    """The names behind the ids that sentences hold (`staff:7`, «staff 7»)."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._names = _names(int(found) for text in texts for found in _STAFF.findall(text))

    def named(self, text: str) -> str:
        return _STAFF.sub(lambda found: self._names.get(str(int(found[1])), found[0]), text)


def _names(ids: Iterable[int]) -> Mapping[str, str]:
    wanted = set(ids)
    found = get_user_model().objects.in_bulk(wanted) if wanted else {}
    return {str(pk): user.get_username() for pk, user in found.items()}
