"""Each wrong setting of the gates is named, with what to write."""

import datetime as dt
from typing import Any

import pytest

from notifications.checks import check_settings


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("QUIET_HOURS", {"security": {"sms": "08:00-21:00"}}, "names “security”: only marketing and reminder may wait"),
        ("QUIET_HOURS", {"transactional": {}}, "names “transactional”"),
        ("QUIET_HOURS", {"reminder": {"inapp": "08:00-21:00"}}, "write email, sms or push"),
        ("QUIET_HOURS", {"reminder": {"sms": "8-21"}}, "for reminder by sms has “8-21”: write a window as 08:00-21:00"),
        ("QUIET_HOURS", {"reminder": "08:00-21:00"}, "for reminder is no dict"),
        ("QUIET_HOURS", "08:00-21:00", "is a str: write a dict"),
        ("FALLBACK_ZONES", ["Moncton"], "has “Moncton”: write an IANA name"),
        ("OPENING_SPREAD", 300, "write timedelta(minutes=5)"),
        ("RELEVANCE_RETRY", dt.timedelta(0), "write timedelta(minutes=5)"),
        ("RELEVANCE", {"booking.": "rentals.nowhere.bookings"}, "for “booking.” cannot be imported"),
        ("RELEVANCE", {"booking.": "rentals.relevance.bookings.uuid"}, "is no function"),
        ("CAPS", {"security": [(1, dt.timedelta(days=1))]}, "names “security”: only marketing and reminder may be capped"),
        ("CAPS", {"marketing": [(0, dt.timedelta(days=1))]}, "write (1, timedelta(days=1))"),
        ("CAPS", {"marketing": (1, 86400)}, "write (1, timedelta(days=1))"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named(key: str, value: Any, says: str, settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, key: value}
    (message, *_) = check_settings()
    assert str(message.msg).startswith(f'NOTIFICATIONS["{key}"] ')
    assert says in str(message.msg)
    assert message.id == "postroom.E009"


def test_the_defaults_and_what_the_documentation_shows_are_right(settings: Any) -> None:
    settings.NOTIFICATIONS = {"DIRECTORY": settings.NOTIFICATIONS["DIRECTORY"]}
    assert check_settings() == []
    settings.NOTIFICATIONS |= {
        "QUIET_HOURS": {"marketing": {"email": {"mon-fri": "08:00-21:00", "sat,sun": "10:00-18:00"}}},
        "CAPS": {"reminder": [(5, dt.timedelta(hours=1))]},
    }
    assert check_settings() == []
