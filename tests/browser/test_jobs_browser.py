"""A morning with a failing job in a real browser: see it, try it dry, stop its schedule, start it again."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from jobs.models import JobPause, JobRun
from jobs.runner import run
from jobs.spec import JobResult, Progress
from rentals.models import Booking
from tests.browser.conftest import Visitor
from tests.catalogue import Install
from tests.factories import BookingFactory

pytestmark = pytest.mark.django_db(transaction=True)
MAY = ("jobs.view_jobrun", "jobs.run_job", "jobs.pause_job")


def fail(*, now: dt.datetime, progress: Progress) -> JobResult:
    raise RuntimeError("the ledger is closed")


def activate(*, now: dt.datetime, progress: Progress) -> JobResult:
    return JobResult(found={"due": Booking.objects.update(status="active")})


def test_from_the_failing_job_to_a_dry_run_a_pause_and_back(
    visit: Callable[..., Visitor], install: Install
) -> None:
    BookingFactory.create(status="confirmed")
    install(fail)
    for _ in range(4):
        run("probe", now=timezone.now(), trigger="command")
    install(activate)

    olive = visit()
    page = olive.page
    olive.sign_in(*MAY)
    olive.open("/admin/jobs/jobrun/")
    catalogue = page.get_by_role("region", name="Jobs")
    expect(catalogue).to_contain_text("Failing")
    expect(catalogue).to_contain_text("the ledger is closed")
    olive.shot("1-jobs")
    catalogue.get_by_role("link", name="probe").click()
    expect(page.get_by_role("region", name="Its last runs")).to_contain_text("Failed")

    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("region", name="1 row would change")).to_contain_text(
        "status: confirmed → active"
    )
    assert Booking.objects.get().status == "confirmed"
    olive.shot("2-dry-run")

    page.get_by_text("Pause…").click()
    page.get_by_label("Reason").fill("The bank moves tonight")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_text("is paused. By hand it can still be run.")).to_be_visible()
    expect(page.get_by_role("region", name="Its pauses")).to_contain_text("The bank moves tonight")
    olive.shot("3-paused")

    page.get_by_text("Resume…").click()
    page.get_by_label("Reason").fill("It has moved")
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_text("runs by schedule again")).to_be_visible()
    assert JobPause.objects.get().resume_reason == "It has moved"


@pytest.mark.parametrize("dark", [False, True])
def test_the_pages_fit_a_telephone(visit: Callable[..., Visitor], install: Install, dark: bool) -> None:
    install(activate)
    run("probe", now=timezone.now(), trigger="command")
    assert JobRun.objects.exists()
    olive = visit(width=400, dark=dark)
    olive.sign_in(*MAY)
    for path in ("/admin/jobs/jobrun/", "/admin/jobs/jobrun/job/probe/"):
        olive.open(path)
        assert olive.fits(), path
    olive.shot("telephone")
