"""Double opt-in: a form's wish allows nothing; only who gets the message at that address can say yes, by pressing a button."""

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consent.chain import faults
from consent.checks import double_opt_in_can_be_asked
from consent.models import ConfirmRequest, ConsentEvent, CustomerConsent
from consent.preferences import ConsentError, current, grant, request, revoke
from consent.rebuild import drifts
from consent.tokens import TokenRequest, issue_many
from notifications.enqueue import notify
from notifications.models import Notification
from notifications.privacy.erase import erase
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory
from tests.operators import operator, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates", "asking")]
LINK = re.compile(r"https?://[^\s\"<>]+(/confirm/[A-Za-z0-9_-]{43})")
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def asking(settings: Any) -> None:
    """As it is by default: marketing by e-mail asks for it."""
    settings.NOTIFICATIONS = {k: v for k, v in settings.NOTIFICATIONS.items() if k != "DOUBLE_OPT_IN"}


@pytest.fixture
def customer_id() -> str:
    return str(CustomerFactory.create(email="hanna.roe@example.com").pk)


def wish(customer_id: str, **changes: Any) -> ConsentEvent | None:
    given: dict[str, Any] = {
        "customer_id": customer_id, "channel": "email", "category": "marketing", "source": "web_form",
        "actor": "customer", "at": timezone.now(), "wording": "Send me offers.", "locale": "en",
    }  # fmt: skip
    return request(**(given | changes))


def link(sandbox: SandboxServer) -> str:
    """The path behind the button of the message that arrived."""
    drain()
    [message] = sandbox.messages(provider="sendgrid")
    found = LINK.search(str(sandbox.message(message["id"])))
    assert found is not None
    return found[1]


def stands(customer_id: str) -> bool:
    state = current(customer_id).get(("email", "marketing"))
    return state is not None and state.enabled


def offer(customer_id: str) -> str:
    result = notify(
        to=customer_id, channel="email", category="marketing", subject="Offers", body="Ten percent."
    )
    return Notification.objects.get(pk=(result.queued or result.withheld)[0].id).status


def test_from_the_form_to_the_first_offer(customer_id: str, sandbox: SandboxServer) -> None:
    asked = wish(customer_id)
    assert asked is not None
    assert asked.action == "requested"
    assert not stands(customer_id)
    assert offer(customer_id) == "cancelled"
    path = link(sandbox)
    page = Client().get(path)
    assert page.status_code == 200
    assert "Offers and news by e-mail" in page.content.decode()
    assert not stands(customer_id)
    answer = Client(enforce_csrf_checks=True).post(path)
    assert "Thank you, it is confirmed" in answer.content.decode()
    assert stands(customer_id)
    assert offer(customer_id) == "queued"
    confirmed = ConsentEvent.objects.get(action="confirmed")
    assert confirmed.evidence["requested"] == str(asked.pk)
    assert CustomerConsent.objects.get().event_id == confirmed.pk
    assert confirmed.wording is not None
    assert confirmed.wording.text.startswith(
        "Do you want to receive these messages?\nOffers and news by e-mail"
    )
    assert (faults([customer_id]), drifts([customer_id])) == ([], [])


def test_the_token_is_kept_nowhere(customer_id: str, sandbox: SandboxServer) -> None:
    wish(customer_id)
    token = link(sandbox).rpartition("/")[2]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT q::text FROM notification_queue AS q UNION ALL SELECT r::text FROM consent_requests AS r"
        )
        assert not [row for (row,) in cursor.fetchall() if token in row]


def test_looking_is_no_answer_however_often(customer_id: str, sandbox: SandboxServer) -> None:
    wish(customer_id)
    path = link(sandbox)
    for method in ("get", "head", "get"):
        getattr(Client(), method)(path)
    assert not stands(customer_id)
    assert Client().put(path).status_code == 405


def test_pressing_twice_is_once(customer_id: str, sandbox: SandboxServer) -> None:
    wish(customer_id)
    path = link(sandbox)
    for _ in range(2):
        assert "it is confirmed" in Client().post(path).content.decode()
    assert "it is confirmed" in Client().get(path).content.decode()
    assert ConsentEvent.objects.filter(action="confirmed").count() == 1


def test_a_link_that_is_too_old_confirms_nothing(customer_id: str, sandbox: SandboxServer) -> None:
    wish(customer_id)
    path = link(sandbox)
    ConfirmRequest.objects.update(expires_at=timezone.now() - HOUR)
    answer = Client().post(path)
    assert answer.status_code == 410
    assert "Nothing was confirmed" in answer.content.decode()
    assert not stands(customer_id)


def test_it_lives_for_seven_days_or_what_the_setting_says(customer_id: str, settings: Any) -> None:
    now = timezone.now()
    wish(customer_id, at=now)
    assert ConfirmRequest.objects.get().expires_at == now + dt.timedelta(days=7)
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "CONFIRM_WITHIN": dt.timedelta(days=2)}
    wish(customer_id, at=now + 2 * HOUR)
    assert ConfirmRequest.objects.latest("asked_at").expires_at == now + 2 * HOUR + dt.timedelta(days=2)


@pytest.mark.parametrize("path", ["/confirm/" + "a" * 43, "/confirm/short", "/confirm/" + "b" * 4000])
def test_an_unknown_link_says_what_to_do(path: str) -> None:
    answer = Client().post(path)
    assert answer.status_code == 404
    assert "This link does not work" in answer.content.decode()


def test_who_withdrew_after_asking_stays_out_though_the_old_link_is_pressed(
    customer_id: str, sandbox: SandboxServer
) -> None:
    wish(customer_id)
    path = link(sandbox)
    said: dict[str, Any] = {"customer_id": customer_id, "channel": "email", "category": "marketing"}
    revoke(**said, source="one_click", actor="customer", at=timezone.now())
    assert "they stay off" in Client().post(path).content.decode()
    assert not stands(customer_id)


def test_a_link_to_the_mailbox_switches_nothing_on_for_the_phone_before_the_phone_is_asked(
    customer_id: str, settings: Any
) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "DOUBLE_OPT_IN": {"marketing": ("email", "sms")}}
    assert "Not on yet" in everything_on(customer_id)
    on = {channel for (channel, _), state in current(customer_id).items() if state.enabled}
    assert on == {"email", "push"}
    assert ConsentEvent.objects.get(channel="sms").action == "requested"
    assert Notification.objects.filter(template__name="consent.confirm", channel="sms").exists()
    assert "Nothing was changed" in everything_on("gone", channels=("sms",))
    assert current("gone") == {}


def everything_on(who: str, channels: tuple[str, ...] = ("email", "sms", "push")) -> str:
    """The preference page of an e-mail's link, saved with marketing on for these channels."""
    [token] = issue_many([TokenRequest(who, "email", "marketing", None, "en")], now=timezone.now())
    form = {
        "seen_at": timezone.now().isoformat(),
        **{f"was.marketing.{channel}": "off" for channel in channels},
        **{f"marketing.{channel}": "on" for channel in channels},
    }
    return Client().post(f"/preferences/{token}", form).content.decode()


def test_who_was_out_before_and_says_no_again_after_asking_stays_out_too(
    customer_id: str, sandbox: SandboxServer
) -> None:
    said: dict[str, Any] = {"customer_id": customer_id, "channel": "email", "category": "marketing"}
    revoke(**said, source="one_click", actor="customer", at=timezone.now() - HOUR)
    wish(customer_id)
    path = link(sandbox)
    assert revoke(**said, source="one_click", actor="customer", at=timezone.now())
    assert revoke(**said, source="one_click", actor="customer", at=timezone.now()) is None
    assert "they stay off" in Client().post(path).content.decode()
    assert not stands(customer_id)


def test_who_withdrew_after_asking_can_ask_again_at_once(customer_id: str) -> None:
    now = timezone.now()
    said: dict[str, Any] = {"customer_id": customer_id, "channel": "email", "category": "marketing"}
    wish(customer_id, at=now)
    revoke(**said, source="one_click", actor="customer", at=now + HOUR / 6)
    assert wish(customer_id, at=now + HOUR / 3)
    assert wish(customer_id, at=now + HOUR / 2) is None


def test_a_form_that_is_sent_ten_times_asks_once_an_hour(customer_id: str) -> None:
    now = timezone.now()
    assert wish(customer_id, at=now)
    assert [wish(customer_id, at=now + dt.timedelta(minutes=n)) for n in range(1, 10)] == [None] * 9
    assert Notification.objects.filter(template__name="consent.confirm").count() == 1
    assert wish(customer_id, at=now + 2 * HOUR)
    assert Notification.objects.filter(template__name="consent.confirm").count() == 2


def test_who_has_confirmed_already_is_not_asked_again(customer_id: str, sandbox: SandboxServer) -> None:
    wish(customer_id)
    Client().post(link(sandbox))
    assert wish(customer_id, at=timezone.now() + 2 * HOUR) is None


def test_the_page_and_the_message_speak_french(sandbox: SandboxServer) -> None:
    customer = CustomerFactory.create(locale="fr")
    wish(str(customer.pk), locale="fr")
    page = Client().get(link(sandbox))
    assert page.headers["Content-Language"] == "fr"
    assert "Voulez-vous recevoir ces messages?" in page.content.decode()
    assert "À confirmer" in str(sandbox.messages())


def test_the_page_keeps_its_url_secret(customer_id: str, sandbox: SandboxServer) -> None:
    wish(customer_id)
    page = Client().get(link(sandbox))
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert not page.cookies


def test_who_is_erased_cannot_be_confirmed_any_more(customer_id: str, sandbox: SandboxServer) -> None:
    wish(customer_id)
    path = link(sandbox)
    erase(customer_id, by="staff:1", reason="They asked for it.", now=timezone.now())
    assert Client().post(path).status_code == 404
    assert not stands(customer_id)


@pytest.mark.parametrize("source", ["web_form", "api", "admin"])
def test_a_bare_grant_of_what_anybody_may_have_typed_is_refused(customer_id: str, source: str) -> None:
    with pytest.raises(ConsentError, match=r"call request\(\)") as refused:
        grant(
            customer_id=customer_id, channel="email", category="marketing", source=source, actor="customer",
            at=timezone.now(),
        )  # fmt: skip
    assert refused.value.code == "consent.unconfirmed"


@pytest.mark.parametrize(
    ("source", "channel"), [("preference_page", "email"), ("import", "email"), ("web_form", "sms")]
)
def test_what_comes_from_the_address_itself_or_asks_for_nothing_is_granted_at_once(
    customer_id: str, source: str, channel: str
) -> None:
    event = grant(
        customer_id=customer_id, channel=channel, category="marketing", source=source, actor="customer",
        at=timezone.now(),
    )  # fmt: skip
    assert event is not None
    assert event.action == "granted"


def test_where_nothing_has_to_be_confirmed_a_request_is_a_grant(customer_id: str) -> None:
    event = wish(customer_id, channel="sms")
    assert event is not None
    assert event.action == "granted"
    assert not Notification.objects.exists()


def test_it_shares_the_fate_of_its_message(settings: Any) -> None:
    with pytest.raises(Exception, match="Nobody has the customer_id"):
        wish("00000000-0000-0000-0000-000000000000")
    assert not ConsentEvent.objects.exists()
    assert not ConfirmRequest.objects.exists()


def test_an_operators_grant_asks_the_customer(customer_id: str) -> None:
    page = operator("consent.change_customerconsent", "consent.view_customerconsent").post(
        reverse("admin:consent_customerconsent_add"),
        {"customer_id": customer_id, "channel": "email", "category": "marketing", "decision": "grant",
         "how": "phone", "reason": "Said so on the phone"},
        follow=True,
    )  # fmt: skip
    assert [text for text in told(page) if "asked to confirm" in text]
    assert ConsentEvent.objects.get().action == "requested"
    assert not CustomerConsent.objects.exists()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"DOUBLE_OPT_IN": {"reminder": ["email"]}}, "only marketing need a grant"),
        ({"DOUBLE_OPT_IN": {"marketing": ["push"]}}, "a link is sent by email or sms"),
        ({"DOUBLE_OPT_IN": {"marketing": "email"}}, "a link is sent by email or sms"),
        ({"DOUBLE_OPT_IN": ["marketing"]}, "is no dict"),
        ({"CONFIRM_WITHIN": 7}, "no such length of time"),
        ({"SEND_CONFIRMATION": "nowhere.at_all"}, "cannot be imported"),
    ],
)
def test_a_wrong_setting_is_told(setting: dict[str, Any], said: str, settings: Any) -> None:
    assert double_opt_in_can_be_asked(None) == []
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, **setting}
    [error] = double_opt_in_can_be_asked(None)
    assert said in error.msg
