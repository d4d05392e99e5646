"""How views are refreshed: beside readers, for a moment, within a time; and how business tables ask for it, without waiting."""

import datetime as dt
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from rentals.models import Booking, ViewRefreshRequest, ViewState
from rentals.views import GRACE, VIEWS, UnknownViewError, note_failure, pending, refresh, states
from tests.business_factories import DAY, MOMENT, InsuranceDocumentFactory, SupportTicketFactory
from tests.factories import BookingFactory, PaymentFactory

MINUTE = dt.timedelta(minutes=1)
KPIS = "mv_dashboard_kpis"
BOOKINGS_ASK_FOR = {"mv_equipment_utilization", "mv_booking_trends", KPIS, "mv_financial_summary"}


def fetch(query: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def ask(view: str, *, age: dt.timedelta) -> None:
    ViewRefreshRequest.objects.create(
        view_name=view, source_table="bookings", requested_at=timezone.now() - age
    )


# ── A refresh ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
@pytest.mark.parametrize("view", VIEWS)
def test_a_refresh_runs_inside_a_transaction_and_leaves_its_settings_as_they_were(view: str) -> None:
    settings = "SELECT current_setting('statement_timeout') || current_setting('work_mem')"
    before = fetch(settings)
    with transaction.atomic():
        done = refresh(view, now=MOMENT, timeout=MINUTE)
        assert done is not None
        assert done.view == view
        assert done.duration > dt.timedelta(0)
        assert fetch(settings) == before
        assert fetch("SELECT rentals_now() = now()")
    state = states()[view]
    assert (state.moment, state.duration, state.error_message) == (MOMENT, done.duration, "")


@pytest.mark.django_db
def test_a_refresh_past_its_time_changes_nothing_and_its_error_is_kept_until_one_succeeds() -> None:
    refresh(KPIS, now=MOMENT, timeout=MINUTE)
    first = states()[KPIS]
    BookingFactory.create_batch(3)
    with connection.cursor() as cursor:
        # Slower than a millisecond, whatever the machine.
        cursor.execute(
            "CREATE OR REPLACE FUNCTION rentals_now() RETURNS timestamptz LANGUAGE sql STABLE"
            " RETURN (SELECT now() FROM pg_sleep(0.05))"
        )
    with pytest.raises(DatabaseError, match="statement timeout") as failure:
        refresh(KPIS, now=MOMENT + DAY, timeout=dt.timedelta(milliseconds=10))
    note_failure(KPIS, error=str(failure.value))
    state = states()[KPIS]
    assert (state.refreshed_at, state.moment) == (first.refreshed_at, MOMENT)
    assert "timeout" in state.error_message
    refresh(KPIS, now=MOMENT, timeout=MINUTE)
    assert (states()[KPIS].error_message, states()[KPIS].error_at) == ("", None)


@pytest.mark.django_db
def test_a_view_that_was_never_filled_is_filled() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"REFRESH MATERIALIZED VIEW {KPIS} WITH NO DATA")
    refresh(KPIS, now=MOMENT, timeout=MINUTE)
    assert fetch(f"SELECT count(*) FROM {KPIS}") == 30


@pytest.mark.django_db(transaction=True)
def test_readers_read_on_while_a_view_is_refreshed(other_connection: Any) -> None:
    with transaction.atomic():
        refresh(KPIS, now=MOMENT, timeout=MINUTE)
        other_connection.execute("SET lock_timeout = '1s'")
        other_connection.execute(f"SELECT count(*) FROM {KPIS}")


@pytest.mark.django_db(transaction=True)
def test_one_refresh_of_a_view_at_a_time(other_connection: Any) -> None:
    with other_connection.transaction():
        other_connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [KPIS])
        assert refresh(KPIS, now=MOMENT, timeout=MINUTE) is None
        assert refresh("mv_support_sla", now=MOMENT, timeout=MINUTE) is not None
    assert refresh(KPIS, now=MOMENT, timeout=MINUTE) is not None


@pytest.mark.django_db
def test_a_view_that_is_none_is_refused() -> None:
    with pytest.raises(UnknownViewError, match="mv_dashboard_kpis"):
        refresh("mv_x; DROP TABLE bookings", now=MOMENT, timeout=MINUTE)
    with pytest.raises(UnknownViewError):
        note_failure("mv_x", error="x")


@pytest.mark.django_db
def test_a_view_nobody_refreshed_yet_has_an_empty_state() -> None:
    assert list(states()) == list(VIEWS)
    assert states()[KPIS].refreshed_at is None


# ── Requests ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_business_tables_ask_for_the_views_that_read_them() -> None:
    booking = BookingFactory.create()
    assert set(pending()) == BOOKINGS_ASK_FOR
    for make, asked in (
        (lambda: PaymentFactory.create(booking=booking), {"mv_revenue_trends", "mv_financial_summary", KPIS}),
        (lambda: SupportTicketFactory.create(customer=booking.customer), {"mv_support_sla"}),
        (lambda: InsuranceDocumentFactory.create(booking=booking), {"mv_booking_trends"}),
    ):
        ViewRefreshRequest.objects.all().delete()
        make()
        assert set(pending()) == asked


@pytest.mark.django_db
def test_a_change_of_status_asks_and_a_change_of_address_does_not() -> None:
    booking = BookingFactory.create()
    ViewRefreshRequest.objects.all().delete()
    Booking.objects.update(delivery_address="120 Main Street")
    assert pending() == {}
    Booking.objects.filter(pk=booking.pk).update(status="cancelled")
    assert set(pending()) == BOOKINGS_ASK_FOR


@pytest.mark.django_db
def test_a_busy_hour_asks_once_in_thirty_seconds() -> None:
    BookingFactory.create_batch(5)
    assert ViewRefreshRequest.objects.count() == len(BOOKINGS_ASK_FOR)
    ViewRefreshRequest.objects.update(requested_at=timezone.now() - dt.timedelta(seconds=31))
    BookingFactory.create_batch(5)
    assert ViewRefreshRequest.objects.count() == 2 * len(BOOKINGS_ASK_FOR)


@pytest.mark.django_db
def test_a_refresh_settles_what_was_asked_long_enough_ago_and_only_for_its_view() -> None:
    ask(KPIS, age=GRACE + MINUTE)
    ask(KPIS, age=GRACE - dt.timedelta(seconds=30))
    ask("mv_support_sla", age=GRACE + MINUTE)
    done = refresh(KPIS, now=MOMENT, timeout=MINUTE)
    assert done is not None
    assert done.settled == 1
    assert set(pending()) == {KPIS, "mv_support_sla"}


@pytest.mark.django_db
def test_a_refresh_that_fails_settles_nothing() -> None:
    ask(KPIS, age=GRACE + MINUTE)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE materialized_views RENAME TO elsewhere")
    with pytest.raises(DatabaseError):
        refresh(KPIS, now=MOMENT, timeout=MINUTE)
    assert set(pending()) == {KPIS}


@pytest.mark.django_db(transaction=True)
def test_two_business_transactions_do_not_wait_for_each_other_nor_for_a_refresh(
    other_connection: Any,
) -> None:
    ours, theirs = BookingFactory.create_batch(2)
    ViewRefreshRequest.objects.all().delete()
    other_connection.execute("SET lock_timeout = '1s'")
    with transaction.atomic():
        ask(KPIS, age=GRACE + MINUTE)
        refresh(KPIS, now=MOMENT, timeout=MINUTE)
        Booking.objects.filter(pk=ours.pk).update(status="active")
        other_connection.execute("UPDATE bookings SET status = 'active' WHERE id = %s", [theirs.pk])
    # Neither saw the other's request, so both asked.
    assert ViewRefreshRequest.objects.count() == 2 * len(BOOKINGS_ASK_FOR)


@pytest.mark.django_db(transaction=True)
def test_a_copy_asks_once(other_connection: psycopg.Connection[Any]) -> None:
    booking = BookingFactory.create()
    ViewRefreshRequest.objects.all().delete()
    with other_connection.cursor().copy("COPY payments (booking_id, amount, currency, status, payment_method,"
        " stripe_payment_intent_id, stripe_charge_id, payout_id) FROM STDIN") as copy:  # fmt: skip
        for _ in range(1000):
            copy.write_row((booking.pk, 1, "CAD", "completed", "cash", "", "", ""))
    assert ViewRefreshRequest.objects.count() == 3
    assert not ViewState.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_change_that_leant_on_anothers_request_and_came_too_late_brings_one_more_refresh(
    other_connection: Any,
) -> None:
    booking = BookingFactory.create()
    assert set(pending()) == BOOKINGS_ASK_FOR
    with other_connection.transaction():
        # Asks for nothing, since a young request is pending; and commits after the refresh that meets that one.
        other_connection.execute("UPDATE bookings SET status = 'cancelled' WHERE id = %s", [booking.pk])
        assert refresh(KPIS, now=timezone.now(), timeout=MINUTE) is not None
    assert ViewRefreshRequest.objects.count() == len(BOOKINGS_ASK_FOR)
    assert KPIS in pending()
