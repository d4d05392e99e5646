"""The doors that providers come through: what is not signed, not readable or not theirs gets a short no, and never a 500."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from notifications.models import ProviderEvent
from notifications.webhooks import twilio_form
from tests.notification_factories import NotificationFactory
from tests.webhooks import twilio_post

pytestmark = pytest.mark.django_db
STATUS = "/webhooks/twilio/status/"
DELIVERED = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+15065550123"}


@pytest.fixture
def bare() -> Client:
    """A client that insists on CSRF tokens where one is needed, and shows a 500 instead of raising."""
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def test_a_signed_status_is_stored_once_however_often_it_comes(bare: Client) -> None:
    row = NotificationFactory.create(channel="sms", status="sent")
    for _ in range(3):
        assert twilio_post(bare, f"{STATUS}?notification_id={row.pk}", DELIVERED).status_code == 200
    event = ProviderEvent.objects.get()
    assert (event.event_id, event.event_type, event.notification_id) == ("SM1:delivered", "delivered", row.pk)
    assert event.applied_at is None


def test_no_column_of_an_event_holds_the_number(bare: Client) -> None:
    twilio_post(bare, STATUS, DELIVERED)
    stored = str(ProviderEvent.objects.values().get())
    assert "5550123" not in stored
    assert ProviderEvent.objects.get().address_hint == "+1•••••0123"


@pytest.mark.parametrize(
    "change",
    [
        {"signature": ""},
        {"signature": "AAAA"},
        {"token": "another token"},
        {"signed_url": "https://elsewhere.example/webhooks/twilio/status/"},
        {"sent": {**DELIVERED, "MessageStatus": "failed"}},
        {"sent": {**DELIVERED, "ErrorCode": "30005"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_twilio_did_not_sign_is_refused(change: dict[str, Any], bare: Client) -> None:
    assert twilio_post(bare, STATUS, DELIVERED, **change).status_code == 403
    assert not ProviderEvent.objects.exists()


def test_the_id_in_the_address_is_signed_too(bare: Client) -> None:
    row = NotificationFactory.create()
    response = twilio_post(
        bare,
        f"{STATUS}?notification_id={row.pk}",
        DELIVERED,
        signed_path=f"{STATUS}?notification_id={NotificationFactory.create().pk}",
    )
    assert response.status_code == 403


def test_the_address_is_signed_as_twilio_sees_it_whatever_the_proxy_makes_of_it(
    bare: Client, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://rental.example"
    settings.ALLOWED_HOSTS = ["*"]
    response = twilio_post(bare, STATUS, DELIVERED, headers={"Host": "10.0.0.7:8000"})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b"%",
        b"=&=&&",
        b"a=%00",
        b"{}",
        b"a=b&" * 2000,
    ],
    ids=repr,
)
def test_a_body_that_is_no_form_of_twilios_is_refused_even_when_signed(body: bytes, bare: Client) -> None:
    assert twilio_post(bare, STATUS, body).status_code in (400, 403)
    assert not ProviderEvent.objects.exists()


def test_a_body_that_is_too_large_is_not_read_to_its_end(bare: Client) -> None:
    response = twilio_post(bare, STATUS, {"MessageSid": "S" * twilio_form.BIGGEST})
    assert response.status_code == 413


@pytest.mark.parametrize(
    "form",
    [
        {"MessageSid": "", "MessageStatus": "sent"},
        {"MessageSid": "SM1"},
        {"MessageSid": "S" * 201, "MessageStatus": "sent"},
    ],
    ids=str,
)
def test_a_form_without_a_message_is_refused(form: dict[str, str], bare: Client) -> None:
    assert twilio_post(bare, STATUS, form).status_code == 400


def test_a_status_that_nobody_knows_is_no_error(bare: Client) -> None:
    assert twilio_post(bare, STATUS, {**DELIVERED, "MessageStatus": "pondering"}).status_code == 200
    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize("junk", ["", "x", "1" * 5000, "None", "{}"])
def test_an_id_that_is_none_leaves_the_reference(junk: str, bare: Client) -> None:
    path = f"{STATUS}?{urlencode({'notification_id': junk})}"
    assert twilio_post(bare, path, {**DELIVERED, "To": "not a number"}).status_code == 200
    event = ProviderEvent.objects.get()
    assert (event.notification_id, event.reference, event.address_hmac) == (None, "SM1", "")


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "options"])
def test_only_post_is_taken(method: str, bare: Client) -> None:
    response = getattr(bare, method)(STATUS)
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_without_a_token_nothing_can_be_verified_and_twilio_is_told_to_come_again(
    bare: Client, settings: Any
) -> None:
    settings.TWILIO_AUTH_TOKEN = ""
    assert twilio_post(bare, STATUS, DELIVERED, token="").status_code == 503
