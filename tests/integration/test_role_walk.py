"""Each role walks over the whole admin: whatever link or form it is shown leads in, and what it sends writes its own tables alone."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from django.contrib.auth.models import Group
from django.db import connection, reset_queries, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.roles import Role
from tests.every_row import make_every_row
from tests.integration.test_doors import doors, knock
from tests.operators import operator_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
# Their own: preferences, password, session. Whoever acts leaves an entry in the audit log.
OWN = {
    "staff_preferences",
    "second_factors",
    "auth_user",
    "django_session",
    "request_counts",
    "django_admin_log",
}
SENDS = {
    "notification_queue", "delivery_attempts", "notifications", "notification_history", "drain_signal", "drain_watch",
    "django_q_ormq", "notification_traffic", "metric_counters",
}  # fmt: skip
MAY_WRITE = {
    Role.VIEWER: OWN,
    Role.OPERATOR: OWN
    | SENDS
    | {
        "channel_states", "channel_events", "category_stops", "provider_events", "job_pauses", "job_runs", "job_progress", "known_jobs",
        "sending_days", "suppressions", "customer_consent", "consent_events", "bulk_acts", "bulk_act_rows", "job_requests",
    },
    Role.EDITOR: OWN | SENDS | {"notification_templates", "notification_template_versions"},
    Role.COMPLIANCE: OWN
    | SENDS
    | {
        "customer_consent", "consent_events", "consent_chains", "consent_wordings", "consent_requests", "suppressions", "data_requests",
        "unsubscribe_tokens", "push_subscriptions", "provider_events",
    },
}  # fmt: skip
WRITE = re.compile(r'^(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)"?', re.IGNORECASE)
# A message's own HTML, and files.
SKIP = ("/html/", "/body/", "/static/", "/admin/logout/", "/admin/language/")


@dataclass
class Shown(HTMLParser):
    """The links of a page, and its forms with the buttons that send them: Django's frame around a row that one only reads has none."""

    page: str
    links: set[str] = field(default_factory=set)
    forms: list[dict[str, Any]] = field(default_factory=list)
    inside: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        for name in ("href", "hx-get"):
            if tag in ("a", "div", "section", "button", "tbody") and named.get(name):
                self.links.add(urljoin(self.page, named[name]))
        if tag == "form":
            self.inside = True
            self.forms.append(
                {
                    "url": urljoin(self.page, named.get("action") or self.page),
                    "post": named.get("method", "").lower() == "post",
                    "fields": [],
                    "buttons": [],
                }
            )
        elif self.inside and tag == "input" and named.get("type") == "hidden":
            self.forms[-1]["fields"].append((named.get("name", ""), named.get("value", "")))
        elif self.inside and tag == "button" and named.get("type", "submit") == "submit":
            self.forms[-1]["buttons"].append(
                (named.get("name", ""), named.get("value", ""), named.get("formaction", ""))
            )

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "form"


def signed_in(role: Role) -> Client:
    user = operator_user()
    user.groups.set([Group.objects.get(name=role)])
    client = Client()
    client.force_login(user)
    return client


def shown(client: Client, rows: Any) -> Iterator[Shown]:
    """Every page that opens to this client."""
    for door in doors(rows):
        if not door.path.startswith("/admin/") or any(part in door.path for part in SKIP):
            continue
        response = client.get(door.path)
        if response.status_code == 200 and "text/html" in response["Content-Type"] and not response.streaming:
            page = Shown(door.path)
            page.feed(response.content.decode())
            yield page


def is_refused(client: Client, url: str, *, data: str | None = None) -> bool:
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    with transaction.atomic():
        if data is None:
            response = client.get(path)
        else:
            response = client.post(path, data, content_type="application/x-www-form-urlencoded")
        transaction.set_rollback(True)
    return bool(
        response.status_code == 403 or (response.status_code == 302 and "/login/" in response["Location"])
    )


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name.lower())
def test_whatever_is_shown_leads_in(role: Role) -> None:
    rows, client = make_every_row(), signed_in(role)
    faults: list[str] = []
    tried: set[tuple[str, ...]] = set()
    forms = 0
    for page in shown(client, rows):
        for url in sorted(page.links):
            parts = urlsplit(url)
            target = (parts.path, parts.query)
            if (
                parts.netloc
                or not parts.path.startswith("/admin/")
                or target in tried
                or any(part in url for part in SKIP)
            ):
                continue
            tried.add(target)
            if is_refused(client, url):
                faults.append(f"{page.page} shows a link to {url}")
        for form in page.forms:
            for name, value, action in form["buttons"]:
                url = urljoin(page.page, action) if action else form["url"]
                key = (url, name, value)
                if not form["post"] or key in tried or any(part in url for part in SKIP):
                    continue
                tried.add(key)
                forms += 1
                if is_refused(client, url, data=urlencode([*form["fields"], (name, value)])):
                    faults.append(f"{page.page} shows a form to {url} ({name}={value})")
    assert "\n".join(faults) == ""
    assert len(tried) > 30
    assert forms > 0


@pytest.mark.parametrize("role", list(MAY_WRITE), ids=lambda role: role.name.lower())
def test_what_a_role_sends_writes_only_what_is_its_own(role: Role, sandbox: Any) -> None:
    """Every address of the admin and the API, asked for everything: the control is test_doors.py's superuser."""
    rows, client = make_every_row(), signed_in(role)
    faults = []
    for door in doors(rows):
        if door.name in ("admin:logout", "admin:login"):
            continue
        for method in ("GET", "POST"):
            reset_queries()  # Django remembers 9,000, and the walk asks for more
            with CaptureQueriesContext(connection) as captured, transaction.atomic():
                knock(client, method, door, rows)
                transaction.set_rollback(True)
            written = {match[1].lower() for query in captured if (match := WRITE.match(query["sql"].strip()))}
            if beyond := written - MAY_WRITE[role]:
                faults.append(f"{method} {door.path} writes {', '.join(sorted(beyond))}")
    assert "\n".join(faults) == ""
