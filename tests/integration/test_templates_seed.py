"""The texts that Postroom brings: complete in both languages, within one SMS, lawful, and readable."""

import re
from itertools import product
from typing import Any

import pytest

from consent.policy import OPTIONAL, Category
from templates_app.engine import OPTIONAL_PARTS, PARTS
from templates_app.lookup import check_payload, compiled, published
from templates_app.samples import sample_context
from templates_app.seed_files import SEED, read_seed
from templates_app.segments import segments

ALL = ("email", "sms", "push", "inapp")
SIGNING = {
    "contract_number": "text",
    "booking_number": "text",
    "equipment": "text",
    "expires_at": "datetime",
    "contract_url": "url",
}
STAFF = ("email", "push", "inapp")
INCIDENTS = (
    "failed_logins_by_address",
    "failed_logins_by_account",
    "privilege_change_after_hours",
    "bulk_export",
    "session_in_two_networks",
    "first_secret_read",
)
INCIDENT_FACTS = ("incidents", "count", "minutes", "network", "changes", "rows", "usual", "networks")
# What callers rely on: category, channels, and the payload that the jobs pass.
CONTRACT: dict[str, tuple[str, tuple[str, ...], dict[str, str]]] = {
    "alert.overdue_insurance": (
        "transactional",
        STAFF,
        {
            "booking_number": "text",
            "equipment": "text",
            "start_date": "date",
            "end_date": "date",
            "expired": "flag",
            "critical": "flag",
            "alert_url": "url",
        },
    ),
    "alert.sla_breach": (
        "transactional",
        STAFF,
        {
            "ticket_number": "text",
            "missed_at": "datetime",
            "unsolved": "flag",
            "critical": "flag",
            "alert_url": "url",
        },
    ),
    "alert.payout_delay": (
        "transactional",
        STAFF,
        {
            "payout_id": "text",
            "payout_amount": "money",
            "arrival_date": "date",
            "days_late": "text",
            "critical": "flag",
            "alert_url": "url",
        },
    ),
    "alert.booking_conflict": (
        "transactional",
        STAFF,
        {
            "booking_number": "text",
            "equipment": "text",
            "unit_id": "text",
            "first_day": "date",
            "others": "text",
            "critical": "flag",
            "alert_url": "url",
        },
    ),
    "alert.payment_failure_spike": (
        "transactional",
        STAFF,
        {
            "payment_method": "text",
            "failed": "text",
            "tried": "text",
            "hours": "text",
            "critical": "flag",
            "alert_url": "url",
        },
    ),
    "alert.many": (
        "transactional",
        STAFF,
        {
            "count": "text",
            "overdue_insurance": "flag",
            "booking_conflict": "flag",
            "sla_breach": "flag",
            "payout_delay": "flag",
            "payment_failure_spike": "flag",
            "critical": "flag",
            "alerts_url": "url",
        },
    ),
    "booking.deposit_due": (
        "reminder",
        ALL,
        {
            "booking_number": "text",
            "equipment": "text",
            "start_date": "date",
            "deposit_amount": "money",
            "booking_url": "url",
        },
    ),
    "booking.delivery_tomorrow": (
        "reminder",
        ALL,
        {"booking_number": "text", "equipment": "text", "delivery_at": "datetime", "booking_url": "url"},
    ),
    "booking.pickup_today": (
        "reminder",
        ALL,
        {"booking_number": "text", "equipment": "text", "start_date": "date", "booking_url": "url"},
    ),
    "booking.return_today": (
        "reminder",
        ALL,
        {"booking_number": "text", "equipment": "text", "end_date": "date", "booking_url": "url"},
    ),
    **{
        f"installment.{name}": (
            category,
            ALL,
            {
                "booking_number": "text",
                "equipment": "text",
                "installment_number": "text",
                "due_date": "date",
                "amount": "money",
                "payment_url": "url",
            },
        )
        for name, category in {
            "due_soon": "reminder",
            "due_today": "reminder",
            "overdue": "transactional",
            "overdue_second": "transactional",
            "overdue_final": "transactional",
        }.items()
    },
    "finance.installments_overdue": (
        "transactional",
        ("email", "inapp"),
        {
            "day": "date",
            "count": "text",
            "totals": "list",
            "shown": "text",
            "installments": "list",
            "list_url": "url",
        },
    ),
    **{
        f"sla.{name}": (
            "transactional",
            channels,
            {
                "ticket_number": "text",
                "is_response": "flag",
                "is_urgent": "flag",
                "is_assigned": "flag",
                "due_at": "datetime",
                "ticket_url": "url",
            },
        )
        for name, channels in {
            "warning": ("email", "inapp"),
            "breached": ("email", "push", "inapp"),
        }.items()
    },
    "consent.confirm": (
        "transactional",
        ("email", "sms"),
        {"confirm_url": "url", "expires_at": "datetime"},
    ),
    "contract.expiring": ("transactional", ALL, SIGNING),
    "contract.signature_due": ("transactional", ALL, SIGNING),
    "insurance.expiring": (
        "reminder",
        ALL,
        {
            "booking_number": "text",
            "equipment": "text",
            "expiry_date": "date",
            "is_last_day": "flag",
            "insurance_url": "url",
        },
    ),
    "insurance.missing_info": (
        "transactional",
        ALL,
        {"booking_number": "text", "equipment": "text", "missing": "list", "insurance_url": "url"},
    ),
    "system.test_message": ("transactional", ALL, {}),
    "staff.security_alert": ("security", ALL, {"summary": "text", "detail_url": "url"}),
    "security.incident": (
        "security",
        ALL,
        {
            **dict.fromkeys(INCIDENTS, "flag"),
            **dict.fromkeys(INCIDENT_FACTS, "text"),
            "detail_url": "url",
        },
    ),
    "system.job_alert": (
        "security",
        ALL,
        {"failing": "list", "crashed": "list", "overdue": "list", "runs_url": "url"},
    ),
    "system.job_recovered": ("security", ALL, {"jobs": "list", "runs_url": "url"}),
    "system.complaint_rate": (
        "transactional",
        ("email", "inapp"),
        {
            **dict.fromkeys(("domain", "rate", "complained", "delivered"), "text"),
            "sent_on": "date",
            "is_stopped": "flag",
            "channels_url": "url",
        },
    ),
    "finance.payout_discrepancy": (
        "transactional",
        ("email", "inapp"),
        {
            "payout_id": "text",
            "arrival_date": "date",
            "amount": "money",
            "expected": "money",
            "payout_url": "url",
            **dict.fromkeys(("failed", "canceled", "manual", "incomplete"), "flag"),
            **dict.fromkeys(
                ("missing_here", "missing_at_stripe", "differing", "unrefunded", "others"), "list"
            ),
        },
    ),
    "maintenance.worklist": (
        "transactional",
        ("email", "inapp"),
        {
            "count": "text",
            "overdue": "list",
            "faults": "list",
            "due": "list",
            "more": "text",
            "alerts_url": "url",
        },
    ),
    "maintenance.overdue_and_out": (
        "transactional",
        ("email", "push", "inapp"),
        {"unit": "text", "machine": "text", "limit": "text", "equipment_url": "url"},
    ),
    "promotion.announcement": (
        "marketing",
        ("email",),
        {"name": "text", "discount": "text", "ends_on": "date", "promo_url": "url"},
    ),
    "promotion.begun": (
        "transactional",
        ("email", "inapp"),
        {"name": "text", "ends_on": "date", "is_announced": "flag", "promo_url": "url"},
    ),
    "promotion.ended": (
        "transactional",
        ("email", "inapp"),
        {"name": "text", "was_missed": "flag", "promo_url": "url"},
    ),
}
# What a payload may leave out.
SPARE = {
    "security.incident": set(INCIDENT_FACTS),
    "maintenance.worklist": {"more"},
    "promotion.announcement": {"ends_on"},
    "promotion.begun": {"ends_on"},
}
LOCALES = ("en", "fr")

pytestmark = pytest.mark.usefixtures("templates")


def render(name: str, locale: str, channel: str, *, full: bool = True, **changes: Any) -> dict[str, str]:
    template = published([name])[name]
    context = sample_context(template.placeholders, category=template.category, full=full) | changes
    used, parts = compiled(template.version_id).render(channel=channel, locale=locale, context=context)
    assert used == locale
    return parts


def test_every_template_of_the_contract_is_published_and_no_other() -> None:
    found = published([template.name for template in read_seed().templates])
    assert {
        name: (t.category, t.channels, t.locales, {p.name: p.type for p in t.placeholders})
        for name, t in found.items()
    } == {
        name: (category, frozenset(channels), ("en", "fr"), placeholders)
        for name, (category, channels, placeholders) in CONTRACT.items()
    }


@pytest.mark.parametrize("name", CONTRACT)
def test_the_samples_are_a_payload_that_can_be_queued(name: str) -> None:
    template = published([name])[name]
    assert check_payload(template, {p.name: p.sample for p in template.placeholders}) == []
    assert {p.name for p in template.placeholders if not p.required} == SPARE.get(name, set())


@pytest.mark.parametrize("name", CONTRACT)
def test_every_part_of_every_message_has_words_and_no_hole(name: str) -> None:
    for locale, channel, full in product(LOCALES, CONTRACT[name][1], (True, False)):
        parts = render(name, locale, channel, full=full)
        assert set(parts) <= set(PARTS[channel])
        assert {part for part in PARTS[channel] if (channel, part) not in OPTIONAL_PARTS} <= set(parts)
        for part, text in parts.items():
            read = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
            assert read.strip()
            # What a tag that was not read, or a name that was blank, would leave behind.
            trace = re.search(r"\{\{|\}\}|\(\s*\)| ,|\bNone\b|\.\.(?!\.)", read)
            assert not trace, f"{locale} {channel} {part} has {trace[0]!r}: {read}"


@pytest.mark.parametrize("name", [name for name, (_, channels, _) in CONTRACT.items() if "sms" in channels])
def test_an_sms_with_ordinary_values_is_one_segment_of_plain_letters(name: str) -> None:
    for locale, date in product(LOCALES, ("2026-02-28", "2026-08-26", "2026-12-30")):
        payload: dict[str, Any] = {
            "equipment": "CAT 320 excavator",
            "booking_number": "B-2026-10412",
            "booking_url": "https://rental.example/bookings/B-2026-10412",
            "deposit_amount": {"amount": "1250.00", "currency": "CAD"},
            "start_date": date,
            "end_date": date,
            "due_date": date,
            "amount": {"amount": "1250.00", "currency": "CAD"},
            "payment_url": "https://rental.example/bookings/B-2026-10412/payments",
            "delivery_at": f"{date}T14:30:00-04:00",
            "contract_number": "C-2026-10412",
            "contract_url": "https://rental.example/contracts/C-2026-10412",
            "expires_at": f"{date}T14:30:00-04:00",
            "expiry_date": date,
            "is_last_day": False,
            "insurance_url": "https://rental.example/bookings/B-2026-10412/insurance",
        }
        wanted = CONTRACT[name][2]
        text = render(name, locale, "sms", **{key: value for key, value in payload.items() if key in wanted})[
            "text"
        ]
        cost = segments(text)
        assert (cost.encoding, cost.count) == ("GSM-7", 1), f"{cost.units} characters: {text}"


@pytest.mark.parametrize("name", CONTRACT)
def test_an_email_says_who_sends_it_and_how_to_leave_where_one_can_leave(name: str) -> None:
    category = Category(CONTRACT[name][0])
    for locale, part in product(LOCALES, ("text", "html")):
        text = render(name, locale, "email")[part]
        assert "120 Main Street, Moncton NB E1C 1B7, Canada" in text
        assert "Fundy Equipment Rental" in text
        assert ("https://rental.example/u/sample" in text) == (category in OPTIONAL)
        assert "https://rental.example/preferences/sample" in text
        assert "/preferences/" not in render(name, locale, "email", full=False)[part]


@pytest.mark.parametrize("name", CONTRACT)
def test_an_email_is_a_whole_document_in_its_language(name: str) -> None:
    for locale in LOCALES:
        html = render(name, locale, "email")["html"]
        assert f'<html lang="{locale}"' in html
        assert '<meta name="color-scheme" content="light dark">' in html
        assert "@media (prefers-color-scheme: dark)" in html
        assert "@media (max-width: 480px)" in html
        assert html.index('<meta charset="utf-8">') < 1024
        assert '<main class="card" style="' in html


def test_the_languages_do_not_share_their_words() -> None:
    for name, (_, channels, _) in CONTRACT.items():
        for channel in channels:
            english, french = render(name, "en", channel), render(name, "fr", channel)
            shared = [part for part in english if english[part] == french[part] and not part.endswith("url")]
            # The alert's in-app text is the summary itself.
            assert shared == (["message"] if (name, channel) == ("staff.security_alert", "inapp") else [])


def test_the_greeting_needs_no_name() -> None:
    assert "Hello Camille," in render("booking.pickup_today", "en", "email")["text"]
    assert "Hello,\n" in render("booking.pickup_today", "en", "email", full=False)["text"]
    assert "Bonjour,\n" in render("booking.pickup_today", "fr", "email", full=False)["text"]


def test_a_message_of_the_sandbox_says_so() -> None:
    sandbox = render("booking.pickup_today", "fr", "email")
    assert "bac à sable" in sandbox["text"]
    assert "bac à sable" in sandbox["html"]
    assert "bac à sable" not in str(render("booking.pickup_today", "fr", "email", full=False))


# ── Colours ─────────────────────────────────────────────────────────────────────────────────────────────
# Text by its selector, and the selector of what is behind it.
LIGHT = {
    ".card": ".card", ".card a": ".card", ".facts th": ".card", ".card .small": ".card", ".button a": ".button td",
    ".foot": ".page", ".foot a": ".page", ".brand": ".page", ".brand-mark": ".page", ".notice": ".notice",
}  # fmt: skip
DARK = {
    ".card": ".card", ".card h1": ".card", ".card a": ".card", ".facts th": ".card", ".facts td": ".card",
    ".card .small": ".card", ".card .button a": ".button td", ".foot": ".page", ".foot a": ".page", ".brand": ".page",
    ".brand-mark": ".page", ".notice": ".notice",
}  # fmt: skip


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def declared(css: str, name: str) -> dict[str, str]:
    """The last colour that each selector declares for a property."""
    found: dict[str, str] = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        for colour in re.findall(rf"(?:^|[;\s]){name}:\s*(#[0-9a-f]{{6}})", body):
            found |= {selector.strip(): colour for selector in selectors.split(",")}
    return found


@pytest.mark.parametrize(("scheme", "pairs"), [("light", LIGHT), ("dark", DARK)])
def test_text_stands_out_from_its_background(scheme: str, pairs: dict[str, str]) -> None:
    css = (SEED / "layout/email.html").read_text("utf-8").split("<style>")[1].split("</style>")[0]
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    rules = light.split("@media")[0] if scheme == "light" else dark
    text, back = declared(rules, "color"), declared(rules, "background-color")
    for selector, behind in pairs.items():
        lighter, darker = sorted((luminance(text[selector]), luminance(back[behind])), reverse=True)
        contrast = (lighter + 0.05) / (darker + 0.05)
        assert contrast >= 4.5, f"{selector} on {behind}: {text[selector]} on {back[behind]}: {contrast:.1f}"
