"""Put the guards up: in, a connection; out, what was done, and what its role may not do or should not do by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import OperationalError, ProgrammingError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import errors

from notifications.row_security.catalogue import Facts, read
from notifications.row_security.gaps import Gap, cut_off, gaps
from notifications.row_security.rights import ROLES, all_tables
from notifications.row_security.script import FUNCTION, TRIGGER

# For a table that somebody reads for longer than that, `row_security --apply` can be asked again.
LOCK_TIMEOUT = "10s"
ADVISORY_LOCK = 8_025_007


@dataclass(frozen=True, slots=True)
class Applied:
    """`held_back`: the roles that would see no rows any more if it had been switched on."""

    done: tuple[Gap, ...]
    left: tuple[Gap, ...]
    held_back: tuple[str, ...] = ()


def found(connection: BaseDatabaseWrapper) -> tuple[Facts, list[Gap]]:
    """The facts and the gaps of this database."""
    tables = all_tables()
    facts = read(connection, [table.name for table in tables])
    return facts, gaps(tables, facts)


def apply(connection: BaseDatabaseWrapper, *, cut_off_too: bool = False) -> Applied:
    """Mend each gap that this role may mend, each in a transaction. Can be repeated, and run by several at once.

    While no login role is a member of our roles, nobody who works today is cut off, unless `cut_off_too`.
    """
    facts, missing = found(connection)
    done = [gap for gap in missing if _is_of_a_role(gap) and _mend(connection, facts, gap)]
    if done:
        facts, missing = found(connection)
    held_back = [] if cut_off_too else cut_off(facts)
    if facts.complete and any(not gap.by_hand for gap in missing):
        _make_function(connection)
        done += [gap for gap in missing if not (gap.switch and held_back) and _mend(connection, facts, gap)]
    if done:
        facts, missing = found(connection)
    return Applied(tuple(done), tuple(missing), tuple(held_back) if missing else ())


def _is_of_a_role(gap: Gap) -> bool:
    return gap.subject in ROLES


def _mend(connection: BaseDatabaseWrapper, facts: Facts, gap: Gap) -> bool:
    """Whether it was mended. Not: what a person decides on, what this role may not do, a table that somebody holds."""
    relation = facts.relations.get(gap.subject)
    if gap.by_hand or (relation and not (relation.mine or facts.me.superuser)):
        return False
    if gap.subject in ROLES and gap.subject not in facts.roles and not facts.me.may_create_roles:
        return False
    try:
        return run(connection, gap.sql)
    except (ProgrammingError, OperationalError) as error:
        if isinstance(error.__cause__, errors.InsufficientPrivilege | errors.LockNotAvailable):
            return False
        raise


def _make_function(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regproc(%s) IS NULL", [TRIGGER])
        if cursor.fetchone()[0]:
            run(connection, (FUNCTION,))


def run(connection: BaseDatabaseWrapper, statements: Sequence[str]) -> bool:
    """In one transaction that waits for a table no longer than LOCK_TIMEOUT."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        # Two who grant at once on one table would be told «tuple concurrently updated».
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(%s)",
            [LOCK_TIMEOUT, ADVISORY_LOCK],
        )
        cursor.execute(";\n".join(statements))
    return True
