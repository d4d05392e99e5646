"""A gap is found, told with the SQL that closes it, and closed by whoever may: one kind of gap a test."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from notifications.row_security import apply as applying
from notifications.row_security.apply import apply, found
from notifications.row_security.check import check_row_security
from notifications.row_security.migrating import after
from notifications.row_security.rights import ADMIN, SERVICE
from tests.roles import MEMBER, STRANGER, make_role, need_superuser

pytestmark = pytest.mark.django_db

# What breaks it, and the words that tell of it.
MENDED = {
    "switched off": (
        "ALTER TABLE job_runs DISABLE ROW LEVEL SECURITY",
        "job_runs: row level security is off",
    ),
    "not for the owner": (
        "ALTER TABLE job_runs NO FORCE ROW LEVEL SECURITY",
        "job_runs: row level security does not hold for its owner",
    ),
    "no policy": (
        "DROP POLICY postroom_roles ON suppressions",
        "suppressions: the policy postroom_roles is missing",
    ),
    "another policy of that name": (
        "ALTER POLICY postroom_roles ON suppressions TO PUBLIC",
        "suppressions: the policy postroom_roles is not as it should be",
    ),
    "a policy that lets some rows through": (
        "ALTER POLICY postroom_roles ON suppressions USING (channel = 'sms')",
        "suppressions: the policy postroom_roles is not as it should be",
    ),
    "too much": (
        f"GRANT DELETE, TRUNCATE ON consent_events TO {SERVICE}",
        f"consent_events: {SERVICE} has DELETE, TRUNCATE, which it should not",
    ),
    "too little": (
        f"REVOKE UPDATE ON notification_queue FROM {ADMIN}",
        f"notification_queue: {ADMIN} lacks UPDATE",
    ),
    "too little around": (
        f"REVOKE SELECT ON auth_user FROM {SERVICE}",
        f"auth_user: {SERVICE} lacks SELECT",
    ),
    "no refresh": (
        f"REVOKE MAINTAIN ON mv_dashboard_kpis FROM {SERVICE}",
        f"mv_dashboard_kpis: {SERVICE} lacks MAINTAIN",
    ),
    "truncate": (
        "DROP TRIGGER postroom_refuse_truncate ON suppressions",
        "suppressions: nothing refuses a TRUNCATE",
    ),
    "truncate, asleep": (
        "ALTER TABLE suppressions DISABLE TRIGGER postroom_refuse_truncate",
        "suppressions: nothing refuses a TRUNCATE",
    ),
}
BY_HAND = {
    "public": ("GRANT SELECT ON suppressions TO PUBLIC", "suppressions: PUBLIC has SELECT"),
    "past policies": (
        f"GRANT SELECT, TRUNCATE, TRIGGER ON suppressions TO {STRANGER}",
        f"suppressions: {STRANGER} has TRIGGER, TRUNCATE",
    ),
    "a policy beside ours": (
        f"CREATE POLICY reports ON suppressions TO {STRANGER} USING (true)",
        f"suppressions: the policy reports lets {STRANGER} in",
    ),
    "a view with a superuser's eyes": (
        "CREATE VIEW dead_addresses AS SELECT * FROM suppressions",
        "suppressions: the view public.dead_addresses shows its rows past the policies",
    ),
    "a copy": (
        "CREATE MATERIALIZED VIEW dead_addresses AS SELECT * FROM suppressions",
        "suppressions: the view public.dead_addresses shows its rows past the policies",
    ),
    "a role that no policy holds for": (
        f"ALTER ROLE {ADMIN} BYPASSRLS",
        f"{ADMIN}: the role is a superuser or has BYPASSRLS: no policy holds",
    ),
}


@pytest.fixture(autouse=True)
def superuser(db: None) -> None:
    need_superuser()


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def told() -> list[str]:
    return [f"{gap.subject}: {gap.text}" for gap in found(connection)[1]]


def command(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("row_security", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.parametrize("kind", MENDED)
def test_migrate_closes_it(kind: str) -> None:
    broken, words = MENDED[kind]
    sql(broken)
    assert told() == [words]
    (warning,) = check_row_security(databases=["default"])
    assert (warning.id, words in warning.msg) == ("postroom.W020", True)
    assert "row_security --sql" in str(warning.hint)
    after(using="default", verbosity=0, plan=[])
    assert told() == []


@pytest.mark.parametrize("kind", BY_HAND)
def test_what_somebody_else_made_is_told_and_left_to_a_person(kind: str) -> None:
    make_role(STRANGER)
    broken, words = BY_HAND[kind]
    sql(broken)
    assert told() == [words]
    assert [f"{gap.subject}: {gap.text}" for gap in apply(connection).left] == [words]
    code, text = command("--json")
    (gap,) = json.loads(text)["gaps"]
    assert (code, gap["by_hand"]) == (1, True)
    assert f"-- {gap['sql'][0]};" in command("--sql")[1]
    for statement in gap["sql"]:
        sql(statement)
    assert told() == []


def test_a_gap_that_a_flush_finds_costs_it_nothing_and_stays() -> None:
    sql("ALTER TABLE job_runs DISABLE ROW LEVEL SECURITY")
    after(using="default", verbosity=0)
    assert told() == ["job_runs: row level security is off"]


def test_a_project_that_does_not_want_it_is_left_alone(settings: Any) -> None:
    sql("ALTER TABLE job_runs DISABLE ROW LEVEL SECURITY")
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "ROW_SECURITY": False}
    after(using="default", verbosity=0, plan=[])
    assert told() == ["job_runs: row level security is off"]
    assert check_row_security(databases=["default"]) == []


def test_the_script_may_be_run_again_and_closes_every_gap() -> None:
    for broken, _words in MENDED.values():
        with transaction.atomic():
            sql(broken) if "ALTER POLICY" not in broken and "DISABLE TRIGGER" not in broken else None
    assert len(told()) > 5
    code, script = command("--sql")
    assert code == 0
    statements = script.replace("BEGIN;", "").replace("COMMIT;", "")
    for _ in range(2):
        sql(statements)
        assert told() == []


def test_the_command_says_what_is_missing_closes_it_and_answers_by_its_exit_code() -> None:
    sql("ALTER TABLE job_runs NO FORCE ROW LEVEL SECURITY")
    code, text = command()
    assert (code, "GAP     job_runs: row level security does not hold for its owner" in text) == (1, True)
    code, text = command("--apply")
    assert (code, "closed  job_runs" in text) == (0, True)
    code, text = command("--check")
    assert (code, "No gap" in text) == (0, True)
    with pytest.raises(CommandError, match="no database “archive”"):
        command("--database", "archive")


@pytest.mark.django_db(transaction=True)
def test_a_table_that_somebody_holds_is_left_and_told(
    other_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "LOCK_TIMEOUT", "50ms")
    sql("ALTER TABLE job_runs DISABLE ROW LEVEL SECURITY")
    with other_connection.transaction():
        other_connection.execute("LOCK TABLE job_runs IN ACCESS SHARE MODE")
        assert [gap.subject for gap in apply(connection).left] == ["job_runs"]
    assert [gap.subject for gap in apply(connection).done] == ["job_runs"]
    assert told() == []


def test_a_login_that_no_policy_holds_for_is_told_of_in_live_mode(settings: Any) -> None:
    assert check_row_security(databases=["default"]) == []
    settings.SANDBOX = False
    assert [message.id for message in check_row_security(databases=["default"])] == ["postroom.W021"]


def test_a_login_that_is_no_member_is_told_that_it_sees_nothing() -> None:
    make_role(MEMBER)
    make_role(STRANGER)
    sql(f"SET LOCAL ROLE {STRANGER}")
    assert [message.id for message in check_row_security(databases=["default"])] == ["postroom.W023"]
    assert "is no member" in command()[1]
    sql(f"SET LOCAL ROLE {MEMBER}")
    assert check_row_security(databases=["default"]) == []
    assert "is a member" in command()[1]


def test_nothing_is_asked_of_a_check_without_a_database() -> None:
    assert check_row_security() == []
