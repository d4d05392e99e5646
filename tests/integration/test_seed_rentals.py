"""The sample business: the same every time, true to the rules it is meant to show, fast, and never in a live database."""

import datetime as dt
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from consent.models import ConsentEvent, CustomerConsent
from notifications.models import PushSubscription
from notifications.push_subscriptions import targets_of
from rentals.models import Booking, Customer, Equipment, LogisticsTask, SupportTicket
from rentals.querysets.bookings import DEPOSIT_FROM, MORNING_FROM
from rentals.sample import words
from rentals.sample.customers import cities, phone
from rentals.sample.due import KINDS
from rentals.sample.load import tables
from rentals.sample.plan import MAX_CUSTOMERS, Plan
from rentals.sample.staff import STAFF, SUPPORT
from sandbox import push_keys
from tests.factories import BookingFactory
from tests.sample_business import AT, PUSH, fetch, make

pytestmark = pytest.mark.django_db


def fingerprints() -> dict[str, str]:
    """Every row of every rental table, ids and dates included."""
    return {
        table: fetch(f"SELECT md5(string_agg(row::text, '|' ORDER BY row::text)) FROM {table} AS row")[0][0]
        for table in tables()
    }


def seed(**options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("seed_rentals", stdout=out, json=True, **{"at": AT.isoformat(), **options})
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


# ── The same every time ─────────────────────────────────────────────────────────────────────────────────
def test_the_same_seed_and_moment_make_the_same_rows() -> None:
    make()
    first = fingerprints()
    make(replace=True)
    assert fingerprints() == first


@pytest.mark.parametrize("other", [{"seed": 2}, {"at": AT + dt.timedelta(days=1)}])
def test_another_seed_or_moment_makes_another_business(other: dict[str, Any]) -> None:
    make()
    first = fingerprints()
    make(replace=True, **other)
    second = fingerprints()
    assert not {table for table in first if first[table] and first[table] == second[table]}


def test_the_rows_do_not_depend_on_the_language_or_zone_of_the_machine(settings: Any) -> None:
    make()
    first = fingerprints()
    settings.LANGUAGE_CODE, settings.TIME_ZONE = "fr", "Asia/Tokyo"
    make(replace=True)
    assert fingerprints() == first


# ── True to the rules ───────────────────────────────────────────────────────────────────────────────────
def expected_due(plan: Plan, at: dt.datetime) -> dict[str, set[str]]:
    """Booking numbers by kind, worked out from the plan alone: due ones of customers whose local hour has come."""
    homes, due = cities(plan), {kind: set[str]() for kind in KINDS}
    begins = {
        "deposit": DEPOSIT_FROM,
        "delivery": dt.time.min,
        "pickup": MORNING_FROM,
        "return": MORNING_FROM,
    }
    for turn in range(plan.due):
        kind = KINDS[turn % len(KINDS)]
        zone = words.ZONES[words.CITIES[homes[turn % plan.customers]].zone]
        if at.astimezone(ZoneInfo(zone)).time() >= begins[kind]:
            due[kind].add(f"FR-{plan.ordinary + turn + 1:07d}")
    return due


def found_due(at: dt.datetime) -> dict[str, set[str]]:
    return {
        "deposit": set(Booking.objects.deposit_due(now=at).values_list("booking_number", flat=True)),
        "delivery": set(
            LogisticsTask.objects.delivery_due(now=at).values_list("booking__booking_number", flat=True)
        ),
        "pickup": set(Booking.objects.pickup_today(now=at).values_list("booking_number", flat=True)),
        "return": set(Booking.objects.return_today(now=at).values_list("booking_number", flat=True)),
    }


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-20T15:00",  # 11:00 in Moncton, 07:00 in Vancouver
        "2026-11-20T12:30",  # 08:30 in Moncton: too early to ask for a deposit
        "2026-11-21T03:00",  # evening in Moncton, the next day by UTC
        "2026-11-20T06:00",  # night everywhere
        "2026-03-07T15:00",  # the clocks change within the next 24 hours
        "2028-02-29T15:00",
    ],
)
def test_exactly_the_bookings_made_due_are_found(moment: str) -> None:
    at = dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC)
    plan = make(at=at, bookings=2000, customers=400)
    expected = expected_due(plan, at)
    assert plan.near_misses > 0
    assert len(expected["delivery"]) == len(range(1, plan.due, 4))
    assert found_due(at) == expected


def test_deliveries_come_at_working_hours_of_the_customers_day() -> None:
    make(bookings=2000, customers=400)
    tasks = LogisticsTask.objects.delivery_due(now=AT).select_related("booking__customer")
    assert tasks
    for task in tasks:
        local = task.scheduled_at.astimezone(ZoneInfo(task.booking.customer.timezone))
        assert 7 <= local.hour < 17
        assert local.minute % 15 == 0
        assert task.booking.start_date == local.date()


def test_each_kind_of_reminder_goes_to_each_preferred_channel() -> None:
    make()
    for bookings in (
        Booking.objects.deposit_due(now=AT),
        Booking.objects.filter(logistics_tasks__in=LogisticsTask.objects.delivery_due(now=AT)),
        Booking.objects.pickup_today(now=AT),
        Booking.objects.return_today(now=AT),
    ):
        channels = set(bookings.values_list("customer__preferred_contact_method", flat=True))
        assert channels == {"email", "sms", "push"}


def test_no_machine_is_out_twice_at_once_but_for_the_conflicts_to_be_told_of() -> None:
    plan = make(bookings=3000)
    twice = fetch(
        "SELECT count(*), min(b.start_date) FROM bookings a JOIN bookings b"
        " ON a.equipment_id = b.equipment_id AND a.id < b.id"
        " WHERE a.status <> 'cancelled' AND b.status <> 'cancelled'"
        " AND daterange(a.start_date, a.end_date, '[]') && daterange(b.start_date, b.end_date, '[]')"
    )
    # One of them begins so soon that it is critical.
    assert twice == [(plan.conflicts + 1, plan.today() + dt.timedelta(days=3))]


def test_the_figures_add_up() -> None:
    make()
    spent = "SELECT coalesce(sum(total_amount), 0) FROM bookings WHERE customer_id = c.id AND status = 'completed'"
    assert fetch(f"SELECT count(*) FROM customers c WHERE lifetime_value <> ({spent})") == [(0,)]
    out = Equipment.objects.filter(status="rented").values_list("pk", flat=True)
    assert set(out) == set(Booking.objects.filter(status="active").values_list("equipment", flat=True))
    assert fetch("SELECT count(*) FROM payments WHERE status = 'completed' AND amount = 0") == [(0,)]
    for table in tables():
        assert fetch(f"SELECT count(*) FROM {table} WHERE created_at > updated_at") == [(0,)]
        assert fetch(f"SELECT count(*) FROM {table} WHERE updated_at > '{AT.isoformat()}'") == [(0,)]


def test_telephone_numbers_are_valid_nobodys_and_everybodys_own() -> None:
    numbers = [phone(number) for number in (0, 9_999, 10_000, 123_456, MAX_CUSTOMERS - 1)]
    assert len(set(numbers)) == 5
    for area in range(0, MAX_CUSTOMERS, 10_000):
        assert phonenumbers.is_valid_number(phonenumbers.parse(phone(area)))
        assert phone(area)[5:8] == "555"
    make()
    known = list(Customer.objects.exclude(phone="").values_list("phone", flat=True))
    assert len(known) == len(set(known))


def test_addresses_end_in_reserved_domains() -> None:
    make()
    emails = Customer.objects.exclude(email="").values_list("email", flat=True)
    assert emails
    assert all(
        email.rsplit(".", 1)[1] == "example" or email.split("@")[1].startswith("example.") for email in emails
    )
    assert all(email.isascii() for email in emails)


def test_the_words_hold_nothing_that_copy_reads_otherwise() -> None:
    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list | tuple):
            for part in value.values() if isinstance(value, dict) else value:
                yield from texts(part)

    found = [text for name, value in vars(words).items() if name.isupper() for text in texts(value)]
    assert len(found) > 200
    assert not [text for text in found if set(text) & set("\t\n\r\\")]


# ── What belongs to it ──────────────────────────────────────────────────────────────────────────────────
def test_consents_are_recorded_with_their_proof() -> None:
    make()
    kinds = set(CustomerConsent.objects.values_list("channel", "category", "enabled"))
    assert {("email", "marketing", True), ("email", "reminder", False), ("sms", "reminder", False)} <= kinds
    assert ConsentEvent.objects.count() == CustomerConsent.objects.count() > 20
    assert not ConsentEvent.objects.filter(occurred_at__gte=AT).exists()
    known = {str(pk) for pk in Customer.objects.values_list("pk", flat=True)}
    assert set(CustomerConsent.objects.values_list("customer_id", flat=True)) <= known


def test_browsers_of_those_who_prefer_push_are_those_the_sandbox_knows() -> None:
    make()
    pushed = [
        f"customer:{pk}"
        for pk in Customer.objects.filter(preferred_contact_method="push").values_list("pk", flat=True)
    ]
    targets = targets_of(pushed)
    customers = PushSubscription.objects.filter(recipient_key__startswith="customer:")
    assert customers.count() == sum(len(browsers) for browsers in targets.values())
    assert {len(targets.get(key, ())) for key in pushed} == {0, 1, 2}
    for target in next(iter(targets.values())):
        assert target.endpoint.startswith(f"{PUSH}/push/")
        assert push_keys.browser(target.endpoint.rsplit("/", 1)[1]) is not None


def test_every_recipient_group_has_somebody_who_cannot_log_in() -> None:
    make()
    for group in ("security_centre", "finance", "workshop", "support_leads"):
        members = User.objects.filter(groups__name=group)
        assert members
        assert not any(user.has_usable_password() for user in members)


def test_everybody_of_the_staff_has_one_browser_however_often_the_business_is_made() -> None:
    make()
    make(replace=True)
    staff = {f"staff:{pk}" for pk in User.objects.filter(is_staff=True).values_list("pk", flat=True)}
    assert len(staff) == len(STAFF)
    targets = targets_of(staff)
    assert {key: len(browsers) for key, browsers in targets.items()} == dict.fromkeys(staff, 1)


def test_tickets_are_taken_by_support_and_some_by_nobody() -> None:
    make()
    takers = set(SupportTicket.objects.values_list("assigned_to__username", flat=True))
    assert takers == {*SUPPORT, None}


# ── Sizes, refusals, failures ───────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("customers", "bookings"), [(1, 0), (1, 1), (1, 40), (40, 7), (3, 500)])
def test_small_businesses_have_the_size_asked_for(customers: int, bookings: int) -> None:
    rows = seed(customers=customers, bookings=bookings)["rows"]
    assert (rows["customers"], rows["bookings"]) == (customers, bookings)
    assert (Customer.objects.count(), Booking.objects.count()) == (customers, bookings)


def test_the_command_tells_what_it_made_and_what_is_due(capsys: pytest.CaptureFixture[str]) -> None:
    answer = seed()
    assert answer["rows"]["bookings"] == 500
    assert answer["due"] == {kind: len(numbers) for kind, numbers in found_due(AT).items()}
    assert all(answer["due"].values())
    assert capsys.readouterr().err == ""  # no progress bar where nobody watches
    out = StringIO()
    call_command("seed_rentals", stdout=out, replace=True, at=AT.isoformat())
    assert "Reminders due at 2026-11-20T15:00:00+00:00" in out.getvalue()
    call_command("seed_rentals", stdout=(silent := StringIO()), replace=True, verbosity=0)
    assert silent.getvalue() == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"customers": 0}, "customers must be 1 to"),
        ({"customers": MAX_CUSTOMERS + 1}, "customers must be 1 to"),
        ({"bookings": -1}, "bookings must be 0 to"),
        ({"audit_events": -1}, "audit-events must be 0 to"),
        ({"at": "tomorrow"}, "is not a moment"),
    ],
)
def test_a_bad_option_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        seed(**options)
    assert not Customer.objects.exists()


def test_it_refuses_where_there_are_customers() -> None:
    seed()
    first = fingerprints()
    with pytest.raises(CommandError, match="--replace"):
        seed(seed=2)
    assert fingerprints() == first


@pytest.mark.parametrize("replace", [False, True])
def test_it_refuses_a_live_database(settings: Any, replace: bool) -> None:
    seed()
    first = fingerprints()
    settings.POSTROOM_MODE = "live"
    with pytest.raises(CommandError, match="POSTROOM_MODE=live"):
        seed(replace=replace, seed=2)
    assert fingerprints() == first


def test_replacing_leaves_no_browser_of_former_customers_and_no_consent_twice() -> None:
    seed()
    events = ConsentEvent.objects.count()
    seed(replace=True)
    assert ConsentEvent.objects.count() == events
    seed(replace=True, seed=2)
    keys = {f"customer:{pk}" for pk in Customer.objects.values_list("pk", flat=True)}
    known = PushSubscription.objects.filter(recipient_key__startswith="customer:")
    assert set(known.values_list("recipient_key", flat=True)) <= keys


@pytest.mark.parametrize("replace", [False, True])
def test_rows_written_just_before_in_the_same_transaction_do_not_stand_in_the_way(replace: bool) -> None:
    booking = BookingFactory.create()
    if not replace:
        booking.delete()
        booking.customer.delete()
    assert seed(replace=replace)["rows"]["bookings"] == Booking.objects.count() == 500


def definitions() -> list[tuple[Any, ...]]:
    """Each index, constraint and trigger of the rental tables."""
    wanted = "ANY(ARRAY[{}]::regclass[])".format(", ".join(f"'{table}'" for table in tables()))
    return fetch(
        f"SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = {wanted}"
        f" UNION ALL SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = {wanted}"
        " ORDER BY 1, 2"
    )


def test_the_tables_keep_their_indexes_and_constraints() -> None:
    before = definitions()
    assert len(before) > 40
    seed()
    assert definitions() == before


@pytest.mark.parametrize(
    "step", ["rentals.sample.fleet.equipment_rows", "config.sample_business.subscribe_many"]
)
def test_a_failure_half_way_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    seed()
    before = fingerprints(), definitions()

    def fail(*_args: Any, **_options: Any) -> Any:
        raise RuntimeError("out of paper")

    monkeypatch.setattr(step, fail)
    with pytest.raises(RuntimeError):
        seed(replace=True, seed=2)
    assert (fingerprints(), definitions()) == before


# ── Which rows, at scale ────────────────────────────────────────────────────────────────────────────────
def test_what_is_due_is_found_by_the_partial_indexes_and_not_by_reading_the_history() -> None:
    make(bookings=30_000, customers=2_000)
    for table in ("bookings", "customers", "logistics_tasks", "push_subscriptions"):
        assert fetch(f"SELECT count(*) > 0 FROM pg_stats WHERE tablename = '{table}'") == [(True,)]
    for rows, index, table in (
        (Booking.objects.deposit_due(now=AT), "bookings_begin", "bookings"),
        (Booking.objects.pickup_today(now=AT), "bookings_begin", "bookings"),
        (Booking.objects.return_today(now=AT), "bookings_end", "bookings"),
        (LogisticsTask.objects.delivery_due(now=AT), "logistics_tasks_to_come", "logistics_tasks"),
    ):
        plan = rows.explain()
        assert index in plan, plan
        assert f"Seq Scan on {table}" not in plan, plan
