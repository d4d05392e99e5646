"""A cursor for the few statements that every message asks: in, nothing; out, a cursor whose statements are planned once.

PostgreSQL plans such a statement anew each time, which takes longer than to run it. Prepared, it is planned once for each
connection. Behind a pooler that changes connections between transactions nothing can be prepared: where Django's
DISABLE_SERVER_SIDE_CURSORS says that there is one, this is an ordinary cursor.
"""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql.base import ServerBindingCursor

# Runs of a statement before it is prepared.
AFTER = 2


def prepared_cursor() -> Any:
    """As `connection.cursor()`: use it in a `with`."""
    # The connection itself: through Django's proxy each of its attributes costs as much as a call.
    database: Any = connections[DEFAULT_DB_ALIAS]
    # Where statements are logged, people want to see them with their values.
    if database.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS") or database.queries_logged:
        return database.cursor()
    database.close_if_health_check_failed()
    database.ensure_connection()
    raw = database.connection
    # Django's own cursors put their parameters into the text, and are never prepared.
    raw.prepare_threshold = AFTER
    with database.wrap_database_errors:
        cursor = ServerBindingCursor(raw)  # type: ignore[call-arg] # the stubs know no psycopg 3
    return database.make_cursor(cursor)
