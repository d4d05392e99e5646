"""Who `staff:7` is: in, actors as rows keep them; out, the name each person signs in with, in one query.

A row keeps the id, so that a renamed person stays the same one; a page says a name.
"""

from collections.abc import Iterable, Mapping

from django.contrib.auth import get_user_model

PREFIX = "staff:"


def staff_names(actors: Iterable[str]) -> Mapping[str, str]:
    """By actor; who is no member of staff, or is gone, stays as written."""
    known = {actor for actor in actors if actor}
    ids = {actor: actor.removeprefix(PREFIX) for actor in known if actor.startswith(PREFIX)}
    numbers = {text for text in ids.values() if text.isdecimal() and len(text) < 10}
    found = get_user_model().objects.in_bulk([int(text) for text in numbers]) if numbers else {}
    names = {str(pk): user.get_username() for pk, user in found.items()}
    return {actor: names.get(ids.get(actor, ""), actor) for actor in known}
