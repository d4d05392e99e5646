"""A missing or malformed setting is named, with what to write instead."""

from typing import Any

import pytest

from notifications.breaker import BreakerPolicy
from notifications.checks import check_settings


def said(settings: Any) -> str:
    return "\n".join(str(message.msg) for message in check_settings())


def test_the_sandbox_needs_nothing(settings: Any) -> None:
    assert check_settings() == []


@pytest.mark.parametrize(
    "name",
    [
        "PUBLIC_URL",
        "EMAIL_FROM",
        "POSTAL_ADDRESS",
        "TWILIO_AUTH_TOKEN",
        "VAPID_PRIVATE_KEY",
        "STRIPE_API_KEY",
    ],
)
def test_live_mode_names_what_is_missing(name: str, settings: Any) -> None:
    settings.SANDBOX, settings.POSTROOM_MODE = False, "live"
    setattr(settings, name, "")
    assert f"{name} is missing: set it to" in said(settings)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("POSTROOM_MODE", "prod", "POSTROOM_MODE is “prod”: write sandbox or live"),
        ("PUBLIC_URL", "rental.example", "PUBLIC_URL is “rental.example”: write a whole address"),
        ("EMAIL_FROM", "Fundy <hello>", "EMAIL_FROM is not an address for email"),
        ("TWILIO_FROM", "12", "TWILIO_FROM is not an address for sms"),
        ("VAPID_PRIVATE_KEY", "???", "VAPID_PRIVATE_KEY cannot be read"),
        ("VAPID_SUBJECT", "me@rental.example", "VAPID_SUBJECT must begin with mailto:"),
        ("SERVICE_TOKENS", ["ci:secret"], "SERVICE_TOKENS entry 1 is not name:sha256"),
        (
            "NOTIFICATIONS",
            {"DIRECTORY": "nowhere.Directory"},
            'NOTIFICATIONS["DIRECTORY"] cannot be imported',
        ),
        ("NOTIFICATIONS", {}, 'NOTIFICATIONS["DIRECTORY"] is missing'),
        (
            "NOTIFICATIONS",
            {"RATE_LIMITS": {"sms": "10 per second"}},
            'NOTIFICATIONS["RATE_LIMITS"]["sms"] is wrong: “10 per second” is no rate',
        ),
        (
            "NOTIFICATIONS",
            {"RATE_LIMITS": {"fax": "1/s"}},
            'NOTIFICATIONS["RATE_LIMITS"]["fax"] names no channel',
        ),
        (
            "NOTIFICATIONS",
            {"BREAKER": 20},
            'NOTIFICATIONS["BREAKER"] is no notifications.breaker.BreakerPolicy',
        ),
        (
            "NOTIFICATIONS",
            {"BREAKER": BreakerPolicy(threshold=0)},
            'NOTIFICATIONS["BREAKER"] needs threshold ≥ 1',
        ),
    ],
)
def test_a_malformed_setting_is_named(name: str, value: Any, says: str, settings: Any) -> None:
    setattr(settings, name, value)
    assert says in said(settings)


def test_live_mode_refuses_plain_http(settings: Any) -> None:
    settings.SANDBOX = False
    settings.PUBLIC_URL = "http://rental.example"
    assert "PUBLIC_URL must begin with https:// in live mode" in said(settings)
