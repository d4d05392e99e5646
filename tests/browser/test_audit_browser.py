"""Each role at its first page and at a refusal; the audit log by filter, by keyboard and as a file."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from playwright.sync_api import expect

from config.models import StaffPreference
from config.roles import Role
from notifications.models import Notification
from tests.browser.accessibility import is_sound
from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Visitor]
LOG = "/admin/config/auditentry/"


def sign_in(visitor: Visitor, role: Role) -> None:
    visitor.sign_in()
    User.objects.get(username="olive").groups.set([Group.objects.get(name=role)])
    visitor.open("/admin/")


def write(message: str) -> None:
    LogEntry.objects.create(
        user=User.objects.get(username="olive"),
        content_type=ContentType.objects.get_for_model(Notification),
        object_id="7",
        object_repr="email 7",
        action_flag=CHANGE,
        change_message=message,
    )


@pytest.mark.parametrize(
    ("role", "sees", "refused"),
    [
        (Role.VIEWER, "Queue", "/admin/rentals/customer/"),
        (Role.OPERATOR, "Queue", LOG),
        (Role.EDITOR, "Templates", "/admin/consent/customerconsent/"),
        (Role.COMPLIANCE, "Audit log", "/admin/auth/user/"),
        (Role.ADMINISTRATOR, "Users", "/admin/auth/permission/"),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, Role) else None,
)
def test_a_role_s_first_page_and_what_it_is_refused(
    visit: Visit, role: Role, sees: str, refused: str
) -> None:
    olive = visit()
    sign_in(olive, role)
    expect(olive.page.get_by_role("navigation").get_by_role("link", name=sees).first).to_be_visible()
    olive.shot("home")
    assert olive.page.locator(f"a[href='{refused}']").count() == 0
    olive.expected += ["403 (Forbidden)", "404 (Not Found)"]
    olive.open(refused)
    if role is not Role.ADMINISTRATOR:  # to whom nothing that has a page is closed
        expect(olive.page.get_by_role("heading", name="Not yours to do")).to_be_visible()
        olive.shot("refused")
        is_sound(olive)


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (400, True)])
def test_the_log_is_filtered_and_taken_away(visit: Visit, width: int, dark: bool) -> None:
    olive = visit(width=width, dark=dark)
    sign_in(olive, Role.COMPLIANCE)
    write("replay (3 of 5): provider was down")
    write("cancel: wrong season")
    olive.open(LOG)
    expect(olive.page.get_by_text("wrong season")).to_be_visible()
    olive.shot("all")
    is_sound(olive)
    olive.page.get_by_label("Words").fill("provider")
    olive.page.get_by_label("Words").press("Enter")
    expect(olive.page.get_by_text("provider was down")).to_be_visible()
    expect(olive.page.get_by_text("wrong season")).to_have_count(0)
    assert "words=provider" in olive.page.url
    with olive.page.expect_download() as download:
        olive.page.get_by_role("button", name="Export as CSV").press("Enter")
    assert "provider was down" in download.value.path().read_text("utf-8-sig")
    olive.page.get_by_label("Words").fill("ana@example.com")
    olive.page.get_by_role("button", name="Apply Filters").click()
    expect(olive.page.get_by_text("The audit log holds no addresses")).to_be_visible()
    assert "ana" not in olive.page.url
    olive.shot("refused")


def test_it_reads_french(visit: Visit) -> None:
    olive = visit(width=400)
    sign_in(olive, Role.COMPLIANCE)
    write("replay (3 of 5): provider was down")
    StaffPreference.objects.create(user=User.objects.get(username="olive"), language="fr")
    olive.open(LOG)
    expect(olive.page.get_by_text("3 sur 5")).to_be_visible()
    olive.shot("french")
    assert olive.fits()
