"""Consent in and out as a file: all of it or nothing, every mistake told with its place, and what went out comes in again."""

import csv
import datetime as dt
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent import csv_rows
from consent.chain import faults
from consent.evidence import without_addresses
from consent.import_csv import import_csv
from consent.ledger import Change
from consent.models import ConsentEvent, CustomerConsent
from consent.preferences import BATCH, current, grant, record_many, revoke
from consent.write import lock_customers
from tests.factories import CustomerFactory
from tests.rivals import Rival

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
HEADER = "customer_id,channel,category,action,occurred_at"
BY: dict[str, Any] = {"source": "web_form", "actor": "customer"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "consents.csv"


@pytest.fixture
def anna() -> str:
    return str(CustomerFactory.create().pk)


def imported(file: Path, text: str | bytes, **options: Any) -> str:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    told = io.StringIO()
    call_command("import_consent", str(file), stdout=told, **options)
    return told.getvalue()


def refused(file: Path, text: str | bytes, **options: Any) -> str:
    told = io.StringIO()
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CommandError) as error:
        call_command("import_consent", str(file), stdout=told, **options)
    assert "Nothing was written" in str(error.value)
    assert not ConsentEvent.objects.exists()
    return f"{told.getvalue()}{error.value}"


def exported(**options: Any) -> str:
    told = io.StringIO()
    call_command("export_consent", stdout=told, **options)
    return told.getvalue()


def test_a_row_becomes_an_event_with_what_it_was_said_to_be(file: Path, anna: str) -> None:
    text = (
        f"{HEADER},source,actor,wording,wording_locale,evidence\n"
        f'{anna},email,marketing,granted,2026-02-01T09:30:00-04:00,web_form,staff:7,"Yes, ""offers"".",en-CA,"{{""form"": 3}}"\n'
    )
    assert imported(file, text) == "1 rows: 1 decisions were written, 0 were known already.\n"
    event = ConsentEvent.objects.get()
    assert (event.source, event.actor, event.action) == ("import", "staff:7", "granted")
    assert event.wording is not None
    assert (event.wording.text, event.wording.locale) == ('Yes, "offers".', "en-CA")
    assert (event.evidence["form"], event.evidence["source"], event.evidence["line"]) == (3, "web_form", 2)
    assert len(event.evidence["file_sha256"]) == 64
    assert current(anna)["email", "marketing"].enabled


def test_the_same_file_twice_is_no_news_and_an_old_grant_undoes_nothing(file: Path, anna: str) -> None:
    at = dt.datetime(2026, 2, 20, tzinfo=dt.UTC)
    revoke(
        customer_id=anna, channel="email", category="marketing", source="one_click", actor="customer", at=at
    )
    text = f"{HEADER}\n{anna},email,marketing,granted,2026-02-01T09:30:00Z\n{anna},sms,marketing,granted,2026-02-01T09:30:00Z\n"
    assert "2 decisions were written" in imported(file, text)
    assert not current(anna)["email", "marketing"].enabled
    assert "0 decisions were written, 2 were known already" in imported(file, text)
    assert ConsentEvent.objects.count() == 3


def test_every_mistake_is_told_with_line_column_and_what_to_do(file: Path, anna: str) -> None:
    lines = [
        f"{HEADER},evidence,actor",
        f"{anna},fax,marketing,granted,2026-02-01T09:30:00Z,,",
        f"{anna},email,gossip,granted,2026-02-01T09:30:00Z,,",
        f"{anna},email,marketing,maybe,2026-02-01T09:30:00Z,,",
        f"{anna},email,marketing,granted,2026-02-01T09:30:00,,",
        f"{anna},email,marketing,granted,yesterday,,",
        f"{anna},email,marketing,granted,2199-02-01T09:30:00Z,,",
        f"{anna},email,security,revoked,2026-02-01T09:30:00Z,,",
        f"{anna},email,marketing,granted,2026-02-01T09:30:00Z,[1],",
        f"{anna},email,marketing,granted,2026-02-01T09:30:00Z,,anna",
        "nobody,email,marketing,granted,2026-02-01T09:30:00Z,,",
        ",email,marketing,granted,2026-02-01T09:30:00Z,,",
        f"{anna},email,marketing",
        f"{anna},email,marketing,granted,2026-02-30T09:30:00Z,,",
    ]
    told = refused(file, "\n".join(lines))
    for place, what in (
        ("line 2, channel", "write one of email, sms, push"),
        ("line 3, category", "write one of security"),
        ("line 4, action", "write one of granted"),
        ("line 5, occurred_at", "has no offset"),
        ("line 6, occurred_at", "write a moment with its offset"),
        ("line 7, occurred_at", "lies in the future"),
        ("line 8, category", "can't be switched off"),
        ("line 9, evidence", "is no JSON object"),
        ("line 10, actor", "write customer, staff:ID"),
        ("line 11, customer_id", "No customer has this id"),
        ("line 12, customer_id", "is blank"),
        ("line 13", "has 3 fields and the header 7"),
        ("line 14, occurred_at", "write a moment"),
    ):
        [line] = [line for line in told.splitlines() if line.strip().startswith(f"{place}:")]
        assert what in line
    assert "13 problems" in told


@pytest.mark.parametrize(
    "evidence",
    [
        '{"a": NaN}',
        '{"a": 1e400}',
        r'{"a": "\ud800"}',
        r'{"\ud800": 1}',
        '{"a": ' + "[" * 4000 + "]" * 4000 + "}",
    ],
)
@pytest.mark.parametrize("in_steps", [False, True])
def test_evidence_that_the_database_cannot_keep_is_told_before_anything_is_written(
    evidence: str, in_steps: bool, file: Path, anna: str
) -> None:
    quoted = evidence.replace('"', '""')
    text = f'{HEADER},evidence\n{anna},email,marketing,granted,2026-02-01T09:30:00Z,"{quoted}"\n'
    assert "line 2, evidence: is no JSON object" in refused(file, text, in_steps=in_steps)


def test_a_file_with_a_decision_that_was_repeated_is_no_news_the_second_time(file: Path, anna: str) -> None:
    days = (("granted", 1), ("granted", 3), ("revoked", 5), ("revoked", 8), ("granted", 9))
    rows = [f"{anna},email,marketing,{action},2026-02-0{day}T09:30:00Z" for action, day in days]
    assert "3 decisions were written" in imported(file, "\n".join([HEADER, *rows]))
    assert "0 decisions were written, 5 were known already" in imported(file, "\n".join([HEADER, *rows]))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "customer_id: is missing"),
        (b"customer_id,channel\n", "category: is missing"),
        (HEADER.encode() + b",email\n", "email: is no column that is known"),
        (HEADER.encode() + b",channel\n", "channel: stands there twice"),
        (
            HEADER.encode() + b"\nh\xe9l\xe8ne,email,marketing,granted,2026-02-01T09:30:00Z\n",
            "line 2: is not UTF-8",
        ),
        (HEADER.encode() + b"\n\x00,email,marketing,granted,2026-02-01T09:30:00Z\n", "NUL"),
        (HEADER.encode() + b'\n"c1" x,email,marketing,granted,2026-02-01T09:30:00Z\n', "is no CSV"),
        (HEADER.encode() + b"\n" + b'"' + b"x" * 200_000 + b'"' + b",a,b,c,d\n", "is no CSV"),
        ("\ufeff".encode("utf-16"), "is not UTF-8"),
    ],
)
def test_what_is_no_such_file_is_told(content: bytes, said: str, file: Path) -> None:
    assert said in refused(file, content, any_customer=True)


def test_one_mistake_at_the_end_keeps_everything_out(file: Path, anna: str) -> None:
    rows = [f"{anna},email,marketing,granted,2026-02-01T09:30:0{n % 10}Z" for n in range(3_000)]
    assert "line 3002" in refused(file, "\n".join([HEADER, *rows, f"{anna},email,marketing,granted,"]))


def test_a_failure_while_writing_keeps_everything_out(
    file: Path, anna: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file changes between the look and the writing."""
    first = f"{HEADER}\n{anna},email,marketing,granted,2026-02-01T09:30:00Z\n"
    file.write_text(first)

    def late(changes: Any) -> int:
        file.write_text(first + f"{anna},sms,marketing,granted,2026-02-01T09:30:00Z\n")
        return record_many(changes)

    monkeypatch.setattr("consent.import_csv.record_many", late)
    with pytest.raises(CommandError, match="Nothing was written"):
        call_command("import_consent", str(file), stdout=io.StringIO())
    assert not ConsentEvent.objects.exists()


def test_a_big_file_in_steps_keeps_what_it_wrote_and_is_done_by_doing_it_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"c{n},email,marketing,granted,2026-02-01T09:30:00Z" for n in range(BATCH + 500)]
    whole = "\n".join([HEADER, *rows])
    file.write_text(whole)

    def late(changes: Any) -> int:
        file.write_text(whole + "\nnobody")
        return record_many(changes)

    monkeypatch.setattr("consent.import_csv.record_many", late)
    with pytest.raises(CommandError, match="The steps before it were written"):
        call_command("import_consent", str(file), any_customer=True, in_steps=True, stdout=io.StringIO())
    monkeypatch.undo()
    assert ConsentEvent.objects.count() == BATCH
    assert "500 decisions were written" in imported(file, whole, any_customer=True, in_steps=True)


@pytest.mark.django_db(transaction=True)
def test_a_file_of_several_batches_and_a_stop_of_two_customers_do_not_block_each_other(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks are taken in one order everywhere: a file must not hold the later one while it waits for the earlier."""
    monkeypatch.setattr("consent.preferences.BATCH", 1)
    monkeypatch.setattr("consent.import_csv.BATCH", 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(id), max(id) FROM (SELECT 'c' || n AS id, hashtext('c' || n) & 1023 AS bucket "
            "FROM generate_series(1, 2) AS n) AS two GROUP BY bucket ORDER BY bucket"
        )
        (earlier, _), (later, _) = cursor.fetchall()
    file.write_text(
        "\n".join(
            [HEADER, *(f"{one},email,marketing,granted,2026-02-01T09:30:00Z" for one in (later, earlier))]
        )
    )
    with transaction.atomic():
        lock_customers({earlier})
        rival = Rival(lambda: import_csv(file, now=NOW, any_customer=True))
        assert rival.waits_for_a_lock()
        lock_customers({later})
    rival.join(10)
    assert rival.answer.news == 2


def test_many_mistakes_are_counted_and_the_first_told(file: Path) -> None:
    told = refused(
        file, "\n".join([HEADER, *["c1,fax,marketing,granted,2026-02-01T09:30:00Z"] * 250]), any_customer=True
    )
    assert told.count("line ") == 100
    assert "250 problems (150 more are not shown)" in told


def test_the_problems_as_json(file: Path, anna: str) -> None:
    told = refused(file, f"{HEADER}\n{anna},fax,marketing,granted,2026-02-01T09:30:00Z\n", json=True)
    answer = json.loads(told[: told.rindex("}") + 1])
    assert (answer["count"], answer["problems"][0]["line"], answer["problems"][0]["column"]) == (
        1,
        2,
        "channel",
    )


def test_a_dry_run_counts_and_keeps_nothing(file: Path, anna: str) -> None:
    text = f"{HEADER}\n{anna},email,marketing,granted,2026-02-01T09:30:00Z\n"
    assert "1 decisions would be written" in imported(file, text, dry_run=True)
    assert not ConsentEvent.objects.exists()
    answer = json.loads(imported(file, text, json=True))
    assert (answer["news"], answer["dry_run"]) == (1, False)


def test_what_a_spreadsheet_writes_is_read(file: Path, anna: str) -> None:
    text = f"\ufeffCustomer_ID;Channel;Category;Action;Occurred_at\r\n{anna};email;marketing;granted;2026-02-01T09:30:00Z\r\n;;;;\r\n"
    assert "1 decisions were written" in imported(file, text)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be read: No such file"):
        call_command("import_consent", str(tmp_path / "nothing.csv"))


def test_the_cost_is_by_batch_not_by_row(file: Path) -> None:
    rows = [f"c{n},email,marketing,granted,2026-02-01T09:30:00Z" for n in range(4_000)]
    with CaptureQueriesContext(connection) as asked:
        assert "4,000 decisions were written" in imported(file, "\n".join([HEADER, *rows]), any_customer=True)
    assert len(asked) < 30


@pytest.fixture
def histories() -> list[str]:
    people = [str(customer.pk) for customer in CustomerFactory.create_batch(3)]
    record_many(
        Change(
            people[n % 3], ("email", "sms")[n % 2], "marketing", n % 5 < 3, "web_form", "customer",
            NOW + dt.timedelta(days=(n * 7) % 11), f"Text {n % 2},\nin \"two\" lines", {"form": "/a;b"}, "en",
        )
        for n in range(40)
    )  # fmt: skip
    return people


def test_an_export_has_every_event_and_comes_in_again(histories: list[str], file: Path) -> None:
    text = exported()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == csv_rows.EXPORTED
    events = list(ConsentEvent.objects.select_related("wording").order_by("customer_id", "place"))
    assert [row["hash"] for row in rows] == [event.hash for event in events]
    assert {row["wording"] for row in rows} == {event.wording.text for event in events if event.wording}
    states = {person: current(person) for person in histories}
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE consent_events DISABLE TRIGGER USER; DELETE FROM customer_consent;"
            "DELETE FROM consent_events; DELETE FROM consent_chains; ALTER TABLE consent_events ENABLE TRIGGER USER"
        )
    assert f"{len(events)} decisions were written" in imported(file, text)
    for person, before in states.items():
        after = current(person)
        assert {k: (s.enabled, s.granted_at, s.revoked_at) for k, s in after.items()} == {
            k: (s.enabled, s.granted_at, s.revoked_at) for k, s in before.items()
        }
    assert faults(histories) == []
    assert "0 decisions were written" in imported(file, text)


def test_one_customer_or_since_a_moment_only(histories: list[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(customer=histories[0]))))
    assert {row["customer_id"] for row in rows} == {histories[0]}
    tomorrow = (timezone.now() + dt.timedelta(days=1)).isoformat()
    assert exported(since=tomorrow).count("\n") == 1
    assert exported(since="2020-01-01") == exported()


def test_a_file_is_whole_and_its_owners_only(histories: list[str], tmp_path: Path) -> None:
    out = tmp_path / "ledger.csv"
    exported(out=out)
    assert out.read_text() == exported()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"customer": "nobody"}, "Nothing is on record"),
        ({"since": "yesterday"}, "is no moment"),
        ({"since": "2026-02-30"}, "is no moment"),
        ({"out": Path("/nowhere/ledger.csv")}, "can't be written"),
    ],
)
def test_a_wrong_wish_is_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("export_consent", **options)


def test_the_ledger_keeps_no_address_though_a_caller_hands_one_over() -> None:
    grant(
        customer_id="c1", channel="email", category="marketing", at=NOW, **BY,
        evidence={"note": "from jane.roe@example.com, call +1 (506) 555-0123", "list": ["506-555-0123", {"a@b.ca": 1}]},
    )  # fmt: skip
    assert "jane" not in exported()
    kept = json.dumps(ConsentEvent.objects.get().evidence)
    assert not [secret for secret in ("jane", "example.com", "555", "b.ca") if secret in kept], kept


def test_what_only_looks_like_an_address_stays() -> None:
    kept = {
        "network": "203.0.113.0/24", "user_agent": "Mozilla/5.0 (X11) Chrome/120.0.6099.109", "n": 5065550123,
        "notification_id": "0b0f7c1e-6f2e-4c43-9d2b-0d8f6a1c2b3d", "sid": "SM1234567890123456789012345678abcd",
        "at": "2026-03-01T12:00:00+00:00", "nothing": None,
    }  # fmt: skip
    assert without_addresses(kept) == kept


@pytest.mark.parametrize("wording", [" Send me offers.\n", "One\rtwo", 'A;b,"c"\r\nd'])
def test_a_wording_comes_in_again_to_the_letter(wording: str, file: Path, anna: str) -> None:
    grant(**BY, customer_id=anna, channel="sms", category="marketing", at=NOW, wording=wording, locale="en")
    text = exported()
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE consent_events DISABLE TRIGGER USER; DELETE FROM customer_consent;"
            "DELETE FROM consent_events; DELETE FROM consent_chains; ALTER TABLE consent_events ENABLE TRIGGER USER"
        )
    imported(file, text)
    event = ConsentEvent.objects.select_related("wording").get()
    assert event.wording is not None
    assert event.wording.text == wording


def test_requests_of_an_export_are_passed_over(file: Path, anna: str) -> None:
    text = f"{HEADER}\n{anna},email,marketing,requested,2026-02-01T09:30:00Z\n{anna},email,marketing,confirmed,2026-02-01T09:35:00Z\n"
    assert "1 requests for confirmation were passed over" in imported(file, text)
    assert ConsentEvent.objects.get().action == "confirmed"
    assert CustomerConsent.objects.get().enabled
