"""How long the back office takes over a long history: in, how many messages; out, each page's time and queries beside targets.

Time is the server's, from the request to the whole answer, warm, with the rights of the back office's database login, so that row
level security takes part. Beside it stands the same page with 10,000 messages.
"""

import datetime as dt
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from benchmarks import pages_rows
from benchmarks.figures import Figure, Target, against, alone, percentile
from benchmarks.pages_table import Facts, Page, pages
from benchmarks.stage import StageError, Step
from consent.models import ConsentEvent
from jobs.models import JobRun
from notifications.models import Notification, NotificationHistory
from notifications.row_security.rights import ADMIN
from templates_app.models import NotificationTemplate, NotificationTemplateVersion

GROUP = "pages"
RUNS = 2, 2  # once, and in each repetition: for the progress bar
SHORT = 10_000
LOOKED_AT = 2_000  # to choose the messages that are opened
LOADS = 30  # of a page, in each repetition, after two that warm it up; no more than there are messages, so that a trial is short
ANSWERED = (200, 286)  # htmx's own: the same, and do not ask again (https://htmx.org/docs/#polling)
QUICK, FEW = Target(most=300), Target(most=30)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one repetition found of a page: milliseconds, and the statements of one request."""

    p50: float
    p95: float
    queries: int


def measure(*, count: int, times: int, step: Step) -> Iterator[Figure]:
    """Every page with a short history, then with `count` messages in the queue, as many in the history."""
    short, now = min(count, SHORT), timezone.now()
    with _as_the_back_office(), override_settings(DEBUG=False, ALLOWED_HOSTS=["*"]):
        with step(f"pages: building {short:,} messages"):
            user = User.objects.create_superuser("bench")
            pages_rows.begin()
            pages_rows.grow(1, short, user=user, now=now)
        before = [_measure_all(user, short, step, turn, times) for turn in range(1, times + 1)]
        with step(f"pages: building {count:,} messages"):
            began = time.perf_counter()
            pages_rows.grow(short + 1, count, user=user, now=now)
            built = time.perf_counter() - began
        after = [_measure_all(user, count, step, turn, times) for turn in range(1, times + 1)]
    for name in after[0]:
        found, small = [run[name] for run in after], [run[name] for run in before]
        p95s = [one.p95 for one in found]
        yield alone(p95s, " ms", group=GROUP, name=f"{name}, p95", target=QUICK)
        values, limits = [one.p50 for one in found], [one.p50 for one in small]
        limit = f"the same, {short:,} messages"
        yield against(values, limits, " ms", group=GROUP, name=f"{name}, p50", limit_name=limit)
        yield alone([one.queries for one in found], "", group=GROUP, name=f"{name}, queries", target=FEW)
    yield alone([built], " s", group=GROUP, name="building that history")


def absent() -> list[str]:
    """The pages of the table that this project does not have."""
    key = "0b0f7c1e-6f2e-4c43-9d2b-0d8f6a1c2b3d"
    known = {name: key for name in Facts.__slots__ if name != "rows"}
    nobody = Facts(**known, rows={model._meta.label_lower: key for model in admin.site._registry})  # noqa: SLF001
    return [page.name for page in pages(nobody) if page.path() is None]


def _measure_all(user: User, size: int, step: Step, turn: int, times: int) -> Mapping[str, Loaded]:
    client = Client()
    client.force_login(user)
    with step(f"pages among {size:,} messages ({turn} of {times})"), _rights_of(ADMIN):
        return {
            page.name: _load(client, page, path, min(size, LOADS))
            for page in pages(facts())
            if (path := page.path()) is not None
        }


def _load(client: Client, page: Page, path: str, times: int) -> Loaded:
    if page.find:
        path = client.post(f"{path}find/", {"q": page.find})["Location"]
    _get(client, page, path)
    with CaptureQueriesContext(connection) as captured:
        _get(client, page, path)
    queries = len(captured)  # the next request forgets them
    taken = [_get(client, page, path) for _ in range(times)]
    return Loaded(median(taken), percentile(taken, 0.95), queries)


def _get(client: Client, page: Page, path: str) -> float:
    """Milliseconds of one answer."""
    began = time.perf_counter()
    response = client.get(path)
    passed = (time.perf_counter() - began) * 1e3
    if response.status_code not in ANSWERED:
        raise StageError(f"the page “{page.name}” answers {response.status_code}: {path}")
    return passed


def facts() -> Facts:
    """What the pages are about: neither the newest nor the oldest of what is there. Where a tiny history holds none, its page is skipped."""
    ended = Notification.objects.filter(metadata__origin__job="booking_reminders").order_by("-created_at")
    names = dict(NotificationTemplate.objects.filter(name__startswith="booking.").values_list("name", "pk"))
    rare, common = (str(names[name]) for name in sorted(names)[:2])
    now = timezone.now()
    return Facts(
        failed=_one(ended.filter(status="failed")),
        sent=_one(ended.filter(status="sent", template__isnull=False)),
        past=_one(NotificationHistory.objects.order_by("-finished_at")),
        rare_template=rare,
        common_template=common,
        version=_one(NotificationTemplateVersion.objects.filter(template__pk=common)),
        run=_one(JobRun.objects.order_by("-started_at")),
        customer="77",
        decided=_one(ConsentEvent.objects.all(), "customer_id"),
        lately=quote((now - dt.timedelta(hours=1)).isoformat()),
        long_ago=quote((now - dt.timedelta(days=30)).isoformat()),
        rows={
            model._meta.label_lower: _one(page.get_queryset(HttpRequest()))  # noqa: SLF001
            for model, page in admin.site._registry.items()  # noqa: SLF001
        },
    )


def _one(rows: "QuerySet[Any]", column: str = "pk") -> str:
    found = rows.values_list(column, flat=True)[:LOOKED_AT]
    return str(found[len(found) // 2]) if found else ""


@contextmanager
def _as_the_back_office() -> Iterator[None]:
    """The tables are guarded as on a server that others reach; `own_stage` leaves that away."""
    guarded = {**settings.NOTIFICATIONS, "ROW_SECURITY": True}
    with override_settings(NOTIFICATIONS=guarded):
        call_command("migrate", verbosity=0)
        yield


@contextmanager
def _rights_of(role: str) -> Iterator[None]:
    """What the back office's login may do, and no more: a superuser's plans, past every policy, would prove little."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
        cursor.execute("SELECT row_security_active('notification_queue')")
        if cursor.fetchone() != (True,):
            raise StageError("row level security does not hold for the back office's login")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
