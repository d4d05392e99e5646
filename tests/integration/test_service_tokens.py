"""Tokens in the table: made once, told once, found by their hash, ended at once; those of the environment live beside them."""

import datetime as dt
import hashlib
import json
import re
import threading
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.api.issuing import Issued, TokenError, issue, revoke
from notifications.api.tokens import SCOPES, find_token
from notifications.models import ServiceToken
from tests.integration.api_client import program, token_entry
from tests.integration.test_api_shape import OPERATIONS
from tests.operators import operator, seen, told
from tests.roles import MEMBER, WORKER, logged_in_as

pytestmark = pytest.mark.django_db
PAGE = "/admin/notifications/servicetoken/"
STATUS = "/api/admin/jobs/status"
SEE = "notifications.view_servicetoken"
ADD = "notifications.add_servicetoken"
REVOKE = "notifications.revoke_servicetoken"


def made(name: str = "crm", *scopes: str, days: int | None = None) -> Issued:
    return issue(name=name, scopes=scopes or ["jobs:read"], by="staff:1", now=timezone.now(), days=days)


def answered(token: str, path: str = STATUS) -> int:
    return Client().get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def run(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("service_token", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


# ── What it opens ───────────────────────────────────────────────────────────────────────────────────────
def test_a_token_opens_what_its_scopes_say_and_the_table_holds_only_its_hash() -> None:
    issued = made()
    assert re.fullmatch(r"prt_[A-Za-z0-9_-]{43}", issued.token)
    assert answered(issued.token) == 200
    assert answered(issued.token, "/api/admin/queue") == 403
    assert answered(issued.row.sha256) == 401
    assert answered(f"{issued.token}x") == 401
    [row] = ServiceToken.objects.values()
    assert issued.token not in str(row)
    assert row["sha256"] == hashlib.sha256(issued.token.encode()).hexdigest()


def test_a_revoked_token_is_refused_from_the_next_request_on() -> None:
    issued = made()
    assert answered(issued.token) == 200
    assert revoke("crm", by="staff:1", reason="It leaked", now=timezone.now()) is not None
    assert answered(issued.token) == 401
    assert revoke("crm", by="staff:1", reason="Again", now=timezone.now()) is None


@pytest.mark.django_db(transaction=True)
def test_another_process_that_revokes_is_heeded_at_once(other_connection: Any) -> None:
    issued = made()
    assert answered(issued.token) == 200
    other_connection.execute("UPDATE service_tokens SET revoked_at=now(), revoked_by='x', revoke_reason='y'")
    assert answered(issued.token) == 401


def test_an_expired_token_is_refused() -> None:
    then = timezone.now() - dt.timedelta(days=3)
    for days, status in ((2, 401), (4, 200)):
        issued = issue(name=f"for{days}", scopes=["jobs:read"], by="staff:1", now=then, days=days)
        assert answered(issued.token) == status


def test_a_request_costs_one_query_by_index_and_one_write_an_hour() -> None:
    issued = made()
    with CaptureQueriesContext(connection) as first:
        assert find_token(issued.token) is not None
    assert [query["sql"].split()[0] for query in first] == ["SELECT", "UPDATE"]
    with CaptureQueriesContext(connection) as second:
        assert find_token(issued.token) is not None
    assert len(second) == 1
    used = ServiceToken.objects.get().last_used_at
    assert used is not None
    assert (used.minute, used.second) == (0, 0)
    with CaptureQueriesContext(connection) as none:
        assert find_token("not one of ours") is None
    assert len(none) == 0, "what has not our prefix needs no look"


def test_a_thousand_other_tokens_cost_nothing(swept: None) -> None:
    ServiceToken.objects.bulk_create(
        ServiceToken(
            name=f"t{n}", sha256=hashlib.sha256(bytes([n % 256, n // 256])).hexdigest(), scopes=["process"], created_by="x"
        )
        for n in range(1000)
    )  # fmt: skip
    issued = made()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE service_tokens")
        cursor.execute(
            "EXPLAIN SELECT * FROM service_tokens WHERE sha256 = %s AND revoked_at IS NULL",
            [issued.row.sha256],
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index Scan using service_tokens_sha256" in plan


def test_the_entries_of_the_environment_go_on_beside_the_table(settings: Any) -> None:
    client = program(settings, "jobs:read")
    issued = made()
    assert client.get(STATUS).status_code == answered(issued.token) == 200
    with pytest.raises(TokenError, match="SERVICE_TOKENS has a token of this name"):
        made("ops")
    settings.SERVICE_TOKENS = [token_entry("ops", issued.token, "queue:read")]
    assert find_token(issued.token).name == "ops", "the environment's is asked first"  # type: ignore[union-attr]


def test_each_scope_has_the_permission_that_its_operations_ask_of_staff() -> None:
    asked = {scope: permission for _method, _path, scope, permission in OPERATIONS}
    assert asked == dict(SCOPES)


# ── One name, one program ───────────────────────────────────────────────────────────────────────────────
def test_a_name_is_free_again_only_once_its_token_is_revoked() -> None:
    first = made()
    with pytest.raises(TokenError, match="Revoke it, or choose another"):
        made()
    revoke("crm", by="staff:1", reason="New one", now=timezone.now())
    second = made()
    assert (answered(first.token), answered(second.token)) == (401, 200)


@pytest.mark.parametrize(
    ("name", "scopes", "days", "field"),
    [
        ("", ["process"], None, "name"),
        ("a b", ["process"], None, "name"),
        ("x" * 61, ["process"], None, "name"),
        ("crm", [], None, "scopes"),
        ("crm", ["everything"], None, "scopes"),
        ("crm", ["process"], 0, "days"),
        ("crm", ["process"], 4000, "days"),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    name: str, scopes: list[str], days: int | None, field: str
) -> None:
    with pytest.raises(TokenError) as refused:
        issue(name=name, scopes=scopes, by="x", now=timezone.now(), days=days)
    assert refused.value.field == field


# ── The command ─────────────────────────────────────────────────────────────────────────────────────────
def test_the_command_prints_the_token_alone_and_lists_it_without() -> None:
    out, err = run("create", "crm", "--scope", "jobs:read", "--scope", "queue:read", "--days", "30")
    token = out.strip()
    assert answered(token) == 200
    assert token not in err
    assert "cannot be shown again" in err
    [listed] = json.loads(run("list", "--json")[0])
    assert (listed["name"], listed["scopes"], listed["created_by"]) == (
        "crm",
        ["jobs:read", "queue:read"],
        "command",
    )
    assert "sha256" not in listed
    assert run("revoke", "crm", "--reason", "It stood in a log")[0] == "crm is revoked.\n"
    assert answered(token) == 401
    assert "by command: It stood in a log" in run("list")[0]


def test_the_command_says_what_is_wrong(settings: Any) -> None:
    settings.SERVICE_TOKENS = [token_entry("ops", "x")]
    with pytest.raises(CommandError, match="no token crm"):
        run("revoke", "crm", "--reason", "why")
    with pytest.raises(CommandError, match="take it out there"):
        run("revoke", "ops", "--reason", "why")
    with pytest.raises(CommandError, match="--reason: Leave e-mail addresses"):
        run("revoke", "crm", "--reason", "ask anna@example.com")
    with pytest.raises(CommandError, match="name: Write 1 to 60"):
        run("create", "a b", "--scope", "process")
    assert "ops  in SERVICE_TOKENS" in run("list")[0]


# ── The admin ───────────────────────────────────────────────────────────────────────────────────────────
def test_the_admin_shows_a_new_token_once_and_keeps_it_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    client = operator(SEE, ADD, "jobs.view_jobrun")
    made_page = client.post(f"{PAGE}add/", {"name": "crm", "scopes": ["jobs:read"], "days": "30"})
    token = re.search(r"prt_[\w-]{43}", seen(made_page))
    assert token is not None
    assert "no-store" in made_page["Cache-Control"]
    assert answered(token[0]) == 200
    again = client.post(f"{PAGE}add/", {"name": "crm", "scopes": ["jobs:read"], "days": "30"})
    assert "There is a token of this name" in seen(again)
    row = ServiceToken.objects.get()
    for page in (PAGE, f"{PAGE}{row.pk}/change/", f"{PAGE}{row.pk}/history/"):
        text = client.get(page).content.decode()
        assert token[0] not in text
        assert row.sha256 not in text
    entry = LogEntry.objects.get()
    assert entry.change_message == "create: jobs:read"
    assert token[0] not in caplog.text


def test_nobody_hands_out_what_they_may_not_do_themselves() -> None:
    client = operator(SEE, ADD, "jobs.view_jobrun")
    assert "jobs:run" not in seen(client.get(f"{PAGE}add/"))
    refused = client.post(f"{PAGE}add/", {"name": "crm", "scopes": ["jobs:run"]})
    assert "Select a valid choice" in seen(refused)
    assert not ServiceToken.objects.exists()
    assert operator(SEE, "jobs.view_jobrun").post(f"{PAGE}add/", {"name": "crm"}).status_code == 403


def test_revoking_takes_the_right_a_post_and_a_reason() -> None:
    issued = made()
    there = f"{PAGE}{issued.row.pk}/revoke/"
    assert operator(SEE, ADD).post(there, {"reason": "why"}).status_code == 403
    client = operator(SEE, REVOKE)
    assert "Revoke this token?" in seen(client.get(there))
    assert "Give a reason" in seen(client.post(there, {"reason": " "}))
    assert answered(issued.token) == 200
    done = client.post(there, {"reason": "It leaked"}, follow=True)
    assert told(done) == ["The token is revoked: from now on it is refused."]
    assert answered(issued.token) == 401
    assert LogEntry.objects.get().change_message == "revoke: It leaked"
    assert told(client.post(there, {"reason": "Again"}, follow=True)) == ["This token was revoked already."]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_of_one_name_make_one() -> None:
    outcomes: list[str] = []

    def ask() -> None:
        try:
            made()
            outcomes.append("made")
        except TokenError:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "refused", "refused", "refused"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", [WORKER, MEMBER])
@pytest.mark.parametrize(
    "change",
    [
        f"sha256 = '{'a' * 64}'", "scopes = '{process}'", "expires_at = NULL", "name = 'mine'", "created_by = 'staff:2'",
        "revoked_at = NULL, revoked_by = '', revoke_reason = ''",
    ],
)  # fmt: skip
def test_no_login_makes_another_token_out_of_a_row_or_one_that_was_revoked_alive(
    role: str, change: str
) -> None:
    """The workers' login may note when a token was used, and so may update the row."""
    made(days=1)
    if "revoked_at" in change:
        revoke("crm", by="staff:1", reason="It leaked", now=timezone.now())
    before = ServiceToken.objects.values().get()
    with logged_in_as(role):
        with pytest.raises(IntegrityError, match="stays what it was"), connection.cursor() as cursor:
            cursor.execute(f"UPDATE service_tokens SET {change}")
        ServiceToken.objects.update(last_used_at=timezone.now())
    assert {**ServiceToken.objects.values().get(), "last_used_at": None} == before
