"""«What will tonight's reminders send?», and a run by hand, in a real browser: question, two clicks, two people, live state."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.utils import timezone
from django_q.models import OrmQ
from playwright.sync_api import expect

from jobs.models import JobRequest, JobRun
from jobs.runner import run
from jobs.spec import JobResult, Progress
from notifications.enqueue import notify
from notifications.message import Address
from tests.browser.accessibility import serious_faults
from tests.browser.conftest import Visitor
from tests.catalogue import Install

pytestmark = pytest.mark.django_db(transaction=True)
SEE = "jobs.view_jobrun"
MAY = (SEE, "jobs.run_job", "jobs.pause_job", "notifications.view_notification")
PAGE = "/admin/jobs/jobrun/job/probe/"


def remind(*, now: dt.datetime, progress: Progress) -> JobResult:
    for number in range(5):
        notify(
            to=Address(f"anna.smith{number}@example.com"), channel="email", category="transactional",
            subject="Hello", body="Your excavator is ready", now=now,
        )  # fmt: skip
    return JobResult(found={"pickup": 5}, queued=5)


def fail(*, now: dt.datetime, progress: Progress) -> JobResult:
    raise RuntimeError("the ledger is closed")


def history(install: Install) -> None:
    install(fail)
    for _ in range(2):
        run("probe", now=timezone.now(), trigger="command")
    install(remind)
    for _ in range(10):
        run("probe", now=timezone.now(), trigger="schedule")


def test_what_tonight_sends_is_seen_in_a_dry_run_and_a_run_is_asked_for_once(
    visit: Callable[..., Visitor], install: Install
) -> None:
    history(install)
    olive = visit()
    page = olive.page
    olive.sign_in(*MAY)
    olive.open(PAGE)
    expect(page.get_by_role("region", name="How long it takes").locator("canvas")).to_be_visible()
    page.get_by_role("link", name="its next run").click()
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("region", name="What it would send")).to_contain_text("and 2 more")
    assert serious_faults(page) == []
    olive.shot("1-dry-run")

    page.get_by_label("Moment").fill("")
    page.get_by_role("button", name="Run…").click()
    expect(page.get_by_text("Run probe now?")).to_be_visible()
    page.get_by_label("Reason").fill("The clock stood still this morning")
    olive.shot("2-question")
    page.get_by_role("button", name="Run it").dblclick()
    expect(page.get_by_text("Waits for a worker")).to_be_visible()
    assert OrmQ.objects.filter(key="jobs").count() == JobRequest.objects.count() == 1

    peter = visit()
    peter.sign_in(*MAY, name="peter")
    peter.open(PAGE)
    peter.page.get_by_role("button", name="Run…").click()
    peter.page.get_by_label("Reason").fill("I want it too")
    peter.page.get_by_role("button", name="Run it").click()
    expect(peter.page.get_by_text("olive asked for a run of probe")).to_be_visible()
    assert OrmQ.objects.filter(key="jobs").count() == 1
    peter.shot("3-second-operator")


def test_the_page_tells_by_itself_that_the_job_began_and_ended(
    visit: Callable[..., Visitor], install: Install
) -> None:
    install(remind)
    olive = visit()
    page = olive.page
    olive.sign_in(*MAY)
    olive.open(PAGE)
    facts = page.locator("#job-facts")
    expect(facts).to_contain_text("never")
    run("probe", now=timezone.now(), trigger="command")
    expect(facts).to_contain_text("Success", timeout=15_000)
    expect(facts).to_contain_text("5 queued")


def test_who_may_only_look_sees_no_button_and_a_failed_run_with_its_place(
    visit: Callable[..., Visitor], install: Install
) -> None:
    history(install)
    olive = visit()
    page = olive.page
    olive.sign_in(SEE)
    olive.open(PAGE)
    expect(page.get_by_role("button", name="Run…")).to_have_count(0)
    expect(page.get_by_text("Pause…")).to_have_count(0)
    olive.open("/admin/jobs/jobrun/")
    assert serious_faults(page) == []
    olive.shot("1-jobs")
    failed = JobRun.objects.filter(status="failed").first()
    assert failed is not None
    olive.open(f"/admin/jobs/jobrun/{failed.pk}/change/")
    expect(page.get_by_role("region", name="The run", exact=True)).to_contain_text(
        "test_job_runs_browser.py:"
    )
    page.get_by_text("How it got there").click()
    assert serious_faults(page) == []
    olive.shot("2-failed-run")


@pytest.mark.parametrize(("width", "dark"), [(400, False), (400, True), (1440, True)])
def test_the_pages_fit(visit: Callable[..., Visitor], install: Install, width: int, dark: bool) -> None:
    history(install)
    olive = visit(width=width, dark=dark)
    olive.sign_in(*MAY)
    made = JobRun.objects.first()
    assert made is not None
    for name, path in (
        ("job", PAGE),
        ("run", f"/admin/jobs/jobrun/{made.pk}/change/"),
        ("jobs", "/admin/jobs/jobrun/"),
    ):
        olive.open(path)
        assert olive.fits(), path
        olive.shot(f"{name}-{width}-{'dark' if dark else 'light'}")
        assert serious_faults(olive.page) == []
