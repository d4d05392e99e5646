"""Every page of the admin in a real Chromium: its Content-Security-Policy stops nothing that the page needs, and what it must."""

from collections.abc import Callable

import pytest

from tests.browser.conftest import Visitor
from tests.every_row import make_every_row
from tests.integration.test_doors import doors

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Visitor]


def test_no_page_meets_its_policy(visit: Visit, templates: None) -> None:
    rows = make_every_row()
    olive = visit()
    olive.sign_in("*")
    seen: set[str] = set()
    for door in doors(rows):
        if not door.path.startswith(("/admin/", "/api/docs")) or door.name in ("admin:logout", *seen):
            continue
        answer = olive.page.request.get(f"{olive.base}{door.path}")
        if answer.status != 200 or "html" not in answer.headers["content-type"]:
            continue
        seen.add(door.name)
        before = len(olive.complaints)
        olive.open(door.path)
        olive.complaints[before:] = [f"{door.path}: {text}" for text in olive.complaints[before:]]
    assert len(seen) > 60


def test_an_inline_script_that_got_into_a_page_does_not_run(visit: Visit) -> None:
    """The control of the test above: the policy is there and says no."""
    olive = visit()
    olive.expected += ["Content Security Policy", "404 (Not Found)"]
    olive.sign_in("*")
    olive.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked = 1\">');"
        "const s = document.createElement('script'); s.textContent = 'window.hacked = 2'; document.body.append(s);"
    )
    olive.page.wait_for_timeout(200)
    assert olive.page.evaluate("window.hacked") is None


def test_a_dialogue_a_filter_and_a_theme_still_work(visit: Visit, templates: None) -> None:
    """Alpine evaluates its attributes: without unsafe-eval the sidebar, the filters and the theme are dead."""
    make_every_row()
    olive = visit()
    olive.sign_in("*")
    olive.open("/admin/notifications/notification/")
    olive.page.get_by_role("link", name="Filters").or_(olive.page.get_by_text("Filters")).first.click()
    olive.shot("filters")
    assert olive.page.evaluate("typeof window.Alpine") == "object"
