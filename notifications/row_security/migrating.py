"""What `migrate` does about row level security: in, Django's signals around it; out, guarded tables, or a notice of what is left.

Before: the tables' owner, whom policies hold back like everybody, would migrate blindly: an UPDATE finds no rows, a new
foreign key is «valid» unchecked. So policies stop holding for the owner, and for nobody else, until `migrate` is done.
"""

import sys
from typing import Any

from django.core.management.base import CommandError
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from notifications.conf import conf
from notifications.row_security.apply import LOCK_TIMEOUT, apply, found, run
from notifications.row_security.rights import guarded_labels
from notifications.row_security.tell import notice


def before(using: str, plan: Any = (), **_kwargs: Any) -> None:
    """Let the owner see, if there is anything of ours to migrate."""
    if not _concerned(using):
        return
    labels = guarded_labels()
    if any(migration.app_label in labels for migration, _backwards in plan):
        let_owner_see(connections[using])


def after(using: str, verbosity: int = 1, plan: Any = None, stdout: Any = None, **_kwargs: Any) -> None:
    """Guard what is not guarded. Not after a `flush` (which says no plan): it changes no table."""
    if plan is None or not _concerned(using):
        return
    applied = apply(connections[using])
    if verbosity:
        for line in notice(applied):
            (stdout or sys.stdout).write(f"{line}\n")


def let_owner_see(connection: BaseDatabaseWrapper) -> None:
    """Table by table, so that no lock waits for another. `after` undoes it, and so does the next `migrate`."""
    facts, _gaps = found(connection)
    try:
        for relation in facts.relations.values():
            if relation.forced and relation.mine and not facts.me.exempt:
                run(connection, [f"ALTER TABLE {relation.qualified} NO FORCE ROW LEVEL SECURITY"])
    except OperationalError as error:
        apply(connection)
        raise CommandError(
            f"Somebody holds a table for longer than {LOCK_TIMEOUT}, so that its owner cannot be let see its rows. "
            "Nothing was migrated: end the long query, and migrate again."
        ) from error


def _concerned(using: str) -> bool:
    return conf().row_security and connections[using].vendor == "postgresql"
