"""A command with the wrong database login: in, what the database said; out, one line that says which login to use."""

import re

from django.db import DatabaseError, connection
from psycopg import errors

from consent.out_of_reach import HINT

_WHAT = re.compile(r"(?:table|view|schema|function|sequence) \"?(\w+)")


def told(error: DatabaseError) -> str | None:
    """None: it is about something else. The database's own sentence names a table and quotes no value."""
    if not isinstance(error.__cause__, errors.InsufficientPrivilege):
        return None
    named = _WHAT.search(str(error))
    what = f" with {named[1]}" if named else ""
    return f"The database login {connection.settings_dict['USER']} may not do that{what}: {HINT}."
