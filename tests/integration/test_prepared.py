"""Statements that every message asks are planned once a connection, and never behind a pooler."""

from collections.abc import Iterator

import pytest
from django.db import connection

from consent.prepared import AFTER, prepared_cursor
from tests.factories import CustomerFactory
from tests.messages import queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]


@pytest.fixture(autouse=True)
def nothing_prepared() -> Iterator[None]:
    yield
    with prepared_cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")  # psycopg sees it, and forgets too


def prepared() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(statement, '|') FROM pg_prepared_statements")
        return str(cursor.fetchone()[0])


def test_what_every_message_asks_is_prepared_after_a_few_times() -> None:
    customer = CustomerFactory.create()
    for _ in range(AFTER + 2):
        queued(customer)
    for words in (
        "INSERT INTO notification_queue",
        "FROM customers",
        "FROM suppressions",
    ):
        assert words in prepared()


def test_behind_a_pooler_nothing_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    customer = CustomerFactory.create()
    for _ in range(AFTER + 2):
        queued(customer)
    assert prepared() == "None"


def test_a_changed_table_is_no_trouble() -> None:
    for width in (10, 20, 30):
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS shape (a varchar({width}))")
        for _ in range(AFTER + 1):
            with prepared_cursor() as cursor:
                cursor.execute("SELECT count(*) FROM shape WHERE a = %s", ["x"])
                assert cursor.fetchone() == (0,)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE shape ALTER a TYPE varchar(40)")
