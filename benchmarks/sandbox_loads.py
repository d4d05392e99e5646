"""The requests with which the sandbox is measured. A server's address comes in, numbered requests as bytes go
out. Each is shaped as the real client shapes it, and every message is a new one: a duplicate would be counted
as a fault."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from sandbox import keys, push_keys


@dataclass(frozen=True)
class Load:
    """One kind of request, with the status it must get; `body(number)` makes every message a new one."""

    name: str
    path: str
    headers: dict[str, str]
    body: Callable[[int], bytes]
    status: int

    def request(self, number: int, host: str) -> bytes:
        """The bytes of the request with this number."""
        body = self.body(number)
        headers = {"Host": host, **self.headers, "Content-Length": str(len(body))}
        lines = [
            f"POST {self.path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
            "",
            "",
        ]
        return "\r\n".join(lines).encode() + body


def mail(number: int) -> bytes:
    """A mail send of about 3 KB, shaped as Anymail shapes it."""
    paragraph = (
        "<p style='margin:0 0 16px'>Your excavator CAT 320 is ready at 7:30. Please bring your licence.</p>"
    )
    envelope = {
        "to": [{"email": f"customer-{number}@example.com", "name": "Ada Lovelace"}],
        "custom_args": {
            "notification_id": f"8f14e45f-ceea-467f-a8f7-{number:012d}",
            "anymail_id": f"c9f0-{number}",
        },
    }
    message = {
        "personalizations": [envelope],
        "headers": {
            "List-Unsubscribe": f"<https://rentals.example/u/{number:043d}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        "from": {"email": "rentals@example.com", "name": "Fundy Rentals"},
        "subject": "Pickup tomorrow at 7:30",
        "content": [
            {"type": "text/plain", "value": "Your excavator is ready. " * 20},
            {"type": "text/html", "value": f"<!doctype html><html><body>{paragraph * 18}</body></html>"},
        ],
        "categories": ["booking_reminders"],
        "tracking_settings": {"click_tracking": {"enable": False}},
    }
    return json.dumps(message).encode()


def text(number: int) -> bytes:
    """A text message of one segment."""
    form = {
        "To": f"+1506{2_000_000 + number % 7_999_999}",
        "From": keys.TWILIO_FROM,
        "Body": "Your excavator is ready at 7:30. Reply STOP to opt out.",
        "StatusCallback": f"http://127.0.0.1:8000/webhooks/twilio/status/?notification_id=8f14e45f-{number}",
    }
    return urlencode(form).encode()


def bare(url: str) -> Load:
    """The limit: a mail send whose body nobody reads."""
    return replace(mail_send(url), name="bare HTTP, same body (404)", path="/sendgrid/v3/none", status=404)


def mail_send(_: str) -> Load:
    """SendGrid, as Anymail calls it."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "python-requests",
        "Accept": "application/json",
    }
    headers["Authorization"] = f"Bearer {keys.sendgrid_api_key()}"
    return Load("SendGrid mail send", "/sendgrid/v3/mail/send", headers, mail, 202)


def text_message(_: str) -> Load:
    """Twilio, as its library calls it."""
    account = keys.twilio_account_sid()
    basic = base64.b64encode(f"{account}:{keys.twilio_auth_token()}".encode()).decode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {basic}"}
    return Load("Twilio message", f"/twilio/2010-04-01/Accounts/{account}/Messages.json", headers, text, 201)


def push_message(url: str) -> Load:
    """A push service, with one VAPID token for all messages, as a sender reuses it."""
    subscription = push_keys.subscription("benchmark", url)
    point, auth = (keys.base64url_decode(subscription["keys"][name]) for name in ("p256dh", "auth"))
    claims = {"aud": url, "exp": int(time.time()) + 3600, "sub": "mailto:ops@example.com"}
    sender = ec.generate_private_key(ec.SECP256R1())

    def encrypted(number: int) -> bytes:
        payload = json.dumps({"id": f"n-{number}", "title": "Pickup tomorrow", "body": "At 7:30."}).encode()
        body: bytes = http_ece.encrypt(
            payload, private_key=sender, dh=point, auth_secret=auth, version="aes128gcm"
        )
        return body

    headers = {
        "TTL": "60",
        "Content-Encoding": "aes128gcm",
        **Vapid02.from_string(keys.vapid_private_key()).sign(claims),
    }
    return Load("Web push message", urlsplit(subscription["endpoint"]).path, headers, encrypted, 201)


LOADS: list[Callable[[str], Load]] = [bare, mail_send, text_message, push_message]
