"""A command that the database login has no right to: it ends with which login to use, and not with a traceback."""

import sys

import pytest
from django.db import DatabaseError, connection

import manage
from config.wrong_login import told
from notifications.models import ServiceToken
from tests.roles import STRANGER, WORKER, logged_in_as

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("role", "command"),
    [
        (WORKER, "service_token create crm --scope jobs:read"),
        (WORKER, "second_factor list"),
        (STRANGER, "service_token list"),
    ],
)
def test_it_says_which_login_to_use(role: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["manage.py", *command.split()])
    with logged_in_as(role), pytest.raises(SystemExit) as ended:
        manage.main()
    said = str(ended.value)
    assert said.startswith(f"The database login {role} may not do that with ")
    assert "postroom_admin (docs/row-level-security.md)" in said
    assert not ServiceToken.objects.exists()


def test_what_else_the_database_says_is_left_as_it_is() -> None:
    with pytest.raises(DatabaseError) as refused, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM no_such_table")
    assert told(refused.value) is None
