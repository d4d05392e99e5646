"""segment_refresh at its edges: who belongs, what is written, and what a broken segment costs the others."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st

from jobs.catalog import CATALOG, segment_refresh
from jobs.models import JobRun
from jobs.runner import run
from jobs.spec import JobResult, silent
from rentals.models import Booking, Customer, CustomerSegment, CustomerSegmentMember
from rentals.segments.compile import Statement, members
from rentals.segments.parse import parse
from rentals.segments.refresh import refresh as refresh_one
from tests.business_factories import CustomerSegmentFactory, CustomerSegmentMemberFactory
from tests.factories import (
    BookingFactory,
    CustomerFactory,
    CustomerTagFactory,
    CustomerTagMemberFactory,
    EquipmentFactory,
)

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 20, 8, 45, tzinfo=dt.UTC)
BROKEN = {"logic": "and", "conditions": [{"field": "riskScore", "operator": "gt", "value": "high"}]}


def rule(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"logic": "and", "conditions": [{"field": field, "operator": operator, "value": value}]}


def segment(given: dict[str, Any] | None = None, **fields: Any) -> CustomerSegment:
    made: CustomerSegment = CustomerSegmentFactory.create(
        auto_refresh=True, filter=given or rule("riskScore", "gt", 50), **fields
    )
    return made


def refresh(now: dt.datetime = NOW) -> JobResult:
    return segment_refresh.run(now=now, progress=silent)


def belongs(found: CustomerSegment) -> set[Any]:
    return set(CustomerSegmentMember.objects.filter(segment=found).values_list("customer_id", flat=True))


def matches(given: dict[str, Any]) -> set[Any]:
    statement = members(parse(given))
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.params)
        rows = cursor.fetchall()
    assert len(rows) == len(set(rows))
    return {row[0] for row in rows}


# ── Nothing, once, twice ────────────────────────────────────────────────────────────────────────────────
def test_without_segments_nothing_happens() -> None:
    member = CustomerSegmentMemberFactory.create()
    assert refresh() == JobResult(found={"segments": 0})
    assert belongs(member.segment) == {member.customer_id}, "one kept by hand is left alone"


def test_the_difference_is_written_and_nothing_else() -> None:
    stays, comes, goes = (CustomerFactory.create(risk_score=score) for score in (80, 90, 10))
    found = segment()
    kept = CustomerSegmentMemberFactory.create(segment=found, customer=stays)
    CustomerSegmentMemberFactory.create(segment=found, customer=goes)
    assert refresh() == JobResult(found={"segments": 1}, changed={"members added": 1, "members removed": 1})
    assert belongs(found) == {stays.pk, comes.pk}
    kept.refresh_from_db()
    assert CustomerSegmentMember.objects.get(customer=comes).added_at == NOW
    found.refresh_from_db()
    assert (found.member_count, found.refreshed_at) == (2, NOW)


def test_a_second_run_changes_no_member() -> None:
    CustomerFactory.create(risk_score=80)
    found = segment()
    refresh()
    before = CustomerSegmentMember.objects.values_list("pk", "updated_at").get()
    later = NOW + dt.timedelta(days=1)
    assert refresh(later) == JobResult(found={"segments": 1})
    assert CustomerSegmentMember.objects.values_list("pk", "updated_at").get() == before
    found.refresh_from_db()
    assert (found.member_count, found.refreshed_at) == (1, later)


def test_a_segment_that_nobody_matches_any_more_is_empty() -> None:
    found = segment()
    CustomerSegmentMemberFactory.create_batch(3, segment=found)
    assert refresh().changed == {"members removed": 3}
    found.refresh_from_db()
    assert found.member_count == 0


def test_one_that_is_kept_by_hand_by_now_or_has_gone_is_left_alone() -> None:
    by_hand, gone = segment(), segment()
    member = CustomerSegmentMemberFactory.create(segment=by_hand)
    CustomerSegment.objects.filter(pk=by_hand.pk).update(auto_refresh=False)
    gone_id = gone.pk
    gone.delete()
    assert refresh_one(by_hand.pk, now=NOW) is None
    assert refresh_one(gone_id, now=NOW) is None
    assert belongs(by_hand) == {member.customer_id}


# ── What the fields mean ────────────────────────────────────────────────────────────────────────────────
def test_cancelled_bookings_and_foreign_money_count_nowhere() -> None:
    customer = CustomerFactory.create()
    machine = EquipmentFactory.create(category="loader")
    BookingFactory.create(customer=customer, equipment=machine, status="cancelled")
    BookingFactory.create(
        customer=customer, currency="USD", total_amount=Decimal(900), start_date=dt.date(2026, 3, 1)
    )
    assert matches(rule("bookingCount", "eq", 1)) == {customer.pk}
    assert matches(rule("totalSpend", "eq", 0)) == {customer.pk}
    assert matches(rule("lastBooking", "eq", "2026-03-01")) == {customer.pk}
    assert matches(rule("equipmentCategory", "eq", "loader")) == set()


def test_a_place_is_a_city_or_a_province_in_any_spelling_of_capitals() -> None:
    dieppe = CustomerFactory.create(city="Dieppe", province="NB").pk
    quebec = CustomerFactory.create(city="Québec", province="QC").pk
    assert matches(rule("location", "eq", "dieppe")) == {dieppe}
    assert matches(rule("location", "in", ["nb", "QUÉBEC"])) == {dieppe, quebec}
    assert matches(rule("location", "ne", "qc")) == {dieppe}


def test_those_who_never_booked_are_in_no_range_of_dates_but_unlike_any_date() -> None:
    nobody = CustomerFactory.create().pk
    for operator, value in (
        ("lt", "2999-01-01"),
        ("gt", "1000-01-01"),
        ("between", ["1000-01-01", "2999-01-01"]),
    ):
        assert matches(rule("lastBooking", operator, value)) == set()
    assert matches(rule("lastBooking", "ne", "2026-01-01")) == {nobody}
    assert matches(rule("totalSpend", "lt", 1)) == matches(rule("bookingCount", "eq", 0)) == {nobody}


def test_sql_in_a_value_is_a_value() -> None:
    customer = CustomerFactory.create(city="x') OR 1=1 --")
    CustomerFactory.create()
    for text in ("x') OR 1=1 --", "'; DROP TABLE customers; --", "%s", "%(id)s", "{members}", "\\"):
        found = matches(rule("location", "eq", text))
        assert found == ({customer.pk} if text.startswith("x") else set())
        segment(rule("tag", "in", [text, "{members} %s"]))
    refresh()
    assert Customer.objects.count() == 2


# ── One broken segment ──────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db(transaction=True)
def test_a_broken_segment_fails_the_run_is_named_and_stops_no_other() -> None:
    CustomerFactory.create(risk_score=80)
    first, broken, last = segment(), segment(BROKEN), segment()
    old = CustomerSegmentMemberFactory.create(segment=broken)
    report = run("segment_refresh", now=NOW, trigger="command")
    assert report.status == "failed"
    assert report.error == (
        f"SegmentsFailed: 1 of 3 segments were not refreshed: {broken.pk}"
        " (conditions[0].value: must be a whole number from 0 to 100)"
    )
    assert JobRun.objects.get().error_message == report.error
    for healthy in (first, last):
        healthy.refresh_from_db()
        assert (healthy.member_count, healthy.refreshed_at) == (1, NOW)
    assert belongs(broken) == {old.customer_id}
    broken.refresh_from_db()
    assert broken.refreshed_at is None


def test_a_segment_that_takes_too_long_is_named_without_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    CustomerFactory.create()
    slow = segment()
    sleeping = Statement("SELECT customers.id FROM customers WHERE pg_sleep(5) IS NOT NULL", ())
    monkeypatch.setattr("rentals.segments.refresh.members", lambda _rule: sleeping)
    monkeypatch.setattr("rentals.segments.refresh.TIMEOUT", dt.timedelta(milliseconds=50))
    with pytest.raises(segment_refresh.SegmentsFailed, match=rf"{slow.pk} \(OperationalError\)$"):
        refresh()


def test_of_many_broken_segments_some_are_named_and_all_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    broken = [segment(BROKEN) for _ in range(12)]
    with pytest.raises(segment_refresh.SegmentsFailed, match=r"12 of 12 segments .*; and 9 more$") as caught:
        refresh()
    assert len(str(caught.value)) < 500
    assert all(f"segment.failed segment={one.pk} error=conditions[0].value" in caplog.text for one in broken)


# ── Through the runner ──────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db(transaction=True)
def test_a_dry_run_shows_its_rows_and_leaves_none() -> None:
    CustomerFactory.create_batch(2, risk_score=80)
    found = segment()
    report = run("segment_refresh", now=NOW, trigger="command", dry_run=True)
    assert report.status == "success"
    assert report.row_counts == {
        "customer_segment_members": {"insert": 2},
        "customer_segments": {"update": 1},
    }
    assert not CustomerSegmentMember.objects.exists()
    found.refresh_from_db()
    assert found.refreshed_at is None


def test_progress_is_told_segment_by_segment() -> None:
    segment(), segment()
    seen: list[tuple[int, int]] = []
    segment_refresh.run(now=NOW, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_it_runs_at_an_hour_that_every_night_has_once() -> None:
    assert CATALOG["segment_refresh"].cron == "45 4 * * *"


def test_a_segment_costs_the_same_statements_however_many_members(django_assert_max_num_queries: Any) -> None:
    CustomerFactory.create_batch(30, risk_score=80)
    segment()
    with django_assert_max_num_queries(6):  # which segments, savepoint, lock, limits, write, release
        refresh()


# ── Against a plain evaluation ──────────────────────────────────────────────────────────────────────────
PLACES, TAGS, CATEGORIES = ("Moncton", "Dieppe", "NB", "moncton"), ("VIP", "fleet"), ("excavator", "loader")
DAYS = [dt.date(2026, month, 1) for month in (1, 5, 9)]
_values: dict[str, st.SearchStrategy[Any]] = {
    "location": st.sampled_from(PLACES),
    "tag": st.sampled_from(TAGS),
    "equipmentCategory": st.sampled_from(CATEGORIES),
    "bookingCount": st.integers(0, 3),
    "totalSpend": st.sampled_from([0, 100, 250.5, 1000]),
    "lastBooking": st.sampled_from([day.isoformat() for day in DAYS]),
    "riskScore": st.sampled_from([0, 10, 50, 100]),
}


def _comparison(field: str, operator: str) -> st.SearchStrategy[dict[str, Any]]:
    one = _values[field]
    value = {
        "between": st.lists(one, min_size=2, max_size=2).map(sorted),
        "in": st.lists(one, min_size=1, max_size=3),
    }
    return value.get(operator, one).map(lambda given: {"field": field, "operator": operator, "value": given})


_conditions = st.sampled_from(
    [
        (field, operator)
        for field in _values
        for operator in ("eq", "ne", "gt", "lt", "between", "in")
        if operator in ("eq", "ne", "in") or field not in ("location", "tag", "equipmentCategory")
    ]
).flatmap(lambda pair: _comparison(*pair))


def _groups(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda logic, parts: {"logic": logic, "conditions": parts},
        st.sampled_from(["and", "or"]),
        st.lists(inner, min_size=1, max_size=3),
    )


FILTERS = _groups(st.one_of(_conditions, _groups(_conditions), _groups(_groups(_conditions))))


def plainly(given: dict[str, Any], facts: dict[str, Any]) -> Any:
    """The language once more, on one customer's facts, in as few words as can be."""
    if "logic" in given:
        return (all if given["logic"] == "and" else any)(plainly(part, facts) for part in given["conditions"])
    fact, operator, value = facts[given["field"]], given["operator"], given["value"]
    if isinstance(fact, frozenset):
        words = {
            text.lower() if given["field"] == "location" else text
            for text in (value if operator == "in" else [value])
        }
        return bool(fact & words) != (operator == "ne")
    if fact is None:
        return operator == "ne"
    comparisons = {
        "eq": lambda: fact == value,
        "ne": lambda: fact != value,
        "gt": lambda: fact > value,
        "lt": lambda: fact < value,
        "between": lambda: value[0] <= fact <= value[1],
        "in": lambda: fact in value,
    }
    return comparisons[operator]()


@pytest.fixture
def crowd() -> dict[Any, dict[str, Any]]:
    """Customers of every sort, and their facts, counted in Python."""
    tags = [CustomerTagFactory.create(name=name) for name in TAGS]
    machines = [EquipmentFactory.create(category=name) for name in CATEGORIES]
    for number in range(24):
        customer = CustomerFactory.create(
            city=PLACES[number % 2],
            province="NB" if number % 3 else "NS",
            risk_score=(0, 10, 50, 100)[number % 4],
        )
        for place, tag in enumerate(tags):
            if number >> place & 1:
                CustomerTagMemberFactory.create(customer=customer, tag=tag)
        for turn in range(number % 5):
            BookingFactory.create(
                customer=customer,
                equipment=machines[(number + turn) % 2 if number % 7 else 0],
                start_date=DAYS[(number + turn) % 3],
                total_amount=Decimal(100 if turn else "150.50"),
                status="cancelled" if (number + turn) % 4 == 0 else "completed",
            )
    return {customer.pk: _facts(customer) for customer in Customer.objects.all()}


def _facts(customer: Customer) -> dict[str, Any]:
    booked: list[Booking] = list(customer.bookings.exclude(status="cancelled").select_related("equipment"))
    return {
        "location": frozenset({customer.city.lower(), customer.province.lower()}),
        "tag": frozenset(member.tag.name for member in customer.tag_members.select_related("tag")),
        "equipmentCategory": frozenset(booking.equipment.category for booking in booked),
        "bookingCount": len(booked),
        "totalSpend": sum(booking.total_amount for booking in booked),
        "lastBooking": max((booking.start_date.isoformat() for booking in booked), default=None),
        "riskScore": customer.risk_score,
    }


def test_sql_and_a_plain_evaluation_agree_on_any_filter(crowd: dict[Any, dict[str, Any]]) -> None:
    seen: set[bool] = set()

    @trials(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(FILTERS)
    def agree(asked: dict[str, Any]) -> None:
        expected = {key for key, facts in crowd.items() if plainly(asked, facts)}
        seen.update({bool(expected), len(expected) < len(crowd)})
        assert matches(asked) == expected

    agree()
    assert seen == {True, False}, "some filters must choose, or the comparison proves nothing"
