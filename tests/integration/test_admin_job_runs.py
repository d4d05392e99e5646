"""Running a job from its page: the question, two clicks and two people, what a dry run says, a run's own page, a stop."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from consent.suppress import suppress
from jobs import progress as stored
from jobs import tasks
from jobs.asking import GIVEN_UP_AFTER, SILENT_FOR, take
from jobs.models import JobProgress, JobRequest, JobRun
from jobs.pause import pause
from jobs.runner import run
from jobs.spec import JobResult, Progress
from jobs.watch import watch
from notifications.enqueue import notify
from notifications.message import Address
from notifications.models import Notification
from tests.catalogue import Install
from tests.integration.api_client import staff
from tests.operators import operator_user, seen, told
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept")]

LIST = "/admin/jobs/jobrun/"
PAGE = f"{LIST}job/probe/"
VIEW, RUN = "jobs.view_jobrun", "jobs.run_job"
HISTORY = """
INSERT INTO job_runs (id, job_name, started_at, finished_at, duration, status, moment, trigger, actor, summary, lease_until,
                      error_message)
SELECT gen_random_uuid(), CASE n %% 10 WHEN 0 THEN 'probe' ELSE 'job' || n %% 10 END, at, at + interval '1 second',
       interval '1 second', CASE n %% 1000 WHEN 0 THEN 'failed' ELSE 'success' END, at,
       CASE n %% 2000 WHEN 7 THEN 'admin' ELSE 'schedule' END, '', '{"queued": 2, "found": {"pickup": 2}}', at,
       CASE n %% 1000 WHEN 0 THEN 'it broke' END
FROM generate_series(1, %s) AS n, LATERAL (SELECT now() - interval '200 days' + n * interval '1 minute' AS at) AS clock
"""


def three(*, now: dt.datetime, progress: Progress) -> JobResult:
    for number in range(3):
        notify(
            to=Address(f"anna.smith{number}@example.com"), channel="email", category="transactional",
            subject="Hello", body="Your excavator is ready", now=now,
        )  # fmt: skip
    return JobResult(found={"pickup": 3}, queued=2, withheld=1)


def fail(*, now: dt.datetime, progress: Progress) -> JobResult:
    who = "@".join(["anna.smith", "example.com"])
    raise RuntimeError(f"{who} is not in the ledger")


def order(**fields: str) -> dict[str, str]:
    return {"act": "run", "run_id": str(uuid.uuid4()), "reason": "it was asked for", **fields}


def work() -> None:
    """What a worker of the jobs cluster does with everything that it was handed."""
    for row in OrmQ.objects.filter(key="jobs"):
        task = SignedPackage.loads(row.payload)
        row.delete()
        tasks.run_requested(*task["args"], **task["kwargs"])


def page_of(run_id: Any) -> str:
    return f"{LIST}{run_id}/change/"


# ── The question ────────────────────────────────────────────────────────────────────────────────────────
def test_asking_says_what_a_moment_ahead_means_and_runs_nothing(install: Install) -> None:
    install(three)
    ahead = timezone.localtime(timezone.now() + dt.timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    page = seen(staff(VIEW, RUN).post(PAGE, {"act": "ask", "at": ahead}))
    assert f"Run probe for {ahead.replace('T', ' ')}" in page
    assert "what would be sent then is sent now" in page
    assert not OrmQ.objects.exists()
    assert not JobRequest.objects.exists()
    assert not LogEntry.objects.exists()


def test_asking_warns_of_a_moment_past_and_of_a_paused_schedule(install: Install) -> None:
    install(three)
    pause("probe", now=timezone.now(), by="staff:1", reason="the bank moves")
    page = seen(staff(VIEW, RUN).post(PAGE, {"act": "ask", "at": "2026-01-05T08:00"}))
    assert "reads the records as they are today" in page
    assert "«the bank moves»" in page


def test_asking_for_now_warns_of_nothing(install: Install) -> None:
    install(three)
    response = staff(VIEW, RUN).post(PAGE, {"act": "ask"})
    assert "Run probe now?" in seen(response)
    assert response.context["warnings"] == []


@pytest.mark.parametrize("reason", ["", "anna.smith@example.com wants it"])
def test_a_run_needs_a_reason_that_may_be_kept(install: Install, reason: str) -> None:
    install(three)
    page = seen(staff(VIEW, RUN).post(PAGE, order(reason=reason)))
    assert "Run probe now?" in page
    assert not OrmQ.objects.exists()


def test_a_form_without_the_id_of_its_run_is_asked_again(install: Install) -> None:
    install(three)
    staff(VIEW, RUN).post(PAGE, order(run_id="1; DROP TABLE job_runs"))
    assert not OrmQ.objects.exists()


def test_the_moments_that_people_ask_for_are_offered(install: Install) -> None:
    install(three, cron="0 9 * * *")
    client = staff(VIEW, RUN)
    assert "its next run" in seen(client.get(PAGE))
    page = client.get(PAGE, {"at": "2026-11-29T09:00"}).content.decode()
    assert 'value="2026-11-29T09:00"' in page


# ── Two clicks, two people ──────────────────────────────────────────────────────────────────────────────
def test_a_double_click_asks_for_one_run(install: Install) -> None:
    install(three)
    client, form = staff(VIEW, RUN), order()
    client.post(PAGE, form)
    [message] = told(client.post(PAGE, form, follow=True))[-1:]
    assert "Nothing more was done" in message
    assert OrmQ.objects.count() == JobRequest.objects.count() == LogEntry.objects.count() == 1


def test_a_second_operator_is_told_who_asked_already(install: Install) -> None:
    install(three)
    olive, peter = operator_user(VIEW, RUN, username="olive"), operator_user(VIEW, RUN, username="peter")
    for user in (olive, peter):
        client = Client()
        client.force_login(user)
        answer = client.post(PAGE, order(), follow=True)
    assert "olive asked for a run of probe" in told(answer)[0]
    assert "Waits for a worker olive" in seen(answer)
    assert OrmQ.objects.count() == 1


def test_once_a_worker_has_it_another_may_be_asked_for(install: Install) -> None:
    install(three)
    client = staff(VIEW, RUN)
    client.post(PAGE, order())
    work()
    client.post(PAGE, order())
    assert list(JobRequest.objects.order_by("asked_at").values_list("state", flat=True)) == [
        "taken",
        "waiting",
    ]
    assert JobRun.objects.count() == 1


def test_a_request_that_no_worker_took_stands_in_nobodys_way(install: Install) -> None:
    install(three)
    client = staff(VIEW, RUN)
    client.post(PAGE, order())
    JobRequest.objects.update(asked_at=timezone.now() - GIVEN_UP_AFTER - dt.timedelta(seconds=1))
    assert "is handed to a worker" in told(client.post(PAGE, order(), follow=True))[0]
    assert set(JobRequest.objects.values_list("state", flat=True)) == {"lost", "waiting"}


def test_a_request_refused_by_the_runner_says_why_on_the_page(install: Install) -> None:
    install(three)
    client = staff(VIEW, RUN)
    client.post(PAGE, order())
    now = timezone.now()
    JobRun.objects.create(
        job_name="probe", moment=now, trigger="schedule", lease_until=now + dt.timedelta(hours=1)
    )
    work()
    page = seen(client.get(PAGE))
    assert "Refused" in page
    assert "probe is running right now" in page
    assert JobRequest.objects.get().state == "refused"


def taken_and_silent(*, ago: dt.timedelta) -> JobRequest:
    """A request whose worker died before its run began."""
    now = timezone.now()
    row = JobRequest.objects.get()
    take(row.pk, now=now - ago)
    JobRequest.objects.update(asked_at=now - ago)
    return row


def test_a_request_whose_worker_died_says_so_and_may_be_made_again(install: Install) -> None:
    install(three)
    client = staff(VIEW, RUN)
    client.post(PAGE, order())
    row = taken_and_silent(ago=SILENT_FOR - dt.timedelta(minutes=1))
    watch(now=timezone.now())
    assert "without a word" not in seen(client.get(PAGE))
    row = taken_and_silent(ago=dt.timedelta(hours=7))
    JobRequest.objects.update(taken_at=timezone.now() - dt.timedelta(hours=7))
    row.refresh_from_db()
    assert row.taken_at
    at = timezone.localtime(row.taken_at).strftime("%Y-%m-%d %H:%M:%S")
    told_so = f"Taken at {at}, but its run has ended without a word; start it again."
    assert told_so in seen(client.get(PAGE))
    assert row.state == "taken"
    watch(now=timezone.now())
    row.refresh_from_db()
    assert row.state == "died"
    assert told_so in seen(client.get(f"{PAGE}live/"))
    OrmQ.objects.all().delete()
    assert "is handed to a worker" in told(client.post(PAGE, order(), follow=True))[0]
    work()
    assert "without a word" not in seen(client.get(PAGE))
    assert set(JobRequest.objects.values_list("state", flat=True)) == {"died", "taken"}


def test_a_request_whose_run_was_lost_says_so(install: Install) -> None:
    install(three)
    client = staff(VIEW, RUN)
    client.post(PAGE, order())
    row = taken_and_silent(ago=dt.timedelta(minutes=1))
    now = timezone.now()
    made = JobRun.objects.create(
        id=row.pk, job_name="probe", moment=now, trigger="admin", lease_until=now + dt.timedelta(minutes=1)
    )
    watch(now=now)
    assert "without a word" not in seen(client.get(PAGE))
    JobRun.objects.filter(pk=made.pk).update(lease_until=now - dt.timedelta(seconds=1))
    assert "Its worker died" in seen(client.get(PAGE))
    watch(now=now)
    row.refresh_from_db()
    assert row.state == "died"
    work()  # handed out again, its run stands already
    row.refresh_from_db()
    assert row.state == "died"
    assert "Its worker died" in seen(client.get(PAGE))


def test_a_request_whose_worker_died_before_its_run_may_be_handed_out_again(install: Install) -> None:
    install(three)
    staff(VIEW, RUN).post(PAGE, order())
    row = taken_and_silent(ago=dt.timedelta(hours=1))
    watch(now=timezone.now())
    work()
    row.refresh_from_db()
    assert (row.state, JobRun.objects.get().status) == ("taken", "success")


def test_a_task_handed_out_twice_is_no_refusal(install: Install) -> None:
    install(three)
    staff(VIEW, RUN).post(PAGE, order())
    [row] = OrmQ.objects.all()
    task = SignedPackage.loads(row.payload)
    for _ in range(2):
        tasks.run_requested(*task["args"], **task["kwargs"])
    assert JobRequest.objects.get().state == "taken"
    assert JobRun.objects.count() == 1


# ── A dry run ───────────────────────────────────────────────────────────────────────────────────────────
def test_a_dry_run_groups_what_it_would_send_and_what_would_be_withheld(install: Install) -> None:
    install(three)
    suppress(channel="email", address="anna.smith1@example.com", reason="hard_bounce", scope="all")
    response = staff(VIEW, RUN).post(PAGE, {"act": "dry", "at": "2026-12-24T20:00"})
    page = seen(response)
    [going], [held] = response.context["going"], response.context["held_back"]
    assert (going["group"].count, len(going["group"].recipients)) == (2, 2)
    assert (held["group"].count, held["group"].withheld) == (1, "The address is suppressed (hard bounce).")
    for words in ("Dry run for 2026-12-24 20:00", "What it would send", "What would be withheld, and why"):
        assert words in page
    assert "anna.smith" not in page
    assert not Notification.objects.exists()


def test_a_group_names_three_recipients_and_counts_the_rest(install: Install) -> None:
    def five(*, now: dt.datetime, progress: Progress) -> JobResult:
        three(now=now, progress=progress)
        return three(now=now, progress=progress)

    install(five)
    response = staff(VIEW, RUN).post(PAGE, {"act": "dry"})
    [going] = response.context["going"]
    assert (going["group"].count, len(going["group"].recipients), going["more"]) == (6, 3, 3)
    assert "and 3 more" in seen(response)


# ── A run's page ────────────────────────────────────────────────────────────────────────────────────────
def test_a_failed_run_shows_the_place_and_no_address(install: Install) -> None:
    install(fail)
    report = run("probe", now=timezone.now(), trigger="command")
    page = seen(staff(VIEW).get(page_of(report.run_id)))
    assert "tests/integration/test_admin_job_runs.py:" in page
    assert "fail()" in page
    assert "smith@" not in page
    assert "smith@" not in JobRun.objects.get().error_trace


def test_a_run_shows_who_asked_why_and_leads_to_its_messages(install: Install) -> None:
    install(three)
    user = operator_user(VIEW, RUN, "notifications.view_notification", username="olive")
    client = Client()
    client.force_login(user)
    client.post(PAGE, order(reason="the clock stood still"))
    work()
    made = JobRun.objects.get()
    response = client.get(page_of(made.pk))
    assert "Admin, olive the clock stood still" in seen(response)
    assert f"?job=probe&amp;run={made.pk}" in response.content.decode()
    assert "?job=probe&amp;run=" not in staff(VIEW).get(page_of(made.pk)).content.decode()


def test_a_run_that_is_not_there_is_a_404(install: Install) -> None:
    install()
    assert staff(VIEW).get(page_of(uuid.uuid4())).status_code == 404


@pytest.mark.parametrize("path", ["live/", "job/probe/live/", "run/{run}/live/"])
def test_the_live_parts_are_for_those_who_may_see_jobs(install: Install, path: str) -> None:
    install(three)
    report = run("probe", now=timezone.now(), trigger="command")
    url = LIST + path.format(run=report.run_id)
    part = staff(VIEW).get(url)
    assert "<html" not in part.content.decode()
    assert "Success" in seen(part)
    stranger = Client()
    stranger.force_login(operator_user())
    assert stranger.get(url).status_code == 403
    assert Client().get(url).status_code == 302


# ── A stop ──────────────────────────────────────────────────────────────────────────────────────────────
def running() -> JobRun:
    now = timezone.now()
    return JobRun.objects.create(
        job_name="probe", moment=now, trigger="schedule", lease_until=now + dt.timedelta(hours=1)
    )


def test_a_run_is_asked_to_stop_once_with_a_reason(install: Install) -> None:
    install(three, stoppable=True)
    made, client = running(), staff(VIEW, RUN)
    url = f"{LIST}run/{made.pk}/stop/"
    client.post(url, {"reason": ""})
    assert not JobProgress.objects.exists()
    answer = client.post(url, {"reason": "it floods the provider"}, follow=True)
    assert "asked it to stop: it floods the provider" in seen(answer)
    assert (
        "somebody asked it to stop before you" in told(client.post(url, {"reason": "again"}, follow=True))[0]
    )
    assert JobProgress.objects.get().stop_reason == "it floods the provider"
    assert LogEntry.objects.get().change_message == "stop: it floods the provider"


def test_a_job_without_steps_offers_no_stop_and_refuses_it(install: Install) -> None:
    install(three)
    made, client = running(), staff(VIEW, RUN)
    assert "Stop this run" not in seen(client.get(page_of(made.pk)))
    client.post(f"{LIST}run/{made.pk}/stop/", {"reason": "it floods the provider"})
    assert not JobProgress.objects.exists()


def test_a_run_that_has_ended_is_not_stopped(install: Install) -> None:
    install(three, stoppable=True)
    report = run("probe", now=timezone.now(), trigger="command")
    answer = staff(VIEW, RUN).post(f"{LIST}run/{report.run_id}/stop/", {"reason": "why"}, follow=True)
    assert "does not run any more" in told(answer)[0]
    assert not JobProgress.objects.exists()


@pytest.mark.parametrize("permissions", [(), (VIEW,), (RUN,)])
def test_a_stop_needs_both_permissions(install: Install, permissions: tuple[str, ...]) -> None:
    install(three, stoppable=True)
    made = running()
    assert staff(*permissions).post(f"{LIST}run/{made.pk}/stop/", {"reason": "why"}).status_code == 403
    assert not JobProgress.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_asked_to_stop_ends_at_its_next_step_as_failed(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []

    def in_steps(*, now: dt.datetime, progress: Progress) -> JobResult:
        for step in range(5):
            steps.append(step)
            if step == 2:
                stored.ask_to_stop(JobRun.objects.get().pk, by="staff:7", reason="it floods the provider")
            progress(step, 5)
        return JobResult()

    monkeypatch.setattr(stored, "EVERY", 0.0)
    install(in_steps, atomic=False, stoppable=True)
    report = run("probe", now=timezone.now(), trigger="command")
    assert (report.status, steps) == ("failed", [0, 1, 2])
    assert (
        JobRun.objects.get().error_message == "Stopped: probe was stopped by staff:7: it floods the provider"
    )
    steps.clear()
    monkeypatch.setattr(stored, "ask_to_stop", lambda *_a, **_k: None)
    JobRun.objects.all().delete()
    assert (
        run("probe", now=timezone.now(), trigger="command").status == "success"
    )  # the wish was for that run


# ── Cost ────────────────────────────────────────────────────────────────────────────────────────────────
LOGS: tuple[dict[str, str], ...] = (
    {},
    {"job": "probe"},
    {"result": "failed"},
    {"trigger__exact": "admin"},
    {"job": "probe", "result": "failed"},
    {"started_at__gte": "2026-01-01 00:00:00+00:00", "started_at__lt": "2100-01-01 00:00:00+00:00"},
)


def test_the_log_of_100_000_runs_reads_its_indexes(install: Install) -> None:
    install(three)
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, [100_000])
        cursor.execute("ANALYZE job_runs")
    client = staff(VIEW)
    for query in LOGS:
        with explained("job_runs") as plans:
            assert client.get(LIST, query).status_code == 200
        assert plans
        for plan in plans:
            assert "job_runs" not in plan.whole_tables, str(plan)
            # Nothing is all-visible within one transaction, so each entry costs a look at its row.
            assert plan.blocks < 6000, f"{query} {plan}"


def test_a_jobs_page_asks_as_much_of_a_long_history_as_of_a_short_one(install: Install) -> None:
    install(three)
    client = staff(VIEW, RUN, "jobs.pause_job")
    asked = []
    for more in (100, 5_000):
        with connection.cursor() as cursor:
            cursor.execute(HISTORY.replace("now()", "now() - interval '100 days'"), [more])
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PAGE).status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 30, asked
