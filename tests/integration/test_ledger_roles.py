"""The ledger under row level security: both roles write it and prove it, and neither can rewrite it or its wordings."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from consent.chain import faults
from consent.models import ConsentEvent, CustomerConsent
from consent.preferences import grant, revoke
from consent.receipt import receipt
from tests.roles import CLERK, STRANGER, WORKER, logged_in_as, make_role

pytestmark = pytest.mark.django_db(transaction=True)
KEY: dict[str, Any] = {"customer_id": "c1", "channel": "email", "category": "marketing"}
HEADER = "customer_id,channel,category,action,occurred_at"


@pytest.mark.parametrize("role", [WORKER, CLERK])
def test_both_roles_write_chain_and_prove_the_ledger(role: str, tmp_path: Path) -> None:
    said: dict[str, Any] = {
        "source": "preference_page",
        "actor": "customer",
        "wording": "Send me offers.",
        "locale": "en",
    }
    file = tmp_path / "consents.csv"
    file.write_text(f"{HEADER}\nc1,sms,marketing,granted,2026-02-01T09:30:00Z\n")
    with logged_in_as(role):
        grant(**KEY, **said, at=timezone.now())
        revoke(**KEY, **said, at=timezone.now())
        call_command("import_consent", str(file), any_customer=True, stdout=io.StringIO())
        CustomerConsent.objects.update(enabled=True, granted_at=timezone.now())
        call_command("rebuild_consent", stdout=io.StringIO())
        assert not CustomerConsent.objects.get(channel="email").enabled
        assert faults(["c1"]) == []
        found = receipt("c1", at=timezone.now(), locale="en")
        told = io.StringIO()
        call_command("export_consent", stdout=told)
    assert found.length == 3
    assert told.getvalue().count("preference_page") == 2


def test_who_sees_nothing_is_not_told_that_all_is_well() -> None:
    grant(**KEY, source="preference_page", actor="customer", at=timezone.now())
    make_role(STRANGER)
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {STRANGER}")
    try:
        with logged_in_as(STRANGER), pytest.raises(CommandError, match="sees no row of the ledger"):
            call_command("rebuild_consent", check=True, stdout=io.StringIO())
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {STRANGER}")


@pytest.mark.parametrize("role", [WORKER, CLERK])
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE consent_events SET actor = 'nobody'", "DELETE FROM consent_events", "TRUNCATE consent_events CASCADE",
        "UPDATE consent_wordings SET text = 'x'", "DELETE FROM consent_wordings", "DELETE FROM consent_chains",
        "ALTER TABLE consent_events DISABLE TRIGGER USER",
    ],
)  # fmt: skip
def test_no_role_may_even_try_to_rewrite_it(role: str, sql: str) -> None:
    grant(**KEY, source="preference_page", actor="customer", at=timezone.now(), wording="Send me offers.")
    with (
        logged_in_as(role),
        pytest.raises(ProgrammingError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    assert ConsentEvent.objects.get().actor == "customer"
