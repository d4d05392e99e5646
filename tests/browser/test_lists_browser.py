"""The lists that people work from in a real browser: wide and on a tablet, in both languages, nothing lies outside the window."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from config.sample_business import make_sample_business
from config.sample_payouts import pay_out
from jobs.catalog import in_order
from jobs.runner import run
from jobs.schedules import sync_schedules
from rentals.sample.plan import Plan
from tests.browser.conftest import Visitor

pytestmark = pytest.mark.django_db(transaction=True)
PAGES = (
    "/admin/",
    "/admin/jobs/jobrun/",
    "/admin/templates_app/notificationtemplate/",
    *(
        f"/admin/rentals/{name}/"
        for name in (
            "alert",
            "booking",
            "customersegment",
            "maintenancealert",
            "securityincident",
            "viewstate",
        )
    ),
)
# Boxes that scroll sideways by themselves, and cells of a card that cut off their text: it is out of sight there.
HIDDEN = """
    [...document.querySelectorAll('*')]
        .filter(box => ['auto', 'scroll'].includes(getComputedStyle(box).overflowX))
        .filter(box => box.scrollWidth > box.clientWidth + 1)
        .concat([...document.querySelectorAll('#result_list td')].filter(cell => cell.scrollHeight > cell.clientHeight + 1))
        .map(box => `${box.className.slice(0, 40)}: ${box.scrollWidth} × ${box.scrollHeight} in ${box.clientWidth} × ${box.clientHeight}`)
"""


@pytest.mark.usefixtures("templates")
def test_the_lists_fit_their_window_in_both_languages(
    visit: Callable[..., Visitor], sandbox: Any, settings: Any
) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "KICK": ""}
    now = timezone.now()
    make_sample_business(Plan(at=now, customers=60, bookings=160), push_url=sandbox.url)
    pay_out(sandbox.url, now=now)
    sync_schedules(now=now)
    for job in in_order():
        run(job, now=now, trigger="command")
    hidden = []
    for width in (1440, 900):
        olive = visit(width=width)
        olive.sign_in("*", name=f"olive{width}")
        for language in ("en", "fr"):
            olive.context.add_cookies([{"name": "django_language", "value": language, "url": olive.base}])
            for path in PAGES:
                olive.open(path)
                assert olive.page.locator("html").get_attribute("lang") == language
                hidden += [f"{path} {width} {language} {box}" for box in olive.page.evaluate(HIDDEN)]
            olive.open(PAGES[1])
            olive.shot(f"jobs-{width}-{language}")
    assert hidden == []
