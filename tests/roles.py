"""Database roles for tests: in, what a role is a member of; out, the role, or Django's connection as that role.

Roles are the cluster's: tests that run beside each other make the same ones.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from notifications.row_security.rights import ADMIN, SERVICE

# Sees what the pipeline and the back office see, as the web server's login does.
MEMBER = "postroom_test_member"
WORKER = "postroom_test_worker"
CLERK = "postroom_test_clerk"
STRANGER = "postroom_test_stranger"
GROUPS = {MEMBER: (SERVICE, ADMIN), WORKER: (SERVICE,), CLERK: (ADMIN,), STRANGER: ()}
PASSWORD = "only for tests, on this machine"
MAKE = (
    "DO $$ BEGIN CREATE ROLE {0} {1}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
)


def is_superuser(cursor: Any) -> bool:
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    return bool(cursor.fetchone()[0])


def need_superuser() -> None:
    """Roles and row level security are no business of a test that is no superuser on a server of yours (conftest.py)."""
    with connection.cursor() as cursor:
        if not is_superuser(cursor):
            pytest.skip("needs a superuser of PostgreSQL: unset DATABASE_URL, or name one in it")


def make_role(name: str) -> None:
    need_superuser()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(20261128)")
        try:
            cursor.execute(MAKE.format(name, f"LOGIN PASSWORD '{PASSWORD}'"))
            for group in GROUPS[name]:
                cursor.execute(f"GRANT {group} TO {name}")
        finally:
            cursor.execute("SELECT pg_advisory_unlock(20261128)")


@contextmanager
def logged_in_as(name: str) -> Iterator[None]:
    """Every connection that Django opens in between, in other threads too, logs in as this role. Needs `transactional_db`."""
    make_role(name)
    before = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update(USER=name, PASSWORD=PASSWORD)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, row_security_active('notification_queue')")
            assert cursor.fetchone() == (name, True)
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)
