"""Segments in the admin: a filter is checked where it is written, and the page says how many it finds."""

import datetime as dt
import json
from typing import Any

import pytest
from django.test import Client

from rentals.models import CustomerSegment
from tests.business_factories import CustomerSegmentFactory
from tests.factories import CustomerFactory
from tests.operators import operator, seen, told

pytestmark = pytest.mark.django_db
BASE = "/admin/rentals/customersegment/"
RISKY = {"logic": "and", "conditions": [{"field": "riskScore", "operator": "gt", "value": 50}]}


@pytest.fixture
def editor() -> Client:
    return operator(*(f"rentals.{what}_customersegment" for what in ("view", "add", "change")))


def save(client: Client, path: str, filter_: Any, **fields: Any) -> Any:
    text = filter_ if isinstance(filter_, str) else json.dumps(filter_)
    return client.post(
        BASE + path, {"name": "Risky", "description": "", "filter": text, **fields}, follow=True
    )


def test_a_filter_is_saved_and_the_page_says_how_many_match(editor: Client) -> None:
    CustomerFactory.create(risk_score=80)
    CustomerFactory.create(risk_score=10)
    response = save(editor, "add/", RISKY, auto_refresh="on")
    made = CustomerSegment.objects.get()
    assert (made.filter, made.auto_refresh, made.member_count) == (RISKY, True, 0)
    assert "1 customer matches the filter." in told(response)
    assert "1 customer matches the filter." in seen(editor.get(f"{BASE}{made.pk}/change/"))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"logic": "and", "conditions": [RISKY, {"field": "email", "operator": "eq", "value": "x"}]},
            "conditions[1].field: must be one of location,",
        ),
        ({"logic": "and", "conditions": []}, "conditions: must not be empty."),
        ("[1]", "filter: must be an object with logic, conditions"),
        (
            '{"logic": "and", "conditions": [{"field": "riskScore", "operator": "gt", "value": NaN}]}',
            "conditions[0].value",
        ),
        ("{", "Enter a valid JSON."),
        ("[" * 100_000, "Enter a valid JSON."),
        ("9" * 5_000, "Enter a valid JSON."),
        ('{"logic": "and\\u0000", "conditions": []}', "logic: must be one of and, or."),
        ("", "A segment that is refreshed by itself needs a filter."),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_wrong_filter_is_refused_beside_the_field(editor: Client, given: Any, says: str) -> None:
    response = save(editor, "add/", given, auto_refresh="on")
    [error] = response.context["adminform"].form.errors["filter"]
    assert error.startswith(says)
    assert not CustomerSegment.objects.exists()


def test_one_kept_by_hand_needs_no_filter(editor: Client) -> None:
    save(editor, "add/", "")
    assert CustomerSegment.objects.get().filter == {}


def test_saving_leaves_the_nights_count_alone(editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    found = CustomerSegmentFactory.create(auto_refresh=True)
    night = dt.datetime(2026, 11, 20, 8, 45, tzinfo=dt.UTC)
    real = CustomerSegment.save

    def save_after_the_night(segment: CustomerSegment, *args: Any, **options: Any) -> None:
        CustomerSegment.objects.filter(pk=found.pk).update(member_count=7, refreshed_at=night)
        real(segment, *args, **options)

    monkeypatch.setattr(CustomerSegment, "save", save_after_the_night)
    save(editor, f"{found.pk}/change/", RISKY, auto_refresh="on")
    found.refresh_from_db()
    assert (found.filter, found.member_count, found.refreshed_at) == (RISKY, 7, night)


def test_a_count_that_takes_long_does_not_keep_the_page(
    editor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rentals.admin.segments.COUNT_TIMEOUT", dt.timedelta(milliseconds=1))
    monkeypatch.setattr("rentals.segments.compile._BOOKED", ", pg_sleep(1)")
    rule = {"logic": "and", "conditions": [{"field": "bookingCount", "operator": "gt", "value": 1}]}
    monkeypatch.setattr("rentals.segments.compile._COLUMNS", {"bookingCount": ("2", "bigint")})
    found = CustomerSegmentFactory.create(auto_refresh=True, filter=rule)
    CustomerFactory.create()
    assert "Counting takes longer than" in seen(editor.get(f"{BASE}{found.pk}/change/"))


def test_readers_read_and_nobody_deletes(editor: Client) -> None:
    found = CustomerSegmentFactory.create(auto_refresh=True)
    reader = operator("rentals.view_customersegment")
    assert "riskScore" in seen(reader.get(f"{BASE}{found.pk}/change/"))
    assert save(reader, f"{found.pk}/change/", RISKY).status_code == 403
    assert operator("*").post(f"{BASE}{found.pk}/delete/", {"post": "yes"}).status_code == 403
