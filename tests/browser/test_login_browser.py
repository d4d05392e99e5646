"""Signing in as a person does: too often, then with a code; setting it up by picture and key, narrow and in the dark."""

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.utils import timezone
from playwright.sync_api import expect

from config.doors import limits
from config.models import SecondFactor
from tests.browser.conftest import PASSWORD, Visitor
from tests.operators import operator_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Visitor]


def app_shows(secret: str) -> str:
    return TOTP(base64.b32decode(secret), 6, SHA1(), 30).generate(int(timezone.now().timestamp())).decode()


def fill(olive: Visitor, password: str, code: str = "") -> None:
    olive.open("/admin/login/?next=/admin/")
    olive.page.get_by_label("Username").fill("olive")
    olive.page.get_by_label("Password").fill(password)
    olive.page.get_by_label("Code").fill(code)
    olive.page.get_by_role("button", name="Log in").click()


def test_too_many_tries_are_told_to_wait(visit: Visit, settings: object) -> None:
    settings.LIMITS = limits()  # type: ignore[attr-defined]
    operator_user("*", username="olive", password=PASSWORD)
    olive = visit()
    for _ in range(5):
        fill(olive, "wrong")
        expect(olive.page.get_by_text("Please enter the correct username and password").first).to_be_visible()
    fill(olive, PASSWORD)
    expect(olive.page.get_by_text("Too many tries. Wait 15 minutes").first).to_be_visible()
    olive.shot("locked")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (400, True)])
def test_a_second_factor_from_the_menu_to_the_next_sign_in(visit: Visit, width: int, dark: bool) -> None:
    olive = visit(width=width, dark=dark)
    page = olive.page
    olive.sign_in("*")
    olive.open("/admin/two-step/")
    olive.shot("off")
    page.get_by_role("button", name="Set it up").click()
    picture = page.get_by_role("img", name="The key as a picture")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 100, "the policy lets it be drawn"
    secret = page.locator("code.pr-secret").inner_text()
    olive.shot("key")
    assert olive.fits()
    page.get_by_label("Code").fill(app_shows(secret))
    page.get_by_role("button", name="Turn it on").click()
    codes = page.locator("code.pr-secret").inner_text().split()
    assert len(codes) == 10
    olive.shot("codes")
    assert olive.fits()
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/admin/")

    other = visit(width=width, dark=dark)
    fill(other, PASSWORD)
    expect(other.page.get_by_text("Enter the code of your authenticator app as well").first).to_be_visible()
    other.shot("code-needed")
    assert other.fits()
    SecondFactor.objects.update(last_step=0)
    fill(other, PASSWORD, app_shows(secret))
    other.page.wait_for_url("**/admin/")
    fill(visit(), PASSWORD, codes[0])


def test_the_menu_leads_there(visit: Visit) -> None:
    olive = visit()
    olive.sign_in("*")
    assert olive.page.locator("a[href='/admin/two-step/']").count() >= 1
