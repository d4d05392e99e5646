"""Every address there is, the admin and the API above all, tried by those who may not: nothing leaks, nothing changes.

The addresses come from Django's own URL tables, so a page that somebody adds is walked too. A parameter that the walk
cannot fill, and a page without a row to show, fail the test until they are taught.
"""

import json
import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from django.utils import timezone

from consent.models import Channel
from jobs.catalog import CATALOG
from notifications.admin.acts import ACTS
from notifications.models import Notification
from tests.every_row import SECRET, make_every_row
from tests.operators import operator

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]

REFUSALS = {302, 400, 401, 403, 404, 405, 422}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Pages without a row of ours, and who may see them.
FOR_ANYONE = {
    "admin:login": "a form",
    "api:docs": "the API's description",
    "api:openapi-json": "the API's description",
    ":healthz": "that the process lives",
    ":readyz": "that the database answers",
    ":favicon.ico": "the icon",
}
FOR_STAFF = FOR_ANYONE | {
    "admin:index": "says that there is nothing to see",
    ":home_live": "says that there is nothing to see",
    "admin:logout": "ends their own session",
    "admin:password_change": "their own password",
    "admin:password_change_done": "their own password",
    "admin:jsi18n": "translations",
    ":two_step": "their own second factor",
    ":preferences": "their own time zone and language",
    ":language": "their own language",
    "admin:search": "names of pages they may open: none",
}
WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "MERGE", "WITH")
# Django's own: an object's old address leads to its page, which is a door of its own; logging out twice leads home.
ONWARD = ("{path}change/", "/admin/")


@dataclass(frozen=True)
class Door:
    """One address: its name as `namespace:name`, and a path to a row that is there."""

    name: str
    path: str


def doors(rows: dict[type[Model], Model]) -> list[Door]:
    """All of them, logging out last: it would end the visitor's session."""
    found = _walk(get_resolver(), "", "", rows)
    return sorted(found, key=lambda door: door.name == "admin:logout")


def _walk(resolver: URLResolver, prefix: str, space: str, rows: dict[type[Model], Model]) -> Iterator[Door]:
    for entry in resolver.url_patterns:
        text = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, text, entry.namespace or space, rows)
        else:
            yield from _filled(entry, text, f"{space.partition('-')[0]}:{entry.name or text}", rows)


def _filled(entry: URLPattern, text: str, name: str, rows: dict[type[Model], Model]) -> Iterator[Door]:
    if not isinstance(entry.pattern, RoutePattern):
        # Django's two regular expressions: an app's list of pages, and the catch-all.
        known = {
            "admin:app_list": [f"/admin/{app.label}/" for app in apps.get_app_configs()],
            "admin:admin/(?P<url>.*)$": ["/admin/x"],
        }
        yield from (Door(name, path) for path in known[name])
        return
    values = {parameter: _values(parameter, text, rows) for parameter in entry.pattern.converters}
    paths = ["/" + text]
    for parameter, candidates in values.items():
        hole = next(part for part in text.split("<") if part.partition(">")[0].endswith(parameter)).partition(
            ">"
        )[0]
        paths = [path.replace(f"<{hole}>", value) for path in paths for value in candidates]
    yield from (Door(name, path) for path in paths)


def _values(parameter: str, text: str, rows: dict[type[Model], Model]) -> list[str]:
    """What a parameter may be: the row of the page's own model, or one of a few names."""
    if text.startswith("admin/r/"):
        row = next(iter(rows.values()))
        return [str(ContentType.objects.get_for_model(row).pk if parameter == "content_type_id" else row.pk)]
    own = [
        row
        for model, row in rows.items()
        if f"admin/{model._meta.app_label}/{model._meta.model_name}/" in text
    ]
    match parameter:
        case "object_id" | "pk" | "id":
            return [str(own[0].pk)]
        case "notification_id":
            return [str(rows[Notification].pk)]
        case "channel":
            return list(Channel.values)
        case "name" if "/act/" in text:
            return list(ACTS)
        case "name":
            return list(CATALOG)
        case "token":
            return ["not-a-token-of-ours"]
        case _:
            raise AssertionError(f"teach the walk what <{parameter}> of {text} can be")


def knock(client: Client, method: str, door: Door, rows: dict[type[Model], Model]) -> Any:
    """A request that would do something if it were let in."""
    if method == "GET":
        return client.get(door.path)
    if door.path.startswith("/api/"):
        return client.generic(method, door.path, json.dumps(_body(door)), content_type="application/json")
    return client.generic(
        method, door.path, _form(door, rows), content_type="application/x-www-form-urlencoded"
    )


def _body(door: Door) -> dict[str, Any]:
    if door.path != "/api/admin/notifications":
        return {}
    return {
        "template": None,
        "to": {"address": "a@example.com"},
        "channel": "email",
        "category": "transactional",
        "subject": "x",
        "body": "y",
    }


def _form(door: Door, rows: dict[type[Model], Model]) -> str:
    """The fields of every form there is: what does not belong is ignored."""
    own = [
        row
        for model, row in rows.items()
        if f"/{model._meta.app_label}/{model._meta.model_name}/" in door.path
    ]
    pk = str(own[0].pk) if own else str(rows[Notification].pk)
    fields = {
        "post": "yes",
        "ids": str(rows[Notification].pk),
        "once": str(uuid.uuid4()),
        "confirmed": "1",
        "reason": "because",
        "note": "because",
        "until": timezone.localtime().replace(month=12, day=28).strftime("%Y-%m-%dT%H:%M"),
        "act": "run",
        "action": "delete_selected",
        "_selected_action": pk,
        "index": "0",
        "name": "walk.in",
        "q": SECRET,
        "old_password": "x",
        "password1": "walked-in-1",
        "password2": "walked-in-1",
        "new_password1": "walked-in-1",
        "new_password2": "walked-in-1",
        "text": "walked in",
        "decision": "revoked",
    }
    return urlencode(fields)


def visit(client: Client, rows: dict[type[Model], Model], allowed: dict[str, str]) -> list[str]:
    """Knock at every door with every method; answer what should not have happened."""
    faults = []
    for door in doors(rows):
        for method in METHODS:
            if method not in ("GET", "POST") and not door.path.startswith("/api/"):
                continue
            with CaptureQueriesContext(connection) as captured:
                response = knock(client, method, door, rows)
            at = f"{method} {door.path} ({door.name}) → {response.status_code}"
            if response.status_code not in REFUSALS and door.name not in allowed:
                faults.append(f"{at}: let in")
            if response.status_code == 302 and not _harmless(response["Location"], door, allowed):
                faults.append(f"{at}: leads to {response['Location']}")
            if SECRET in _text(response).replace(f"q={SECRET}", ""):
                faults.append(f"{at}: tells the secret")
            writes = [
                q["sql"] for q in captured if q["sql"].startswith(WRITES) and "django_session" not in q["sql"]
            ]
            if writes:
                faults.append(f"{at}: writes {writes[0][:120]}")
    return faults


def _harmless(location: str, door: Door, allowed: dict[str, str]) -> bool:
    onward = {place.format(path=door.path) for place in ONWARD}
    # A past message is shown on the page of messages, which asks for the right itself.
    onward.add(door.path.replace("/notificationhistory/", "/notification/"))
    return location.startswith("/admin/login/") or location in onward or door.name in allowed


def _writes(captured: CaptureQueriesContext) -> list[str]:
    statements = (query["sql"].strip() for query in captured)
    return [sql for sql in statements if sql.startswith(WRITES) and "django_session" not in sql]


def _text(response: Any) -> str:
    return "" if response.streaming else response.content.decode(errors="replace")


def contents() -> dict[str, str]:
    """A digest of every table, but for sessions."""
    tables = [
        t for t in connection.introspection.table_names() if t not in ("django_session", "django_migrations")
    ]
    with connection.cursor() as cursor:
        digests = {}
        for table in tables:
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} AS t"
            )
            digests[table] = cursor.fetchone()[0]
    return digests


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Hundreds of refusals are what is asked for; their log would bury the one that is missing."""
    caplog.set_level(logging.CRITICAL, "django.request")


def _stranger() -> Client:
    return Client()


def _wrong_token() -> Client:
    return Client(headers={"Authorization": "Bearer not-a-token"})


def _customer_with_a_login() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("somebody"))
    return client


@pytest.mark.parametrize(
    ("visitor", "allowed"),
    [
        pytest.param(_stranger, FOR_ANYONE, id="anonymous"),
        pytest.param(_wrong_token, FOR_ANYONE, id="wrong-token"),
        pytest.param(_customer_with_a_login, FOR_ANYONE, id="not-staff"),
        pytest.param(operator, FOR_STAFF, id="staff-without-rights"),
    ],
)
def test_no_door_opens_to_those_who_may_not(visitor: Any, allowed: dict[str, str]) -> None:
    rows = make_every_row()
    client = visitor()
    before = contents()
    assert "\n".join(visit(client, rows, allowed)) == ""
    assert contents() == before


def test_the_walk_itself_gets_in_where_it_may(sandbox: Any) -> None:
    """The control: the same requests by a superuser read the secret on most pages and change rows, so a refusal above
    is a refusal and not a broken request."""
    rows = make_every_row()
    client = operator("*")
    read, changed, failed = set(), set(), []
    for door in doors(rows):
        for method in ("GET", "POST"):
            if door.name == "admin:logout":
                continue
            with CaptureQueriesContext(connection) as captured:
                response = knock(client, method, door, rows)
            if response.status_code >= 500:
                failed.append(f"{method} {door.path}")
            if SECRET in _text(response):
                read.add(door.name)
            if _writes(captured):
                changed.add(door.name)
    assert failed == []
    assert len({door.name for door in doors(rows)}) > 100
    assert len(read) > 40
    assert {
        "admin:notifications_notification_act",
        "admin:notifications_notification_body",
        "admin:notifications_channelstate_resume",
        "admin:auth_group_changelist",
        "api:enqueue",
        "api:start",
    } <= changed
