"""Writing consent: the event and the state together, once, whatever comes twice, late, or at the same time."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from consent.ledger import State
from consent.models import ConsentEvent, CustomerConsent
from consent.preferences import BATCH, Change, ConsentError, current, grant, record_many, revoke
from consent.rebuild import drifts
from tests.rivals import Rival

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
KEY: dict[str, Any] = {"customer_id": "c1", "channel": "email", "category": "marketing"}
BY: dict[str, Any] = {"source": "web_form", "actor": "customer"}


def day(number: int) -> dt.datetime:
    return NOW + dt.timedelta(days=number)


@pytest.mark.django_db
class TestOneChange:
    def test_a_grant_is_an_event_with_its_proof_and_a_state(self) -> None:
        event = grant(**KEY, **BY, at=NOW, wording="Send me offers.", evidence={"form": "/signup"})
        stored = ConsentEvent.objects.get()
        assert event == stored
        assert (stored.action, stored.actor, stored.source) == ("granted", "customer", "web_form")
        assert stored.wording is not None
        assert (stored.wording.text, stored.evidence) == ("Send me offers.", {"form": "/signup"})
        assert stored.occurred_at == NOW
        assert stored.recorded_at is not None
        row = CustomerConsent.objects.get(**KEY)
        assert (row.enabled, row.granted_at, row.revoked_at, row.source) == (True, NOW, None, "web_form")

    def test_a_revocation_keeps_when_it_was_granted(self) -> None:
        grant(**KEY, **BY, at=NOW)
        revoke(**KEY, source="one_click", actor="customer", at=day(1))
        row = CustomerConsent.objects.get(**KEY)
        assert (row.enabled, row.granted_at, row.revoked_at, row.source) == (False, NOW, day(1), "one_click")

    def test_a_reminder_can_be_revoked_that_was_never_granted(self) -> None:
        assert revoke(customer_id="c1", channel="sms", category="reminder", **BY, at=NOW)
        assert current("c1") == {("sms", "reminder"): State(None, NOW, "web_form")}

    @pytest.mark.parametrize("act", [grant, revoke])
    def test_the_same_again_adds_nothing(self, act: Callable[..., Any]) -> None:
        assert act(**KEY, **BY, at=NOW)
        assert act(**KEY, **BY, at=NOW) is None
        assert act(**KEY, **BY, at=NOW + dt.timedelta(hours=1)) is None
        assert ConsentEvent.objects.count() == 1

    def test_a_no_on_another_day_is_on_record_and_no_older_yes_undoes_it(self) -> None:
        revoke(**KEY, **BY, at=NOW)
        assert revoke(**KEY, **BY, at=day(30))
        assert grant(**KEY, source="import", actor="job:import", at=day(15))
        assert not current("c1")["email", "marketing"].enabled
        assert drifts(["c1"]) == []

    def test_a_yes_on_another_day_adds_nothing(self) -> None:
        grant(**KEY, **BY, at=NOW)
        assert grant(**KEY, **BY, at=day(30)) is None

    def test_to_and_fro_keeps_every_step(self) -> None:
        for number, act in enumerate((grant, revoke, grant, revoke)):
            act(**KEY, **BY, at=day(number))
        actions = ConsentEvent.objects.order_by("occurred_at").values_list("action", flat=True)
        assert list(actions) == ["granted", "revoked", "granted", "revoked"]
        assert CustomerConsent.objects.count() == 1

    def test_an_old_grant_heard_of_late_is_kept_once_and_changes_nothing(self) -> None:
        revoke(**KEY, **BY, at=NOW)
        old: dict[str, Any] = {"source": "import", "actor": "job:import", "at": day(-30)}
        assert grant(**KEY, **old)
        assert grant(**KEY, **old) is None
        row = CustomerConsent.objects.get(**KEY)
        assert (row.enabled, row.granted_at, row.source) == (False, day(-30), "web_form")
        assert ConsentEvent.objects.count() == 2

    @pytest.mark.parametrize("category", ["security", "transactional"])
    def test_what_is_mandatory_cannot_be_revoked_and_the_error_says_so(self, category: str) -> None:
        with pytest.raises(ConsentError, match=f"{category.capitalize()} messages can't be switched off"):
            revoke(customer_id="c1", channel="email", category=category, **BY, at=NOW)
        assert not ConsentEvent.objects.exists()

    def test_it_shares_the_fate_of_the_callers_transaction(self) -> None:
        with transaction.atomic():
            grant(**KEY, **BY, at=NOW)
            transaction.set_rollback(True)
        assert not ConsentEvent.objects.exists()
        assert not CustomerConsent.objects.exists()

    def test_event_and_state_are_written_together_or_not_at_all(self) -> None:
        def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if "INSERT INTO customer_consent" in sql:
                raise DatabaseError("the disk is full")
            return execute(sql, params, many, context)

        with pytest.raises(DatabaseError), connection.execute_wrapper(fail):
            grant(**KEY, **BY, at=NOW)
        assert not ConsentEvent.objects.exists()

    @pytest.mark.parametrize(
        "sql", ["UPDATE consent_events SET actor = 'nobody'", "DELETE FROM consent_events"]
    )
    def test_the_ledger_cannot_be_rewritten(self, sql: str) -> None:
        grant(**KEY, **BY, at=NOW)
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
        assert ConsentEvent.objects.get().actor == "customer"


@pytest.mark.django_db
class TestManyChanges:
    @staticmethod
    def changes(count: int) -> Iterator[Change]:
        for number in range(count):
            yield Change(f"c{number}", "email", "marketing", True, "import", "job:test", NOW)
            if number % 3 == 0:
                yield Change(f"c{number}", "email", "marketing", False, "one_click", "customer", day(1))

    def test_a_whole_history_in_one_batch_ends_in_its_last_state(self) -> None:
        assert record_many(self.changes(30)) == 40
        off = CustomerConsent.objects.filter(enabled=False).values_list("customer_id", flat=True)
        assert set(off) == {f"c{number}" for number in range(0, 30, 3)}
        assert set(CustomerConsent.objects.filter(enabled=False).values_list("source", flat=True)) == {
            "one_click"
        }

    def test_doing_it_again_adds_nothing(self) -> None:
        record_many(self.changes(30))
        assert record_many(self.changes(30)) == 0
        assert ConsentEvent.objects.count() == 40

    def test_the_cost_is_by_batch_not_by_change(self, django_assert_num_queries: Any) -> None:
        changes = [
            Change(f"c{n}", "sms", "reminder", False, "import", "job:test", NOW) for n in range(BATCH + 1)
        ]
        # A batch: savepoint, locks, states, events, projection, release. (Two batches here.)
        with django_assert_num_queries(2 * 6):
            assert record_many(changes) == BATCH + 1
        assert CustomerConsent.objects.count() == BATCH + 1

    def test_one_bad_change_keeps_its_whole_batch_out(self) -> None:
        good = Change("c1", "email", "marketing", True, "import", "job:test", NOW)
        bad = Change("c2", "email", "security", False, "import", "job:test", NOW)
        with pytest.raises(ConsentError):
            record_many([good, bad])
        assert not ConsentEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_two_revocations_at_once_are_one_event(self) -> None:
        with transaction.atomic():
            assert revoke(**KEY, **BY, at=NOW)
            rival = Rival(lambda: revoke(**KEY, **BY, at=day(0)))
            assert rival.waits_for_a_lock()
        rival.join(10)
        assert rival.answer is None
        assert ConsentEvent.objects.count() == 1

    def test_a_grant_and_a_revocation_at_once_leave_the_later_one_standing(self) -> None:
        with transaction.atomic():
            assert revoke(**KEY, **BY, at=day(1))
            rival = Rival(lambda: grant(**KEY, **BY, at=NOW))
            assert rival.waits_for_a_lock()
        rival.join(10)
        assert isinstance(rival.answer, ConsentEvent)
        assert ConsentEvent.objects.count() == 2
        assert not CustomerConsent.objects.get().enabled

    def test_a_batch_waits_for_the_customer_it_shares_with_somebody(self) -> None:
        with transaction.atomic():
            revoke(**KEY, **BY, at=day(1))
            batch = [Change(f"c{n}", "email", "marketing", True, "import", "job:test", NOW) for n in range(5)]
            rival = Rival(lambda: record_many(batch))
            assert rival.waits_for_a_lock()
        rival.join(10)
        assert rival.answer == 5
        assert not CustomerConsent.objects.get(customer_id="c1").enabled

    def test_another_customer_does_not_wait(self) -> None:
        with transaction.atomic():
            revoke(**KEY, **BY, at=NOW)
            rival = Rival(lambda: revoke(**(KEY | {"customer_id": "c2"}), **BY, at=NOW))
            assert not rival.waits_for_a_lock()
            rival.join(10)
        assert isinstance(rival.answer, ConsentEvent)
