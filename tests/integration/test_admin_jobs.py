"""The jobs in the admin: the catalogue, the runs, a dry run and a run by POST; and who may."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule
from django_q.signing import SignedPackage

from jobs import tasks
from jobs.models import JobPause, JobRun
from jobs.runner import run
from jobs.schedules import sync_schedules
from jobs.spec import JobResult, Progress
from notifications.enqueue import notify
from notifications.message import Address
from notifications.models import Notification
from tests.catalogue import Install
from tests.integration.api_client import staff
from tests.operators import seen

pytestmark = pytest.mark.django_db

LIST = "/admin/jobs/jobrun/"
PAGE = "/admin/jobs/jobrun/job/probe/"
VIEW, RUN, PAUSE = "jobs.view_jobrun", "jobs.run_job", "jobs.pause_job"


def remind(*, now: dt.datetime, progress: Progress) -> JobResult:
    notify(
        to=Address("anna.smith@example.com"),
        channel="email",
        category="transactional",
        subject="Hello",
        body="Your excavator is ready",
        now=now,
    )
    return JobResult(
        found={"pickup": 1},
        queued=1,
        changed={"bookings reminded": 1},
        measured={"the view took": dt.timedelta(seconds=0.25)},
    )


def fail(*, now: dt.datetime, progress: Progress) -> JobResult:
    raise RuntimeError("the ledger is closed")


def order(**fields: str) -> dict[str, str]:
    """The form that answers «Run it now?»."""
    return {"act": "run", "run_id": str(uuid.uuid4()), "reason": "it was asked for", **fields}


def text(response: Any) -> str:
    assert response.status_code == 200, response
    return str(response.content.decode())


def test_the_page_lists_every_job_and_every_run(install: Install) -> None:
    install(fail, cron="*/5 * * * *")
    sync_schedules(now=timezone.now())
    run("probe", now=timezone.now(), trigger="command", actor="staff:7")
    page = text(staff(VIEW).get(LIST))
    for words in (
        "A job of the tests.",
        "every 5 minutes",
        "Failing",
        "RuntimeError: the ledger is closed",
        "staff:7",
    ):
        assert words in page
    assert "not scheduled" not in page
    assert "Run…" not in page  # who may not run sees no button


def test_a_filtered_list_shows_runs_only(install: Install) -> None:
    install(fail)
    run("probe", now=timezone.now(), trigger="command")
    client = staff(VIEW)
    assert "A job of the tests." not in text(client.get(LIST, {"job": "probe"}))
    assert "the ledger is closed" in text(client.get(LIST, {"job": "probe", "result": "failed"}))
    assert "the ledger is closed" not in text(client.get(LIST, {"result": "success"}))


def test_a_run_can_be_read_and_not_changed(install: Install) -> None:
    install(remind)
    report = run("probe", now=timezone.now(), trigger="command")
    url = reverse("admin:jobs_jobrun_change", args=[report.run_id])
    client = staff(VIEW)
    page = seen(client.get(url))
    for words in (
        "Found 1 pickup",
        "Messages 1 queued 0 queued before 0 withheld",
        "Changed 1 bookings reminded",
    ):
        assert words in page
    assert "Times 0.25 s the view took" in page
    assert "1 pickup found, 1 queued, 1 bookings reminded" in text(client.get(LIST, {"job": "probe"}))
    assert client.post(url, {"status": "failed"}).status_code == 403
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    assert root.post(url, {"status": "failed"}).status_code == 403
    assert root.get(f"{LIST}add/").status_code == 403
    assert (
        root.post(reverse("admin:jobs_jobrun_delete", args=[report.run_id]), {"post": "yes"}).status_code
        == 403
    )
    assert JobRun.objects.get().status == "success"


# ── Who may ─────────────────────────────────────────────────────────────────────────────────────────────
def test_opening_the_page_runs_nothing(install: Install) -> None:
    install(remind)
    page = text(staff(VIEW, RUN).get(PAGE, {"act": "run"}))
    assert "Run…" in page
    assert not OrmQ.objects.exists()
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    ("permissions", "get", "post"), [((), 403, 403), ((VIEW,), 200, 403), ((RUN,), 403, 403)]
)
def test_a_run_needs_both_permissions(
    install: Install, permissions: tuple[str, ...], get: int, post: int
) -> None:
    install(remind)
    client = staff(*permissions)
    assert client.get(PAGE).status_code == get
    for form in (order(), {"act": "dry"}, {"act": "ask"}):
        assert client.post(PAGE, form).status_code == post
    assert not OrmQ.objects.exists()
    assert not LogEntry.objects.exists()


def test_strangers_are_sent_to_the_login(install: Install) -> None:
    install(remind)
    assert Client().post(PAGE, order()).status_code == 302
    assert not OrmQ.objects.exists()


def test_a_post_without_the_csrf_token_is_refused(install: Install) -> None:
    install(remind)
    assert staff(VIEW, RUN, csrf=True).post(PAGE, order()).status_code == 403
    assert not OrmQ.objects.exists()


# ── Running ─────────────────────────────────────────────────────────────────────────────────────────────
def test_a_run_is_handed_to_a_worker_and_audited(install: Install) -> None:
    install(remind)
    client = staff(VIEW, RUN)
    response = client.post(PAGE, order(at="2026-11-20T11:00"), follow=True)
    assert "is handed to a worker" in text(response)

    task = SignedPackage.loads(OrmQ.objects.get(key="jobs").payload)
    tasks.run_requested(*task["args"], **task["kwargs"])
    row = JobRun.objects.get()
    assert (row.trigger, row.actor) == ("admin", f"staff:{User.objects.get().pk}")
    assert row.moment == dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.object_repr) == (str(row.pk), "probe")
    assert entry.change_message == "run for 2026-11-20T15:00+00:00: it was asked for"


def test_a_dry_run_shows_a_table_and_keeps_only_the_audit(install: Install) -> None:
    install(remind)
    page = text(staff(VIEW, RUN).post(PAGE, {"act": "dry"}))
    for words in ("1 message", "email", "Nothing was kept"):
        assert words in page
    assert "anna.smith" not in page
    assert not Notification.objects.exists()
    assert not JobRun.objects.exists()
    assert LogEntry.objects.get().change_message.startswith("dry run for")


def test_a_dry_run_that_fails_says_why(install: Install) -> None:
    install(fail)
    assert "RuntimeError: the ledger is closed" in text(staff(VIEW, RUN).post(PAGE, {"act": "dry"}))


def test_a_job_without_a_dry_run_offers_none(install: Install) -> None:
    install(remind, atomic=False)
    assert 'value="dry"' not in text(staff(VIEW, RUN).get(PAGE))


@pytest.mark.parametrize("form", [{"act": "ask", "at": "soon"}, {"act": "delete"}, {}])
def test_a_form_that_makes_no_sense_runs_nothing(install: Install, form: dict[str, str]) -> None:
    install(remind)
    page = text(staff(VIEW, RUN).post(PAGE, form))
    assert ("is not a moment" in page) is ("at" in form)
    assert not OrmQ.objects.exists()


def test_an_unknown_job_is_a_404(install: Install) -> None:
    install()
    assert staff(VIEW, RUN).get("/admin/jobs/jobrun/job/other/").status_code == 404


# ── django-q2's own tables ──────────────────────────────────────────────────────────────────────────────
def test_of_django_q2_only_schedules_and_failures_are_shown_and_nothing_can_be_re_run() -> None:
    registered = {name: admin.site.is_registered(apps.get_model("django_q", name)) for name in
                  ("Schedule", "Failure", "Success", "OrmQ")}  # fmt: skip
    assert registered == {"Schedule": True, "Failure": True, "Success": False, "OrmQ": False}
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    sync_schedules(now=timezone.now())
    row = Schedule.objects.first()
    assert row is not None
    page = text(root.get(reverse("admin:django_q_schedule_changelist")))
    assert "postroom:process_notifications" in page
    assert 'name="action"' not in page
    change = reverse("admin:django_q_schedule_change", args=[row.pk])
    assert text(root.get(change))
    assert root.post(change, {"cron": "* * * * *"}).status_code == 403


def test_a_failed_task_is_shown_without_addresses() -> None:
    now = timezone.now()
    task = Failure.objects.create(
        id="f" * 32, name="task", func="jobs.tasks.drain", started=now, stopped=now, success=False,
        result="Timeout while writing to anna.smith@example.com : Traceback …",
    )  # fmt: skip
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    page = text(root.get(reverse("admin:django_q_failure_change", args=[task.pk])))
    assert "Timeout while writing to [e-mail]" in page
    assert "anna.smith" not in page


# ── Pausing ─────────────────────────────────────────────────────────────────────────────────────────────
def test_a_schedule_is_paused_and_resumed_with_a_reason_and_audited(install: Install) -> None:
    install(remind)
    client = staff(VIEW, PAUSE)
    page = text(client.post(f"{PAGE}pause/", {"reason": "Stripe moves"}, follow=True))
    assert "is paused" in page
    assert "Stripe moves" in page
    assert "when resumed" in text(client.get(LIST))
    assert "already" in text(client.post(f"{PAGE}pause/", {"reason": "again"}, follow=True))

    page = text(client.post(f"{PAGE}resume/", {"reason": "It has moved"}, follow=True))
    assert "runs by schedule again" in page
    row = JobPause.objects.get()
    assert row.paused_by == row.resumed_by == f"staff:{User.objects.get().pk}"
    told = list(LogEntry.objects.order_by("pk").values_list("object_repr", "change_message"))
    assert told == [("probe", "pause until resumed: Stripe moves"), ("probe", "resume: It has moved")]


def test_a_pause_that_cannot_be_put_on_record_is_none(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(remind)
    client = staff(VIEW, PAUSE)

    def fails(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("the log is full")

    with monkeypatch.context() as patch:
        patch.setattr(LogEntry.objects, "create", fails)
        with pytest.raises(RuntimeError):
            client.post(f"{PAGE}pause/", {"reason": "Stripe moves"})
    assert not JobPause.objects.exists()
    client.post(f"{PAGE}pause/", {"reason": "Stripe moves"})
    monkeypatch.setattr(LogEntry.objects, "create", fails)
    with pytest.raises(RuntimeError):
        client.post(f"{PAGE}resume/", {"reason": "It has moved"})
    assert JobPause.objects.get().resumed_at is None


@pytest.mark.parametrize("reason", ["", "anna.smith@example.com asked for it"])
def test_a_pause_without_a_reason_that_may_be_kept_is_refused_on_the_page(
    install: Install, reason: str
) -> None:
    install(remind)
    page = text(staff(VIEW, PAUSE).post(f"{PAGE}pause/", {"reason": reason}))
    assert "errorlist" in page
    assert not JobPause.objects.exists()


@pytest.mark.parametrize(("permissions", "status"), [((), 403), ((VIEW, RUN), 403), ((PAUSE,), 403)])
def test_pausing_needs_its_own_permission(
    install: Install, permissions: tuple[str, ...], status: int
) -> None:
    install(remind)
    client = staff(*permissions)
    for verb in ("pause", "resume"):
        assert client.post(f"{PAGE}{verb}/", {"reason": "why"}).status_code == status
    assert not JobPause.objects.exists()


def test_a_pause_needs_the_csrf_token_and_a_post(install: Install) -> None:
    install(remind)
    client = staff(VIEW, PAUSE, csrf=True)
    assert client.post(f"{PAGE}pause/", {"reason": "why"}).status_code == 403
    assert client.get(f"{PAGE}pause/", {"reason": "why"}).status_code == 302
    assert not JobPause.objects.exists()


def test_the_page_shows_the_last_runs_with_duration_and_summary(install: Install) -> None:
    install(remind)
    run("probe", now=timezone.now(), trigger="command")
    install(fail)
    run("probe", now=timezone.now(), trigger="command")
    page = text(staff(VIEW).get(PAGE))
    for words in (
        "1 pickup found, 1 queued",
        "RuntimeError: the ledger is closed",
        "Command line",
        "\xa0s</td>",
    ):
        assert words in page
