"""The audit log: who reads it, what it says, what it finds and by which index, and what leaves it as a file."""

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.audit import export, filters, page
from config.audit.words import said
from config.models import AuditEntry
from config.roles import Role
from consent.models import Suppression
from notifications.models import Notification
from tests.notification_factories import NotificationFactory
from tests.operators import operator, operator_user, seen, told
from tests.plan_reader import explained, new_files

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]
LOG = "/admin/config/auditentry/"
AT = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)


def write(
    message: str, *, by: User | None = None, at: dt.datetime = AT, about: type = Notification, **more: Any
) -> LogEntry:
    fields = {"object_id": "7", "object_repr": "email 7", "action_flag": CHANGE, **more}
    who = by or User.objects.filter(username="olive").first() or operator_user(username="olive")
    return LogEntry.objects.create(
        user=who,
        action_time=at,
        content_type=ContentType.objects.get_for_model(about),
        change_message=message,
        **fields,
    )


def reader(*roles: Role, language: str = "") -> Client:
    user = operator_user()
    user.groups.set(Group.objects.filter(name__in=roles or [Role.COMPLIANCE]))
    client = Client(headers={"accept-language": language} if language else None)
    client.force_login(user)
    return client


def rows(response: Any) -> list[str]:
    assert response.status_code == 200
    return [line.entry.change_message for line in response.context["lines"]]


@pytest.mark.parametrize("role", list(Role))
def test_compliance_and_administrators_read_it_and_nobody_else(role: Role) -> None:
    may = role in (Role.COMPLIANCE, Role.ADMINISTRATOR)
    client = reader(role)
    assert client.get(LOG).status_code == (200 if may else 403)
    assert client.post(f"{LOG}find/", {"words": "x"}).status_code == (302 if may else 403)
    assert client.post(f"{LOG}export/").status_code == (200 if may else 403)
    assert (LOG in client.get("/admin/").content.decode()) == may


def test_nobody_writes_or_deletes_an_entry_not_even_a_superuser() -> None:
    entry = write("replay: provider was down")
    root = operator("*")
    for path in (f"{LOG}add/", f"{LOG}{entry.pk}/change/", f"{LOG}{entry.pk}/delete/", f"{LOG}{entry.pk}/"):
        assert root.post(path, {"post": "yes"}).status_code in (403, 404), path
    root.post(LOG, {"action": "delete_selected", "_selected_action": entry.pk, "post": "yes"})
    assert LogEntry.objects.get(pk=entry.pk).change_message == "replay: provider was down"


@pytest.mark.parametrize(
    ("message", "kind", "detail", "counts", "reason"),
    [
        ("replay (3 of 5): provider: was down", "Replay", "", (3, 5), "provider: was down"),
        (
            "pause until 2026-11-20T18:00+00:00: it is down",
            "Pause",
            "pause until 2026-11-20T18:00+00:00",
            (None, None),
            "it is down",
        ),
        ("resume: all is well", "Resume", "", (None, None), "all is well"),
        ("Published it.", "Publish", "Published it.", (None, None), ""),
        ("Published.", "Publish", "", (None, None), ""),
        ('[{"changed": {"fields": ["Username"]}}]', "Changed", "Changed Username.", (None, None), ""),
        ('[{"added": {}}]', "Added", "Added.", (None, None), ""),
        ("juggled: for fun", "juggled", "", (None, None), "for fun"),
        ("", "Change", "", (None, None), ""),
    ],
)
def test_an_entry_is_taken_apart(message: str, kind: str, detail: str, counts: Any, reason: str) -> None:
    found = said(LogEntry(change_message=message, action_flag=CHANGE))
    assert (found.kind, found.detail, (found.done, found.asked), found.reason) == (
        kind,
        detail,
        counts,
        reason,
    )


def test_it_speaks_its_reader_s_language_and_keeps_their_clock() -> None:
    write("replay (3 of 5): provider was down")
    page = seen(reader(language="fr").get(LOG))
    assert "Rejouer" in page
    assert "3 sur 5" in page
    assert "2026-11-20 08:00" in page
    assert "provider was down" in page


def test_the_object_is_a_link_for_those_who_may_open_it() -> None:
    row = NotificationFactory.create()
    write("replay: x", object_id=str(row.pk))
    write("create: x", about=type(Suppression()), object_id="1")
    url = f"/admin/notifications/notification/{row.pk}/change/"
    assert url in reader().get(LOG).content.decode()
    assert url not in operator("config.view_auditentry").get(LOG).content.decode()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["third", "cancel: second", "replay: first word"]),
        ({"kind": "replay"}, ["replay: first word"]),
        ({"kind": "nothing of ours"}, []),
        ({"object": "8"}, ["cancel: second"]),
        ({"words": "FIRST"}, ["replay: first word"]),
        ({"words": "email second"}, ["cancel: second"]),
        ({"since": "2026-11-20"}, ["third", "cancel: second"]),
        ({"until": "2026-11-19"}, ["replay: first word"]),
        ({"since": "2026-11-20", "until": "2026-11-20"}, ["cancel: second"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_a_filter_finds(asked: dict[str, str], found: list[str]) -> None:
    """Days are those of the reader: 03:00 UTC of the 20th is the evening of the 19th in Moncton."""
    write("replay: first word", at=AT.replace(hour=3))
    write("cancel: second", object_id="8")
    write("third", at=AT + dt.timedelta(days=1))
    client = reader()
    assert rows(client.get(LOG, asked)) == found
    posted = client.post(f"{LOG}find/", {**asked, "person": ""}, follow=True)
    assert rows(posted) == found


def test_it_finds_a_person_and_a_type() -> None:
    other = operator_user(username="oscar")
    write("replay: hers")
    write("resume: his", by=other, about=Suppression)
    client = reader()
    assert rows(client.get(LOG, {"person": other.pk})) == ["resume: his"]
    type_ = ContentType.objects.get_for_model(Suppression).pk
    assert rows(client.get(LOG, {"type": type_})) == ["resume: his"]


@pytest.mark.parametrize(
    ("asked", "told_"),
    [
        ({"words": "ana@example.com"}, "holds no addresses"),
        ({"words": "+1 506 555 0123"}, "holds no addresses"),
        ({"since": "2026-11-21", "until": "2026-11-20"}, "This is before the first day."),
        ({"since": "yesterday"}, "Enter a valid date."),
        ({"person": "999999"}, "Select a valid choice."),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field_and_finds_nothing(
    asked: dict[str, str], told_: str
) -> None:
    write("replay: x")
    answer = reader().post(f"{LOG}find/", asked)
    assert told_ in seen(answer)
    assert rows(answer) == []


def test_pages_follow_each_other_without_a_gap_also_within_one_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page, "PAGE", 3)
    for n in range(8):
        write(f"act {n}")
    client, seen_, url = reader(), [], LOG
    for _ in range(3):
        answer = client.get(url)
        seen_ += rows(answer)
        url = LOG + answer.context["older"]
    assert seen_ == [f"act {n}" for n in range(7, -1, -1)]
    assert answer.context["older"] == ""
    assert rows(client.get(LOG, {"behind": "nonsense"}))[0] == "act 7"


def test_the_empty_log_says_so() -> None:
    assert "Nothing here yet" in seen(reader().get(LOG))
    assert "Nothing matches" in seen(reader().get(LOG, {"object": "x"}))


def read_csv(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_export_holds_what_the_filters_found_and_is_an_entry_itself() -> None:
    write("replay (3 of 5): provider was down")
    write("cancel: no")
    (line,) = read_csv(reader().post(f"{LOG}export/?kind=replay"))
    assert (line["Person"], line["Act"], line["Done"], line["Asked for"]) == ("olive", "Replay", "3", "5")
    assert line["When"] == "2026-11-20T08:00:00-04:00"
    assert (line["Type of object"], line["Reason"]) == ("notifications.notification", "provider was down")
    entry = LogEntry.objects.latest("pk")
    assert entry.change_message == "exported the audit log (1 of 1): kind replay"
    assert entry.content_type == ContentType.objects.get_for_model(AuditEntry, for_concrete_model=False)


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(evil: str) -> None:
    write(f"replay: {evil}", object_repr=evil, object_id=evil)
    (line,) = read_csv(reader().post(f"{LOG}export/"))
    cells = [line["Id of the object"], line["Object"], line["Reason"]]
    assert all(cell.startswith("'") for cell in cells), cells


def test_an_export_that_is_too_much_is_refused_and_no_get_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST", 1)
    client = reader()
    assert client.get(f"{LOG}export/").status_code == 405
    write("replay: x")
    write("cancel: x")
    assert told(client.post(f"{LOG}export/", follow=True)) == [
        "More than 1 entries match: choose fewer days, or one person."
    ]
    assert LogEntry.objects.count() == 2


def test_a_search_that_takes_too_long_is_ended_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "TIMEOUT", "1ms")
    fill(20_000)
    answer = reader().get(LOG, {"words": "nothing like it", "kind": "act"})
    assert (answer.status_code, rows(answer)) == (200, []) or "too long" in " ".join(told(answer))


def fill(count: int) -> None:
    """`count` entries, a second apart, of three people, two types and a hundred objects."""
    people = [operator_user(username=f"p{n}").pk for n in range(3)]
    types = [ContentType.objects.get_for_model(model).pk for model in (Notification, Suppression)]
    new_files("django_admin_log")
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO django_admin_log (action_time, user_id, content_type_id, object_id, object_repr, action_flag, change_message)
            SELECT %s + n * interval '1 second', (%s::int[])[1 + n %% 3], (%s::int[])[1 + n %% 2], 'o' || n, 'email ' || n, 2,
                CASE WHEN n %% 500 = 0 THEN 'cancel: a rare word' ELSE 'act: of a kind' END
            FROM generate_series(1, %s) AS n""",
            [AT, people, types, count],
        )
        cursor.execute("ANALYZE django_admin_log")


@pytest.mark.parametrize(
    "asked",
    ["", "person", "type", "object", "kind", "words", "since", "behind"],
    ids=lambda name: name or "all",
)
def test_each_filter_reads_its_index_and_a_page_of_it(asked: str) -> None:
    fill(20_000)
    values: dict[str, Any] = {
        "person": User.objects.get(username="p1").pk,
        "type": ContentType.objects.get_for_model(Suppression).pk,
        "object": "o700",
        "kind": "cancel",
        "words": "rare",
        "since": "2026-11-20",
        "behind": "2026-11-20T14:00:00Z~5000",
    }
    client = reader()
    with explained("django_admin_log") as plans:
        answer = client.get(LOG, {asked: values[asked]} if asked else {})
    assert rows(answer)
    assert plans
    for plan in plans:
        assert "django_admin_log" not in plan.whole_tables, str(plan)
        assert plan.blocks < 1500, str(plan)


def test_the_number_of_queries_does_not_grow_with_the_entries() -> None:
    client, counts = reader(), []
    for _ in range(2):
        for n in range(20):
            write(f"act {n}")
        with CaptureQueriesContext(connection) as captured:
            client.get(LOG)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 20
    assert filters.NEWEST == 300
    assert export.MOST == 100_000
    assert timezone.get_current_timezone_name() == "America/Moncton"


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
@pytest.mark.parametrize("name", ["since", "until"])
def test_the_first_and_the_last_day_of_the_calendar_are_days(name: str, day: str) -> None:
    write("cancel: a typing error")
    found = rows(reader().get(LOG, {name: day}))
    assert bool(found) is ((name, day) in {("since", "0001-01-01"), ("until", "9999-12-31")})


def test_an_address_typed_as_an_object_stands_in_no_url() -> None:
    answer = reader().post(f"{LOG}find/", {"object": "anna.smith@example.com"})
    assert answer.status_code == 200
    assert "holds no addresses" in seen(answer)
