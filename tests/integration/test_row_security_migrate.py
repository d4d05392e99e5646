"""Row level security by `migrate`, in a cluster of its own: whoever may not make roles is told, whoever works is not cut off, and
the owner of the tables sees nothing once it is on, but for `migrate` itself."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import environ
import psycopg
import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

from notifications.row_security.apply import found
from notifications.row_security.rights import ADMIN, SERVICE
from tests.chaos.postgres import CrashableServer

ROOT = Path(__file__).resolve().parents[2]
SEEN = "SELECT count(*) FROM notification_queue"
A_ROW = """
INSERT INTO notification_queue (channel, "to", recipient_key, category, status, attempts, priority, scheduled_at, metadata)
VALUES ('email', '{}', 'customer:1', 'reminder', 'queued', 0, 2, now(), '{}')
"""
# A migration of ours that comes later: what does the owner see while it runs?
# Each test goes on from the one before it: one worker runs them all.
pytestmark = pytest.mark.xdist_group("row_security_migrate")

MIGRATES = """
import sys, django
django.setup()
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import pre_migrate

def look(**kwargs):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM notification_queue")
        print("sees", cursor.fetchone()[0])

pre_migrate.connect(look, sender=apps.get_app_config("notifications"))
call_command("migrate", "notifications", sys.argv[1], verbosity=0)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CrashableServer]:
    """Roles are a cluster's: each test begins where there are none."""
    with CrashableServer(tmp_path) as running:
        yield running


class Project:
    """A database, and what is run in it by whom."""

    def __init__(self, server: CrashableServer, name: str, owner: str, blocker: Any) -> None:
        self._server, self._name, self._blocker = server, name, blocker
        self.root("postgres", f"CREATE DATABASE {name} OWNER {owner}")

    def root(self, database: str, statement: str) -> Any:
        with self._server.connect(database) as root:
            done = root.execute(statement)
            return done.fetchone() if done.description else None

    def ask(self, role: str, statement: str) -> Any:
        with psycopg.connect(self._url(role), autocommit=True) as session:
            done = session.execute(statement)
            row = done.fetchone() if done.description else None
            return row[0] if row else done.rowcount

    def run(self, role: str, *argv: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            **os.environ,
            "DATABASE_URL": self._url(role),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
        }
        return subprocess.run(
            [sys.executable, *argv],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def manage(self, role: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run(role, "manage.py", *arguments)

    def gaps(self, role: str) -> list[str]:
        settings = {**connection.settings_dict, **environ.Env.db_url_config(self._url(role))}
        wrapper = DatabaseWrapper(settings, alias="default")
        with self._blocker.unblock():
            try:
                return [f"{gap.subject}: {gap.text}" for gap in found(wrapper)[1]]
            finally:
                wrapper.close()

    def _url(self, role: str) -> str:
        return self._server.url.replace("://postgres@/chaos?", f"://{role}@/{self._name}?")


@pytest.fixture
def shop(server: CrashableServer, django_db_blocker: Any) -> Project:
    """Migrated by an owner who may make no roles; a message is in it."""
    with server.connect("postgres") as root:
        root.execute("CREATE ROLE shop LOGIN")
    project = Project(server, "shop", "shop", django_db_blocker)
    done = project.manage("shop", "migrate")
    assert done.returncode == 0, done.stderr
    assert "gaps that this role could not close" in done.stdout
    assert "manage.py row_security --sql" in done.stdout
    project.ask("shop", A_ROW)
    return project


def test_the_owner_sees_nothing_and_changes_nothing(shop: Project) -> None:
    _who_may_make_no_roles_is_told_and_works_as_before(shop)
    _the_script_of_an_administrator_guards_what_the_owner_could_not(shop)
    _then_the_owner_sees_nothing_and_changes_nothing(shop)


def test_the_owner_sees_while_it_migrates_and_only_then(shop: Project) -> None:
    _the_script_of_an_administrator_guards_what_the_owner_could_not(shop)
    _but_sees_while_it_migrates_and_only_then(shop)
    _a_migrate_that_broke_off_is_told_and_mended_by_the_next(shop)


def _who_may_make_no_roles_is_told_and_works_as_before(shop: Project) -> None:
    assert f"{SERVICE}: the role does not exist" in shop.gaps("shop")
    assert shop.ask("shop", SEEN) == 1


def test_an_owner_who_may_make_roles_is_not_cut_off_while_nobody_is_a_member(
    server: CrashableServer, django_db_blocker: Any
) -> None:
    with server.connect("postgres") as root:
        root.execute("CREATE ROLE builder LOGIN CREATEROLE")
    project = Project(server, "built", "builder", django_db_blocker)
    done = project.manage("builder", "migrate")
    assert done.returncode == 0, done.stderr
    assert "prepared but not switched on: builder would see nothing any more" in done.stdout
    project.ask("builder", A_ROW)
    assert project.ask("builder", SEEN) == 1
    left = project.gaps("builder")
    assert {gap.partition(": ")[2] for gap in left} == {"row level security is off"}
    # A login that can work in its place: the next `migrate` switches it on.
    project.root("postgres", f"CREATE ROLE clerk LOGIN IN ROLE {SERVICE}, {ADMIN}")
    assert project.manage("builder", "migrate").returncode == 0
    assert project.gaps("builder") == []
    assert project.ask("builder", SEEN) == 0
    assert project.ask("clerk", SEEN) == 1


def _the_script_of_an_administrator_guards_what_the_owner_could_not(shop: Project) -> None:
    script = shop.manage("shop", "row_security", "--sql").stdout
    shop.root("shop", script)
    shop.root("shop", script)
    shop.root("postgres", f"CREATE ROLE shop_app LOGIN IN ROLE {SERVICE}, {ADMIN}")
    assert shop.gaps("shop") == []


def _then_the_owner_sees_nothing_and_changes_nothing(shop: Project) -> None:
    assert shop.ask("shop_app", SEEN) == 1
    assert shop.ask("shop", SEEN) == 0
    assert shop.ask("shop", "UPDATE notification_queue SET priority = 0") == 0
    assert shop.ask("shop", "DELETE FROM notification_queue") == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        shop.ask("shop", A_ROW)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row level security is in force"):
        shop.ask("shop", "TRUNCATE notification_queue CASCADE")
    assert shop.ask("shop_app", SEEN) == 1


def _but_sees_while_it_migrates_and_only_then(shop: Project) -> None:
    done = shop.run("shop", "-c", MIGRATES, "0009")
    assert (done.returncode, done.stdout) == (0, "sees 1\n"), done.stderr
    assert shop.gaps("shop") == []
    assert shop.ask("shop", SEEN) == 0


def _a_migrate_that_broke_off_is_told_and_mended_by_the_next(shop: Project) -> None:
    shop.ask("shop", "ALTER TABLE notification_queue NO FORCE ROW LEVEL SECURITY")
    assert shop.gaps("shop") == ["notification_queue: row level security does not hold for its owner"]
    done = shop.manage("shop", "migrate")
    assert (done.returncode, "gaps" in done.stdout) == (0, False), done.stderr
    assert shop.gaps("shop") == []
    assert shop.ask("shop", SEEN) == 0
