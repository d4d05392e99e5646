"""promotion_scheduler at its edges: what begins and ends when, who hears of it, in which words, and what stops an offer."""

import datetime as dt
import threading
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from consent.ledger import Change
from consent.preferences import record_many
from jobs import telling
from jobs.catalog import CATALOG, promotion_scheduler
from jobs.runner import run
from jobs.spec import JobResult, silent
from notifications.enqueue import notify_many
from notifications.models import Notification
from notifications.relevance import Question
from notifications.worker import drain
from rentals.models import Customer, CustomerSegmentMember, PromoRule
from rentals.relevance.promotions import over
from sandbox.testing import SandboxServer
from tests.business_factories import (
    DAY,
    MOMENT,
    CustomerSegmentFactory,
    CustomerSegmentMemberFactory,
    PromoRuleFactory,
)
from tests.factories import CustomerFactory, StaffFactory
from tests.plan_reader import explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept", "templates", "accountant")]

NAME = "promotion_scheduler"
KINDS = ("begun", "ended", "missed", "members")
MINUTE = dt.timedelta(minutes=1)
START = MOMENT - MINUTE
END = START + 14 * DAY


@pytest.fixture
def accountant(db: None) -> User:
    return StaffFactory.create(groups=("finance",))


def turn(now: dt.datetime = MOMENT) -> JobResult:
    return CATALOG[NAME].run(now=now, progress=silent)


def found(**counts: int) -> dict[str, int]:
    return dict.fromkeys(KINDS, 0) | counts


def status(rule: PromoRule) -> str:
    return PromoRule.objects.get(pk=rule.pk).status


def due(**fields: Any) -> PromoRule:
    """A promotion whose time has come a minute ago, for two weeks."""
    return PromoRuleFactory.create(**{"start_at": START, **fields})


def member(rule: PromoRule, *, asked: bool = True, **fields: Any) -> Customer:
    """A member of the rule's segment, who asked for offers or did not."""
    customer = CustomerFactory.create(**fields)
    CustomerSegmentMemberFactory.create(segment=rule.segment, customer=customer)
    if asked:
        ask_for_offers([customer])
    return customer


def ask_for_offers(customers: Sequence[Customer]) -> None:
    record_many(
        Change(
            customer_id=str(customer.pk),
            channel="email",
            category="marketing",
            enabled=True,
            source="web_form",
            actor="customer",
            at=MOMENT - DAY,
            wording="Send me offers.",
        )
        for customer in customers
    )


def offers() -> Any:
    return Notification.objects.filter(template__name="promotion.announcement").order_by("created_at", "id")


# ── What begins and ends ────────────────────────────────────────────────────────────────────────────────
def test_nothing_due_changes_nothing() -> None:
    rules = [PromoRuleFactory.create(), due(status="draft"), due(status="active"), due(status="expired")]
    assert turn() == JobResult(found=found())
    assert [status(rule) for rule in rules] == ["scheduled", "draft", "active", "expired"]
    assert not Notification.objects.exists()


@pytest.mark.parametrize(("before", "wanted"), [(MINUTE, "scheduled"), (0 * MINUTE, "active")])
def test_a_promotion_begins_at_its_moment(before: dt.timedelta, wanted: str) -> None:
    rule = due()
    turn(START - before)
    assert status(rule) == wanted


@pytest.mark.parametrize(("before", "wanted"), [(MINUTE, "active"), (0 * MINUTE, "expired")])
def test_a_promotion_ends_at_its_moment(before: dt.timedelta, wanted: str) -> None:
    rule = due(status="active")
    turn(END - before)
    assert status(rule) == wanted


def test_one_without_an_end_holds_until_somebody_ends_it() -> None:
    rule = due(end_at=None)
    turn()
    assert turn(MOMENT + 900 * DAY).found == found()
    assert status(rule) == "active"


def test_priority_and_stackable_are_only_data() -> None:
    rules = [due(priority=n, stackable=bool(n % 2)) for n in range(3)]
    assert turn().changed == {"promotions now active": 3}
    assert {status(rule) for rule in rules} == {"active"}


@pytest.mark.parametrize(
    "start",
    [
        "2026-03-08T00:30-04:00",  # the clocks go forward at 02:00
        "2026-11-01T01:30-03:00",  # 01:30 comes twice, an hour apart: this is the first
        "2026-11-01T01:30-04:00",
    ],
)
def test_a_moment_is_a_moment_when_the_clocks_change(start: str) -> None:
    at = dt.datetime.fromisoformat(start)
    rule = PromoRuleFactory.create(start_at=at)
    turn(at - MINUTE)
    assert status(rule) == "scheduled"
    turn(at.astimezone(dt.UTC))
    assert status(rule) == "active"


# ── Staff ───────────────────────────────────────────────────────────────────────────────────────────────
def test_finance_and_the_maker_hear_of_a_beginning_and_an_end_once_each(accountant: User) -> None:
    maker = StaffFactory.create()
    rule = due(name="Winter earthworks", created_by=maker)
    assert turn() == JobResult(found=found(begun=1), queued=4, changed={"promotions now active": 1})
    rows = Notification.objects.all()
    assert {(row.recipient_key, row.channel) for row in rows} == {
        (f"staff:{user.pk}", channel) for user in (maker, accountant) for channel in ("email", "inapp")
    }
    assert rows[0].payload == {
        "name": "Winter earthworks",
        "ends_on": "2026-12-04",
        "is_announced": False,
        "promo_url": rows[0].payload["promo_url"],
    }
    assert rows[0].payload["promo_url"].endswith(f"/admin/rentals/promorule/{rule.pk}/change/")
    assert turn(MOMENT + 15 * MINUTE) == JobResult(found=found())
    ended = turn(END)
    assert ended == JobResult(found=found(ended=1), queued=4, changed={"promotions now expired": 1})
    last = Notification.objects.filter(template__name="promotion.ended")
    assert {row.payload["was_missed"] for row in last} == {False}


def test_a_maker_of_the_finance_team_hears_once(accountant: User) -> None:
    due(created_by=accountant)
    assert turn().queued == 2
    assert set(Notification.objects.values_list("recipient_key", flat=True)) == {f"staff:{accountant.pk}"}


def test_nobody_in_finance_stops_no_promotion_and_no_offer(
    accountant: User, caplog: pytest.LogCaptureFixture
) -> None:
    accountant.groups.clear()
    due()
    assert turn() == JobResult(found=found(begun=1), changed={"promotions now active": 1})
    assert "job.group_empty job=promotion_scheduler group=finance" in caplog.text


@pytest.mark.parametrize("gone", [None, {"is_active": False}])
def test_a_maker_who_left_stops_nothing(gone: Any) -> None:
    rule = due(created_by=StaffFactory.create(**gone) if gone else None)
    assert turn().queued == 2
    assert status(rule) == "active"


def test_a_promotion_that_begins_again_on_another_day_is_told_to_staff_again() -> None:
    rule = due()
    turn()
    PromoRule.objects.filter(pk=rule.pk).update(status="scheduled", start_at=MOMENT + DAY)
    assert turn(MOMENT + DAY).queued == 2


# ── Customers ───────────────────────────────────────────────────────────────────────────────────────────
def test_the_members_who_asked_for_offers_are_told_and_the_others_withheld() -> None:
    rule = due(announce=True, name="Winter earthworks", discount_value=Decimal("12.50"))
    english, french = member(rule), member(rule, locale="fr")
    member(rule, asked=False)
    ask_for_offers([CustomerFactory.create()])  # of no segment
    result = turn()
    assert result.found == found(begun=1, members=3)
    assert (result.queued, result.withheld) == (2 + 2, 1)
    rows = {row.to["customer_id"]: row for row in offers().filter(status="queued")}
    assert rows[str(english.pk)].payload == {
        "name": "Winter earthworks",
        "discount": "12.5%",
        "ends_on": "2026-12-04",
        "promo_url": rows[str(english.pk)].payload["promo_url"],
    }
    assert rows[str(french.pk)].payload["discount"] == "12,5\xa0%"
    for row in rows.values():
        assert (row.channel, row.category) == ("email", "marketing")
        assert row.expires_at == END
        assert row.payload["promo_url"].endswith(f"/promotions/{rule.pk}")
        assert row.idempotency_key == f"promotion_scheduler:announce:{rule.pk}:{row.to['customer_id']}"


@pytest.mark.parametrize(
    ("fields", "locale", "discount"),
    [
        ({"discount_value": Decimal("10.00")}, "en", "10%"),
        ({"discount_value": Decimal("100.00")}, "fr", "100\xa0%"),
        ({"discount_type": "fixed", "discount_value": Decimal("200.00")}, "en", "$200.00"),
        ({"discount_type": "fixed", "discount_value": Decimal("1200.00")}, "fr", "1\xa0200,00\xa0$"),
    ],
)
def test_the_discount_reads_as_in_the_readers_language(
    fields: dict[str, Any], locale: str, discount: str
) -> None:
    member(due(announce=True, **fields), locale=locale)
    turn()
    assert offers().get().payload["discount"].replace("\u202f", "\xa0") == discount


@pytest.mark.parametrize(
    ("end", "last_day"),
    [
        ("2026-12-05T00:00-04:00", "2026-12-04"),  # midnight ends the day before
        ("2026-12-04T23:59-04:00", "2026-12-04"),
        ("2026-12-05T00:01-04:00", "2026-12-05"),
    ],
)
def test_the_last_day_is_the_one_on_which_it_still_holds(end: str, last_day: str) -> None:
    member(due(announce=True, end_at=dt.datetime.fromisoformat(end)))
    turn()
    assert offers().get().payload["ends_on"] == last_day


def test_an_offer_without_an_end_names_none_and_reads_well(sandbox: SandboxServer) -> None:
    member(due(announce=True, end_at=None, name="Old friends"))
    turn()
    assert "ends_on" not in offers().get().payload
    drain(now=MOMENT)
    assert offers().get().status == "sent"
    assert any("Old friends: 10% off" in str(message) for message in sandbox.messages())


def test_what_is_not_to_be_announced_is_not() -> None:
    rule = due(segment=CustomerSegmentFactory.create())
    member(rule)
    assert turn().found == found(begun=1)
    assert not offers().exists()


@pytest.mark.parametrize("standing", ["inactive", "suspended"])
def test_who_may_not_rent_gets_no_offer(standing: str) -> None:
    member(due(announce=True), status=standing)
    assert turn().found["members"] == 0


def test_an_offer_comes_once_even_if_the_promotion_begins_twice() -> None:
    rule = due(announce=True)
    member(rule)
    turn()
    PromoRule.objects.filter(pk=rule.pk).update(status="scheduled")
    again = turn(MOMENT + 15 * MINUTE)
    assert (again.found["members"], again.queued, again.existing) == (1, 0, 3)


def test_a_late_run_still_tells_and_a_missed_promotion_is_told_to_staff_alone() -> None:
    late = due(announce=True, start_at=MOMENT - 3 * DAY)
    missed = due(announce=True, start_at=MOMENT - 3 * DAY, end_at=MOMENT)
    member(late), member(missed)
    result = turn()
    assert result.found == found(begun=1, missed=1, members=1)
    assert result.changed == {"promotions now active": 1, "promotions now expired": 1}
    assert [status(late), status(missed)] == ["active", "expired"]
    assert offers().get().metadata["promotion_id"] == str(late.pk)
    ended = Notification.objects.filter(template__name="promotion.ended")
    assert {row.payload["was_missed"] for row in ended} == {True}


def test_a_run_for_a_past_moment_turns_nothing_back() -> None:
    rule = due()
    turn()
    assert turn(MOMENT - 30 * DAY) == JobResult(found=found())
    assert status(rule) == "active"


# ── Stopped on the way ──────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "expired"}, "It no longer holds: The promotion is expired."),
        ({"status": "draft"}, "It no longer holds: The promotion is draft."),
        ({"end_at": MOMENT}, "It no longer holds: The promotion is expired."),  # cut short, not noted yet
    ],
)
def test_an_offer_that_was_ended_or_withdrawn_stays_behind(changes: dict[str, Any], reason: str) -> None:
    rule = due(announce=True)
    member(rule)
    turn()
    PromoRule.objects.filter(pk=rule.pk).update(**changes)
    drain(now=MOMENT)
    row = offers().get()
    assert (row.status, row.metadata["withheld"]["reason"]) == ("cancelled", reason)


def test_an_offer_dies_with_its_promotion() -> None:
    rule = due(announce=True)
    member(rule)
    turn()
    drain(now=END)
    assert offers().get().status == "cancelled"


def test_an_offer_that_holds_goes_out_in_the_readers_language(sandbox: SandboxServer) -> None:
    rule = due(announce=True, name="Terrassement d’hiver")
    member(rule, locale="fr")
    turn()
    drain(now=MOMENT)
    assert offers().get().status == "sent"
    assert any("10 % de rabais jusqu’au 4 décembre" in message["title"] for message in sandbox.messages())


def test_word_of_an_end_that_was_put_off_stays_behind() -> None:
    rule = due(status="active", end_at=MOMENT)
    turn()
    PromoRule.objects.filter(pk=rule.pk).update(status="active", end_at=MOMENT + DAY)
    drain(now=MOMENT)
    assert set(Notification.objects.values_list("status", flat=True)) == {"cancelled"}


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"promotion_id": str(uuid.uuid4())},
        {"promotion_id": "P-1", "says": "active"},
        {"promotion_id": str(uuid.uuid4()), "says": "soon"},
        {"promotion_id": str(uuid.uuid4()), "says": ["active"]},
    ],
)
def test_somebody_elses_message_is_not_judged_and_costs_nothing(
    metadata: dict[str, Any], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert over([Question(uuid.uuid4(), "promotion.x", {}, metadata, "customer:1")], now=MOMENT) == {}


def test_a_deleted_promotion_ends_its_messages_in_one_query(django_assert_num_queries: Any) -> None:
    metadata = [{"promotion_id": str(pk), "says": "active"} for pk in (uuid.uuid4(), due(status="active").pk)]
    questions = [Question(uuid.uuid4(), "promotion.x", {}, each, "customer:1") for each in metadata]
    with django_assert_num_queries(1):
        assert over(questions, now=MOMENT) == {questions[0].id: "The promotion is gone."}


# ── Failures, races, scale ──────────────────────────────────────────────────────────────────────────────
def test_a_failure_half_way_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = due(announce=True)
    member(rule)
    calls: list[int] = []

    def fail_on_the_second(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("no more")
        return notify_many(*args, **options)

    monkeypatch.setattr(telling, "notify_many", fail_on_the_second)
    assert CATALOG[NAME].atomic
    with pytest.raises(RuntimeError), transaction.atomic():
        turn()
    assert status(rule) == "scheduled"
    assert not Notification.objects.exists()
    monkeypatch.undo()
    assert turn().queued == 3


def test_pages_lose_nobody_and_progress_reaches_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "PAGE", 2)
    rule = due(announce=True)
    for _ in range(5):
        member(rule)
    seen: list[tuple[int, int]] = []
    result = promotion_scheduler.run(now=MOMENT, progress=lambda done, total: seen.append((done, total)))
    assert (result.found["members"], offers().count()) == (5, 5)
    assert seen[-1] == (6, 6)


def test_the_number_of_statements_does_not_grow_with_the_members() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            turn()
        return len(queries)

    member(due(announce=True)), member(due(announce=True))
    few = statements()
    rules = [due(announce=True) for _ in range(2)]
    for _ in range(10):
        for rule in rules:
            member(rule)
    assert statements() <= few + 4  # a set asks for objections that a single message presumes absent


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_shows_states_and_offers_and_changes_nothing() -> None:
    rule = due(announce=True)
    member(rule)
    report = run(NAME, now=MOMENT, trigger="command", dry_run=True)
    assert report.status == "success", report.error
    assert [(row.table, row.columns["status"]) for row in report.rows] == [
        ("promo_rules", ("scheduled", "active"))
    ]
    assert {message.template for message in report.messages} == {"promotion.begun", "promotion.announcement"}
    assert status(rule) == "scheduled"
    assert not Notification.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_tell_once() -> None:
    rule = due(announce=True)
    member(rule), due(status="active", end_at=MOMENT)
    start, results = threading.Barrier(2), []

    def one() -> None:
        try:
            with transaction.atomic():
                start.wait(timeout=10)
                results.append(turn())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(result.queued for result in results) == [0, 5]
    assert [result.existing for result in results] == [0, 0]
    assert status(rule) == "active"


HISTORY = """
INSERT INTO promo_rules (name, status, start_at, end_at, priority, stackable, discount_type, discount_value, announce)
    SELECT n, CASE WHEN n % 100 = 0 THEN 'scheduled' WHEN n % 100 = 1 THEN 'active' ELSE 'expired' END,
        timestamptz '2027-01-01' + n * interval '1 hour', timestamptz '2028-01-01', 0, false, 'fixed', 1, false
    FROM generate_series(1, 6000) AS n;
INSERT INTO customers (first_name, last_name, email, phone, company_name, locale, timezone, preferred_contact_method, status,
        risk_score, lifetime_value, city, province, stripe_customer_id)
    SELECT '', n, '', '', '', 'en', 'America/Moncton', 'email', 'active', 0, 0, '', '', '' FROM generate_series(1, 2000) AS n;
INSERT INTO customer_segments (name, description, filter, auto_refresh, member_count)
    SELECT 'segment of history ' || n, '', '{}', false, 0 FROM generate_series(1, 20) AS n;
INSERT INTO customer_segment_members (segment_id, customer_id)
    SELECT segment.id, customer.id FROM customer_segments AS segment, customers AS customer WHERE segment.name LIKE '%history%';
ANALYZE;
"""


def test_drafts_history_and_other_segments_are_not_read() -> None:
    rule = due(announce=True)
    member(rule)
    with connection.cursor() as cursor:
        cursor.execute(HISTORY)
    with explained("promo_rules", "customer_segment_members") as plans:
        assert turn().found == found(begun=1, members=1)
    read = set().union(*(plan.indexes for plan in plans))
    assert {"promo_rules_begin", "promo_rules_end", "customer_segment_members_once"} <= read
    faults = [str(plan) for plan in plans if plan.whole_tables - {"auth_user"}]
    assert faults == [], "\n".join(faults)
    assert CustomerSegmentMember.objects.count() > 40_000
