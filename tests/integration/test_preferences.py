"""The admin in its reader's time zone and language; everything else stays as it was."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from config.models import StaffPreference
from notifications.models import SendingDay
from tests.notification_factories import NotificationFactory
from tests.operators import QUEUE, VIEW, operator, operator_user, seen, told

pytestmark = pytest.mark.django_db
PAGE = "/admin/preferences/"
AT = dt.datetime(2026, 11, 20, 17, 30, tzinfo=dt.UTC)


def choose(client: Client, **chosen: str) -> Any:
    return client.post(PAGE, {"time_zone": "", "language": "", **chosen}, follow=True)


def test_a_list_shows_times_in_the_zone_that_was_chosen() -> None:
    NotificationFactory.create(scheduled_at=AT)
    client = operator(VIEW)
    assert "2026-11-20 13:30" in seen(client.get(QUEUE)), "the business's"
    page = choose(client, time_zone="Asia/Kolkata")
    assert told(page) == ["Saved. Times are in Asia/Kolkata."]
    assert "Asia/Kolkata IST" in seen(page)
    assert "2026-11-20 23:00" in seen(client.get(QUEUE))
    assert timezone.get_current_timezone_name() == "America/Moncton", "it ends with the request"


def test_it_is_each_person_s_own() -> None:
    NotificationFactory.create(scheduled_at=AT)
    choose(operator(VIEW), time_zone="Asia/Kolkata")
    assert "2026-11-20 13:30" in seen(operator(VIEW).get(QUEUE))


def test_the_pages_are_in_the_language_that_was_chosen_whatever_the_browser_asks_for() -> None:
    client = operator(VIEW)
    assert "Préférences" in seen(choose(client, language="fr"))
    page = client.get(QUEUE, headers={"accept-language": "en"})
    assert (page["Content-Language"], "Bienvenue" in seen(page) or "Messages" in seen(page)) == ("fr", True)
    assert 'lang="fr"' in page.content.decode()
    assert 'lang="en"' in client.get("/preferences/x").content.decode(), "a customer's page is the customer's"


def test_without_a_choice_the_browser_says_the_language() -> None:
    page = operator(VIEW).get(PAGE, headers={"accept-language": "fr"})
    assert page["Content-Language"] == "fr"
    assert "Fuseau horaire" in seen(page)


def test_the_menu_switches_the_language_and_leads_back() -> None:
    client = operator(VIEW)
    choose(client, time_zone="Asia/Kolkata")
    page = client.post(
        "/admin/language/", {"language": "fr"}, headers={"referer": f"http://testserver{QUEUE}?x=1"}
    )
    assert page["Location"] == f"http://testserver{QUEUE}?x=1"
    row = StaffPreference.objects.get()
    assert (row.language, row.time_zone) == ("fr", "Asia/Kolkata")
    page = client.post(
        "/admin/language/", {"language": "en"}, headers={"referer": "https://elsewhere.example/"}
    )
    assert page["Location"] == "/admin/"
    assert client.post("/admin/language/", {"language": "xx"}).status_code == 302
    assert StaffPreference.objects.get().language == "en"
    assert client.get("/admin/language/").status_code == 405


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Etc/GMT+4"])
def test_a_zone_that_is_no_place_is_refused_in_words(zone: str) -> None:
    page = choose(operator(VIEW), time_zone=zone)
    assert "Choose a time zone of the list." in seen(page)
    assert not StaffPreference.objects.exists()


def test_a_zone_that_is_known_no_more_is_the_business_s() -> None:
    user = operator_user(VIEW)
    StaffPreference.objects.create(user=user, time_zone="America/Atlantis")
    client = Client()
    client.force_login(user)
    assert "America/Moncton A" in seen(client.get(PAGE))


def test_a_detail_page_writes_dates_as_lists_do() -> None:
    user = operator_user("auth.view_user")
    type(user).objects.filter(pk=user.pk).update(last_login=AT)
    client = Client()
    client.force_login(user)
    type(user).objects.filter(pk=user.pk).update(last_login=AT)
    for language in ("en", "fr"):
        with translation.override(language):
            page = client.get(f"/admin/auth/user/{user.pk}/change/", headers={"accept-language": language})
        assert "2026-11-20 13:30" in seen(page)


def test_the_api_answers_in_utc_whoever_asks() -> None:
    row = NotificationFactory.create(scheduled_at=AT)
    client = operator(VIEW)
    choose(client, time_zone="Asia/Kolkata")
    answer = client.get(f"/api/admin/notifications/{row.pk}").json()
    assert answer["data"]["scheduled_at"].startswith("2026-11-20T17:30:00")


def test_a_stranger_chooses_nothing() -> None:
    for path in (PAGE, "/admin/language/"):
        assert Client().post(path, {"language": "fr"})["Location"].startswith("/admin/login/")
    assert not StaffPreference.objects.exists()


def test_a_report_that_is_applied_again_counts_for_the_business_s_day() -> None:
    from notifications.complaints import _add

    late = dt.datetime(2026, 11, 21, 3, 0, tzinfo=dt.UTC)  # 23:00 of the 20th in Moncton
    with timezone.override("Asia/Kolkata"):
        _add({(NotificationFactory.create().pk, "delivered"): late})
    assert SendingDay.objects.get().day == dt.date(2026, 11, 20)
