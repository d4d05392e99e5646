"""The public pages as a mail program and a browser meet them: requests in, rows and HTML out."""

import datetime as dt
import re
import uuid
from collections.abc import Collection, Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from consent.addresses import blind_index
from consent.directory import Contact
from consent.models import ConsentEvent, CustomerConsent, Source, Suppression, UnsubscribeToken
from consent.preferences import current, grant, revoke
from consent.suppress import suppress
from consent.tokens import TokenRequest, issue_many

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ADDRESS = "jane.roe@example.com"

pytestmark = pytest.mark.django_db


class OneCustomer:
    """A directory that knows one person."""

    def customers(self, ids: Collection[str]) -> Mapping[str, Contact]:
        known = Contact("c1", "Jane", "Roe", email=ADDRESS, phone="+15065550123", locale="en")
        return {"c1": known} if "c1" in ids else {}


@pytest.fixture(autouse=True)
def surroundings(settings: Any) -> None:
    settings.NOTIFICATIONS = {
        **settings.NOTIFICATIONS,
        "DIRECTORY": f"{__name__}.OneCustomer",
        "COMPANY_NAME": "Fundy Rental",
    }
    settings.POSTAL_ADDRESS = "120 Main Street, Moncton"


@pytest.fixture
def browser() -> Client:
    """Checks CSRF as the real server does."""
    return Client(enforce_csrf_checks=True)


def token(**parts: Any) -> str:
    defaults: dict[str, Any] = {
        "customer_id": "c1",
        "channel": "email",
        "category": "marketing",
        "notification_id": uuid.UUID(int=7),
        "locale": "en",
    }
    [issued] = issue_many([TokenRequest(**(defaults | parts))], now=timezone.now())
    return issued


def agree(channel: str = "email", category: str = "marketing") -> None:
    at = timezone.now() - dt.timedelta(days=1)
    grant(customer_id="c1", channel=channel, category=category, source="web_form", actor="customer", at=at)


def is_on(channel: str = "email", category: str = "marketing") -> bool:
    state = current("c1").get((channel, category))
    return state is not None and state.enabled


class Form(HTMLParser):
    """What a browser would send for the first form of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.switches: dict[str, bool] = {}
        self.forms = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.forms += tag == "form"
        if tag == "input" and self.forms == 1:
            name = said["name"] or ""
            if said["type"] == "hidden":
                self.values[name] = said["value"] or ""
            else:
                self.switches[name] = "checked" in said

    def sent(self, **moved: bool) -> dict[str, str]:
        on = {name: "on" for name, position in (self.switches | moved).items() if position}
        return self.values | on | {"action": "save"}


def page_form(browser: Client, url: str) -> Form:
    return Form(browser.get(url).content.decode())


class TestOneClick:
    @pytest.mark.parametrize("as_multipart", [True, False])
    def test_a_mail_programs_post_withdraws_at_once(self, browser: Client, as_multipart: bool) -> None:
        agree()
        url = f"/u/{token()}"
        if as_multipart:
            response = browser.post(url, ONE_CLICK)
            assert response.request["CONTENT_TYPE"].startswith("multipart/form-data")
        else:
            response = browser.post(
                url, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
            )
        assert response.status_code == 200
        assert response.content == b"You are unsubscribed.\n"
        assert not is_on()

    def test_the_event_says_where_it_came_from(self, browser: Client) -> None:
        agree()
        browser.post(
            f"/u/{token()}", ONE_CLICK, headers={"User-Agent": "Mailer/1"}, REMOTE_ADDR="203.0.113.77"
        )
        event = ConsentEvent.objects.get(action="revoked")
        assert (event.source, event.actor, event.wording) == (Source.ONE_CLICK, "customer", None)
        assert event.evidence == {
            "notification_id": str(uuid.UUID(int=7)),
            "user_agent": "Mailer/1",
            "network": "203.0.113.0/24",
        }
        assert UnsubscribeToken.objects.get().used_at is not None

    def test_again_and_again_is_the_same_answer_and_one_event(self, browser: Client) -> None:
        agree()
        url = f"/u/{token()}"
        answers = [browser.post(url, ONE_CLICK) for _ in range(3)]
        assert {(answer.status_code, answer.content) for answer in answers} == {
            (200, b"You are unsubscribed.\n")
        }
        assert ConsentEvent.objects.filter(action="revoked").count() == 1

    def test_only_this_channel_and_category_stop(self, browser: Client) -> None:
        agree()
        agree("sms")
        agree("email", "reminder")
        browser.post(f"/u/{token()}", ONE_CLICK)
        assert not is_on()
        assert is_on("sms")
        assert is_on("email", "reminder")

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            (b"", "application/x-www-form-urlencoded"),
            (b"", ""),
            (b"{}", "application/json"),
            (b"not multipart at all", "multipart/form-data; boundary=x"),
            (b"no boundary", "multipart/form-data"),
            (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded; charset=utf-7"),
            (b"\xff\xfe", "application/x-www-form-urlencoded"),
            (b"&".join(b"a%d=1" % n for n in range(1500)), "application/x-www-form-urlencoded"),
        ],
    )
    def test_a_strange_body_does_not_keep_anybody_subscribed(
        self, browser: Client, body: bytes, kind: str
    ) -> None:
        agree()
        response = browser.post(f"/u/{token()}", body, content_type=kind)
        assert response.status_code == 200
        assert not is_on()

    def test_a_body_that_is_too_large_is_refused_unread(self, browser: Client) -> None:
        agree()
        response = browser.post(f"/u/{token()}", b"x" * (16 * 1024 + 1), content_type="text/plain")
        assert response.status_code == 413
        assert is_on()

    def test_https_is_answered_directly_in_live_settings(self, browser: Client, settings: Any) -> None:
        settings.SECURE_SSL_REDIRECT = True
        agree()
        assert browser.post(f"/u/{token()}", ONE_CLICK, secure=True).status_code == 200

    @pytest.mark.parametrize("lost", ["unknown", "expired"])
    def test_a_lost_token_changes_nothing(self, browser: Client, lost: str) -> None:
        agree()
        known = token()
        if lost == "expired":
            UnsubscribeToken.objects.update(expires_at=timezone.now())
        response = browser.post(f"/u/{known if lost == 'expired' else 'x' * 43}", ONE_CLICK)
        assert response.status_code == {"unknown": 404, "expired": 410}[lost]
        assert is_on()


class TestUnsubscribePage:
    @pytest.mark.parametrize("method", ["get", "head"])
    @pytest.mark.parametrize("path", ["/u/", "/preferences/"])
    def test_looking_never_acts(self, browser: Client, method: str, path: str) -> None:
        agree()
        url = path + token()
        statements: list[str] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            statements.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            response = getattr(browser, method)(url)
        assert response.status_code == 200
        assert statements
        assert all(sql.startswith("SELECT") for sql in statements)
        assert is_on()
        assert bool(response.content) is (method == "get")

    def test_it_has_one_button_that_says_what_it_does_and_it_works(self, browser: Client) -> None:
        agree()
        url = f"/u/{token()}"
        html = browser.get(url).content.decode()
        assert html.count("<button") == 1
        assert "Offers and news by e-mail" in html
        form = Form(html)
        response = browser.post(url, form.values)
        assert response.status_code == 200
        assert "<h1>You are unsubscribed</h1>" in response.content.decode()
        event = ConsentEvent.objects.get(action="revoked")
        assert event.wording is not None
        assert event.wording.locale == "en"
        assert event.wording.text == "Stop these messages?\nOffers and news by e-mail\nFundy Rental"

    def test_afterwards_it_says_so_until_the_customer_agrees_again(self, browser: Client) -> None:
        agree()
        url = f"/u/{token()}"
        browser.post(url, ONE_CLICK)
        assert b"<button" not in browser.get(url).content
        grant(
            customer_id="c1",
            channel="email",
            category="marketing",
            source="web_form",
            actor="customer",
            at=timezone.now(),
        )
        assert b"<button" in browser.get(url).content

    def test_a_reminder_that_was_never_decided_can_be_left(self, browser: Client) -> None:
        browser.post(f"/u/{token(category='reminder')}", ONE_CLICK)
        assert CustomerConsent.objects.get(category="reminder").enabled is False

    @pytest.mark.parametrize("category", ["security", "transactional"])
    def test_what_cannot_be_left_says_so_and_leads_to_the_rest(self, browser: Client, category: str) -> None:
        known = token(category=category)
        shown = browser.get(f"/u/{known}")
        assert shown.status_code == 200
        assert b"<button" not in shown.content
        assert f"/preferences/{known}?lang=en" in shown.content.decode()
        assert browser.post(f"/u/{known}", ONE_CLICK).status_code == 400
        assert not ConsentEvent.objects.exists()

    @pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
    def test_other_methods_are_refused_with_what_is_allowed(self, browser: Client, method: str) -> None:
        agree()
        response = getattr(browser, method)(f"/u/{token()}")
        assert response.status_code == 405
        assert response.headers["Allow"] == "GET, HEAD, POST"
        assert is_on()


class TestBothPages:
    @staticmethod
    def answers(browser: Client) -> dict[str, Any]:
        agree()
        known, old = token(), token()
        form = page_form(browser, f"/preferences/{known}").sent()
        found = {
            "question": browser.get(f"/u/{known}"),
            "left": browser.post(f"/u/{known}", {"from": "page"}),
            "one click": browser.post(f"/u/{known}", ONE_CLICK),
            "switches": browser.get(f"/preferences/{known}"),
            "saved": browser.post(f"/preferences/{known}", form),
            "unknown": browser.get("/u/nonsense"),
            "not allowed": browser.put(f"/u/{known}"),
            "too large": browser.post(f"/u/{known}", b"x" * 20_000, content_type="text/plain"),
        }
        UnsubscribeToken.objects.update(expires_at=timezone.now())
        return found | {"expired": browser.get(f"/preferences/{old}")}

    def test_no_answer_sets_or_depends_on_a_cookie(self, browser: Client) -> None:
        for name, response in self.answers(browser).items():
            assert not response.cookies, name
            assert "cookie" not in response.headers.get("Vary", "").lower(), name

    def test_no_answer_may_be_framed_cached_indexed_or_leak_its_address(self, browser: Client) -> None:
        for name, response in self.answers(browser).items():
            policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; "), name
            assert "frame-ancestors 'none'" in policy, name
            assert "unsafe" not in policy, name
            assert "script-src" not in policy, name
            assert response.headers["X-Frame-Options"] == "DENY", name
            assert response.headers["Referrer-Policy"] == "no-referrer", name
            assert response.headers["X-Robots-Tag"] == "noindex, nofollow", name
            assert response.headers["Cache-Control"] == "no-store", name
            assert response.headers["X-Content-Type-Options"] == "nosniff", name

    def test_every_page_stands_alone(self, browser: Client) -> None:
        for name, response in self.answers(browser).items():
            html = response.content.decode()
            if not response.headers["Content-Type"].startswith("text/html") or not html:
                continue
            assert "<script" not in html, name
            assert not re.search(r"""(?:src|href|action)=["']?(?:https?:)?//""", html), name
            assert not re.search(r"<[^>]+\sstyle=", html), name
            nonce = re.search(r"'nonce-([^']+)'", response.headers["Content-Security-Policy"])
            assert nonce is not None, name
            assert f'<style nonce="{nonce[1]}">' in html, name
            assert html.count("<h1>") == 1, name
            assert ADDRESS not in html, name
            assert "Jane" not in html, name

    def test_a_nonce_is_used_once(self, browser: Client) -> None:
        url = f"/u/{token()}"
        policies = {browser.get(url).headers["Content-Security-Policy"] for _ in range(3)}
        assert len(policies) == 3

    @pytest.mark.parametrize(
        ("locale", "query", "language", "heading"),
        [
            ("en", "", "en", "Stop these messages?"),
            ("fr", "", "fr", "Ne plus recevoir ces messages ?"),
            ("fr-ca", "", "fr", "Ne plus recevoir ces messages ?"),
            ("fr", "?lang=en", "en", "Stop these messages?"),
            ("en", "?lang=fr", "fr", "Ne plus recevoir ces messages ?"),
            ("fr", "?lang=tlh", "fr", "Ne plus recevoir ces messages ?"),
            ("tlh", "", "en", "Stop these messages?"),
        ],
    )
    def test_the_language_is_the_messages_unless_the_reader_chooses(
        self, browser: Client, locale: str, query: str, language: str, heading: str
    ) -> None:
        response = browser.get(
            f"/u/{token(locale=locale)}{query}", headers={"Accept-Language": "de, en;q=0.5"}
        )
        html = response.content.decode()
        assert f'<html lang="{language}">' in html
        assert f"<h1>{heading}</h1>" in html
        assert response.headers["Content-Language"] == language
        other = {"en": "fr", "fr": "en"}[language]
        assert f'href="?lang={other}" lang="{other}" hreflang="{other}"' in html

    def test_a_lost_page_speaks_the_browsers_language(self, browser: Client) -> None:
        response = browser.get("/u/nonsense", headers={"Accept-Language": "fr"})
        assert response.status_code == 404
        assert "Ce lien ne fonctionne pas" in response.content.decode()

    def test_the_answer_to_one_click_is_in_the_messages_language(self, browser: Client) -> None:
        response = browser.post(f"/u/{token(locale='fr')}", ONE_CLICK)
        assert response.content.decode() == "Vous êtes désabonné(e).\n"


class TestPreferences:
    def test_switches_show_what_stands(self, browser: Client) -> None:
        agree("sms")
        revoke(
            customer_id="c1",
            channel="push",
            category="reminder",
            source="api",
            actor="customer",
            at=timezone.now(),
        )
        assert page_form(browser, f"/preferences/{token()}").switches == {
            "reminder.email": True,
            "reminder.sms": True,
            "reminder.push": False,
            "marketing.email": False,
            "marketing.sms": True,
            "marketing.push": False,
        }

    def test_saving_records_what_was_moved_and_what_was_read(self, browser: Client) -> None:
        agree()
        url = f"/preferences/{token()}"
        form = page_form(browser, url).sent(**{"marketing.email": False, "marketing.sms": True})
        before = ConsentEvent.objects.count()
        response = browser.post(url, form)
        html = response.content.decode()
        assert response.status_code == 200
        assert "Offers and news by e-mail: <strong>off</strong>" in html
        assert "Offers and news by text message: <strong>on</strong>" in html
        assert (is_on("email"), is_on("sms")) == (False, True)
        assert ConsentEvent.objects.count() == before + 2
        event = ConsentEvent.objects.get(channel="sms")
        assert (event.source, event.actor) == (Source.PREFERENCE_PAGE, "customer")
        assert event.evidence["notification_id"] == str(uuid.UUID(int=7))
        shown = browser.get(url).content.decode()
        assert event.wording is not None
        for sentence in event.wording.text.split("\n"):
            assert sentence in shown

    def test_the_wording_is_kept_in_the_language_it_was_read_in(self, browser: Client) -> None:
        url = f"/preferences/{token()}?lang=fr"
        browser.post(url, page_form(browser, url).sent(**{"marketing.email": True}))
        shown = ConsentEvent.objects.get().wording
        assert shown is not None
        assert shown.locale == "fr"
        assert shown.text.startswith("Choisissez ce que Fundy Rental peut vous envoyer.")

    def test_saving_without_moving_records_nothing(self, browser: Client) -> None:
        url = f"/preferences/{token()}"
        response = browser.post(url, page_form(browser, url).sent())
        assert "Nothing was changed." in response.content.decode()
        assert not ConsentEvent.objects.exists()

    def test_sending_the_form_again_is_harmless(self, browser: Client) -> None:
        url = f"/preferences/{token()}"
        form = page_form(browser, url).sent(**{"marketing.email": True, "reminder.sms": False})
        for _ in range(2):
            assert browser.post(url, form).status_code == 200
        assert ConsentEvent.objects.count() == 2

    def test_a_page_left_open_cannot_undo_a_later_unsubscribe(self, browser: Client) -> None:
        """The form of yesterday, sent again by a reload, would switch on what was left in between."""
        known = token()
        url = f"/preferences/{known}"
        form = page_form(browser, url).sent(**{"marketing.email": True})
        browser.post(url, form)
        browser.post(f"/u/{known}", ONE_CLICK)
        response = browser.post(url, form)
        assert not is_on()
        assert "so they stay off" in response.content.decode()

    def test_a_switch_that_was_not_moved_stays_as_it_was_put_elsewhere(self, browser: Client) -> None:
        url = f"/preferences/{token()}"
        form = page_form(browser, url).sent(**{"reminder.sms": False})
        agree()
        browser.post(url, form)
        assert is_on("email", "marketing")
        assert not is_on("sms", "reminder")

    def test_a_page_left_open_can_still_switch_off(self, browser: Client) -> None:
        agree()
        url = f"/preferences/{token()}"
        form = page_form(browser, url).sent(**{"marketing.email": False})
        form["seen_at"] = "2001-01-01T00:00:00+00:00"
        browser.post(url, form)
        assert not is_on()

    @pytest.mark.parametrize("seen_at", ["", "yesterday", "2026-99-99T00:00:00Z", "2126-01-01T00:00:00"])
    def test_a_form_that_does_not_say_when_it_was_shown_switches_nothing_on(
        self, browser: Client, seen_at: str
    ) -> None:
        url = f"/preferences/{token()}"
        form = page_form(browser, url).sent(**{"marketing.email": True})
        assert browser.post(url, form | {"seen_at": seen_at}).status_code == 200
        assert not ConsentEvent.objects.exists()

    @pytest.mark.parametrize(
        "form", [{}, {"marketing.email": "on"}, {"was.marketing.email": "maybe"}, ONE_CLICK]
    )
    def test_a_form_that_is_not_ours_changes_nothing(self, browser: Client, form: dict[str, str]) -> None:
        agree("sms")
        assert browser.post(f"/preferences/{token()}", form).status_code == 200
        assert ConsentEvent.objects.count() == 1

    def test_mandatory_categories_have_no_switch_and_cannot_be_smuggled_in(self, browser: Client) -> None:
        url = f"/preferences/{token()}"
        form = page_form(browser, url)
        assert not any(name.startswith(("security", "transactional")) for name in form.switches)
        browser.post(url, form.sent() | {"was.security.email": "on"})
        assert not ConsentEvent.objects.exists()


class TestThisIsNotMe:
    def test_it_suppresses_the_address_and_leaves_the_customer_alone(self, browser: Client) -> None:
        agree()
        known = token(category="transactional", address_hmac=blind_index("email", ADDRESS))
        for _ in range(2):
            response = browser.post(f"/preferences/{known}", {"action": "not_me"})
            assert "We will not write to this address again." in response.content.decode()
        kept = Suppression.objects.get()
        assert (kept.address_hmac, kept.reason, kept.scope) == (
            blind_index("email", ADDRESS),
            "opted_out",
            "all",
        )
        assert is_on()

    def test_a_text_message_stops_the_number(self, browser: Client) -> None:
        browser.post(f"/preferences/{token(channel='sms')}", {"action": "not_me"})
        assert Suppression.objects.get().address_hmac == blind_index("sms", "+15065550123")

    def test_an_address_that_the_customer_has_left_behind_is_not_answered_by_stopping_the_new_one(
        self, browser: Client
    ) -> None:
        known = token(address_hmac=blind_index("email", "old@example.com"))
        assert browser.post(f"/preferences/{known}", {"action": "not_me"}).status_code == 200
        found = Suppression.objects.get()
        assert (found.address_hmac, found.address_hint) == (blind_index("email", "old@example.com"), "•••")

    @pytest.mark.parametrize("parts", [{"customer_id": "gone"}, {"channel": "push"}])
    def test_where_there_is_no_address_there_is_nothing_to_stop(self, browser: Client, parts: Any) -> None:
        assert browser.post(f"/preferences/{token(**parts)}", {"action": "not_me"}).status_code == 200
        assert not Suppression.objects.exists()

    def test_push_is_not_offered_it(self, browser: Client) -> None:
        assert b"not_me" in browser.get(f"/preferences/{token()}").content
        assert b"not_me" not in browser.get(f"/preferences/{token(channel='push')}").content


class TestNoCustomer:
    """Staff, and addresses of no record: there is no ledger, so the address itself leaves."""

    @property
    def guest(self) -> str:
        return blind_index("email", "guest@example.com")

    def link(self, **parts: Any) -> str:
        return token(customer_id="", category="reminder", address_hmac=self.guest, **parts)

    @pytest.mark.parametrize("body", [ONE_CLICK, {**ONE_CLICK, "from": "page"}], ids=["program", "button"])
    def test_one_click_stops_what_can_be_left_for_the_address(self, browser: Client, body: Any) -> None:
        known = self.link()
        assert b"Stop these messages?" in browser.get(f"/u/{known}").content
        for _ in range(2):
            assert browser.post(f"/u/{known}", body).status_code == 200
        found = Suppression.objects.get()
        assert (found.address_hmac, found.reason, found.scope) == (self.guest, "opted_out", "optional")
        assert b"You are unsubscribed" in browser.get(f"/u/{known}").content
        assert not ConsentEvent.objects.exists()

    def test_the_preference_page_has_no_switch_and_can_be_told_that_it_is_not_me(
        self, browser: Client
    ) -> None:
        known = self.link()
        page = browser.get(f"/preferences/{known}").content.decode()
        assert 'type="checkbox"' not in page
        assert "<details open>" in page
        assert browser.post(f"/preferences/{known}", {"action": "not_me"}).status_code == 200
        assert Suppression.objects.get().scope == "all"

    def test_a_form_with_switches_changes_nothing(self, browser: Client) -> None:
        form = {
            "action": "save",
            "was.marketing.email": "off",
            "marketing.email": "on",
            "seen_at": timezone.now().isoformat(),
        }
        assert browser.post(f"/preferences/{self.link()}", form).status_code == 200
        assert not ConsentEvent.objects.exists()
        assert not CustomerConsent.objects.exists()


def test_a_number_that_answered_stop_is_told_how_to_come_back(browser: Client, settings: Any) -> None:
    settings.TWILIO_FROM = "+15065550100"
    url = f"/preferences/{token()}"
    assert b"answered STOP" not in browser.get(url).content
    suppress(channel="sms", address="+15065550123", reason="opted_out")
    assert "text START to +15065550100" in browser.get(url).content.decode()
    assert "envoyez START au +15065550100" in browser.get(f"{url}?lang=fr").content.decode()
    assert b"answered STOP" not in browser.get(f"/preferences/{token(customer_id='gone')}").content
