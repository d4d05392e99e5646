"""Every page of the admin in a real browser: none has a serious fault for assistive tools, shifts, overflows or complains.

The addresses come from Django's own URL tables, with a row behind each, so that a page somebody adds is walked too.
"""

import re
from collections.abc import Callable

import pytest

from tests.browser.accessibility import serious_faults
from tests.browser.conftest import MOST_SHIFT, Visitor
from tests.every_row import make_every_row
from tests.integration.test_doors import doors

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("templates")]

# Not a page of ours that a person looks at: fragments and frames stand inside of pages that are walked, the others answer
# a script, end the session or lead elsewhere.
NO_PAGES = {
    "admin:jsi18n", "admin:logout", "admin:search", "admin:view_on_site", "admin:app_list", "admin:autocomplete",
}  # fmt: skip
APPS = ("config", "consent", "jobs", "notifications", "rentals", "templates_app")
# Django's log of one object and its refusal to delete one are the same page for every model: those of one app will do.
ALIKE = re.compile(r"/(history|delete)/$")


@pytest.mark.parametrize("app", ["", *APPS])
@pytest.mark.parametrize(("width", "dark"), [(1440, False), (400, True)], ids=["wide", "narrow and dark"])
def test_each_page_of_the_admin_is_sound(
    visit: Callable[..., Visitor], width: int, dark: bool, app: str
) -> None:
    rows = make_every_row()
    olive = visit(width=width, dark=dark)
    olive.sign_in("*")
    faults = []
    for door in doors(rows):
        if not door.path.startswith("/admin/") or door.name in NO_PAGES or _app(door.path) != app:
            continue
        if ALIKE.search(door.path) and app != "consent":
            continue
        # Asked for beside the window first: what refuses a GET or is a fragment is no page, and would complain in its console.
        answer = olive.context.request.get(f"{olive.base}{door.path}", max_redirects=0)
        # Nothing runs in a frame's content, a test least of all.
        in_frame = "sandbox" in answer.headers.get("content-security-policy", "")
        if answer.status != 200 or in_frame or "<html" not in answer.text():
            continue
        olive.open(door.path)
        faults += [f"{door.path}: {fault}" for fault in _faults(olive)]
    assert faults == []


def _app(path: str) -> str:
    """The app of ours that the page belongs to; empty for Django's own and the pages of none."""
    label = path.split("/")[2]
    return label if label in APPS else ""


def _faults(visitor: Visitor) -> list[str]:
    faults = serious_faults(visitor.page)
    if (moved := visitor.shift()) > MOST_SHIFT:
        faults.append(f"its content shifts by {moved:.3f}")
    if not visitor.fits():
        faults.append("it is wider than its window")
    if not visitor.page.title().strip() or visitor.page.locator("h1").count() != 1:
        faults.append(
            f"its title is {visitor.page.title()!r}, and it has {visitor.page.locator('h1').count()} h1"
        )
    return faults
