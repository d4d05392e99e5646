"""Keys leave: what an older one sealed is sealed anew, wherever it stands, and nothing is lost or done twice."""

import io
import json
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from consent import rotate as rotation
from consent.field_keys import encryption_keys, key_id
from consent.sealed import SealError, key_of, seal, unseal
from consent.sealed_places import sealed_places
from notifications.models import Notification, PushSubscription
from notifications.sealed_payload import open_payload, seal_payload
from tests.notification_factories import NotificationFactory, PushSubscriptionFactory, sealed
from tests.roles import CLERK, MEMBER, STRANGER, WORKER, logged_in_as, make_role

pytestmark = pytest.mark.django_db
OLD, NEW, THIRD = "o" * 32, "n" * 32, "t" * 32


def named(secret: str, settings: Any) -> str:
    """The id of this entry of FIELD_KEYS."""
    return key_id(encryption_keys()[settings.FIELD_KEYS.index(secret)])


def run(**options: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command("rotate_keys", json=True, stdout=out, **options)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def bare(text: str) -> str:
    """A token as an earlier release wrote it, without a key id."""
    return seal(text).partition(":")[2]


@pytest.fixture
def sealed_rows(settings: Any) -> list[Notification]:
    """Three messages and a browser, sealed with the old key; one of them by an earlier release. The new key is in front."""
    settings.FIELD_KEYS = [OLD]
    rows = [NotificationFactory.create(to=sealed(f"jo{n}@example.org")) for n in range(2)]
    rows[1].to["address"]["sealed"] = bare(json.dumps({"value": "jo1@example.org", "name": ""}))
    rows[1].save()
    rows.append(NotificationFactory.create(payload=seal_payload({"code": "918273", "name": "Jo"}, {"code"})))
    PushSubscriptionFactory.create(sealed=seal("endpoint"))
    NotificationFactory.create(payload={"amount": "12"})
    settings.FIELD_KEYS = [NEW, OLD]
    return rows


def test_everything_is_under_the_first_key_and_reads_the_same(
    sealed_rows: list[Notification], settings: Any
) -> None:
    assert sum(run(batch=2)["resealed"].values()) == 4
    settings.FIELD_KEYS = [NEW]
    for number, row in enumerate(sealed_rows[:2]):
        row.refresh_from_db()
        assert json.loads(unseal(row.to["address"]["sealed"]))["value"] == f"jo{number}@example.org"
        assert row.to["address"]["hint"] == "j•••@e•••.org"
    sealed_rows[2].refresh_from_db()
    assert open_payload(sealed_rows[2].payload, {"code"}) == {"code": "918273", "name": "Jo"}
    assert unseal(PushSubscription.objects.get().sealed) == "endpoint"


def test_a_second_run_changes_nothing(sealed_rows: list[Notification]) -> None:
    run()
    before = list(Notification.objects.order_by("pk").values_list("pk", "to", "payload"))
    assert sum(run()["resealed"].values()) == 0
    assert list(Notification.objects.order_by("pk").values_list("pk", "to", "payload")) == before


def test_a_run_that_was_cut_off_goes_on_where_it_was(
    sealed_rows: list[Notification], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_count: int) -> None:
        raise KeyboardInterrupt

    place = next(place for place in sealed_places() if place.name == "notification_queue.to")
    with pytest.raises(KeyboardInterrupt):
        rotation.rotate(place, batch=1, advance=cut)
    assert sum(run(batch=1)["resealed"].values()) == 3, "the first page was committed and is not done again"


def test_a_check_counts_by_place_and_key_and_changes_nothing(
    sealed_rows: list[Notification], settings: Any
) -> None:
    old, new = named(OLD, settings), named(NEW, settings)
    before = list(Notification.objects.order_by("pk").values_list("to", "payload"))
    answer = run(check=True)
    assert {place: keys for place, keys in answer["places"].items() if keys} == {
        "notification_queue.to": {old: 2},
        "notification_queue.payload": {old: 1},
        "push_subscriptions.sealed": {old: 1},
    }
    assert answer["resealed"] is None
    assert list(Notification.objects.order_by("pk").values_list("to", "payload")) == before
    assert {key["id"]: key["values"] for key in answer["keys"]} == {new: 0, old: 4}
    assert not any(secret in json.dumps(answer) for secret in (OLD, NEW))


def test_a_key_may_be_removed_once_nothing_needs_it_but_never_the_one_of_the_indexes(
    sealed_rows: list[Notification], settings: Any
) -> None:
    settings.FIELD_KEYS = [THIRD, NEW, OLD]
    seal_with_new = {"sealed": "x"}
    settings.FIELD_KEYS = [NEW, OLD]
    seal_with_new["sealed"] = seal("one more")
    PushSubscriptionFactory.create(**seal_with_new)
    settings.FIELD_KEYS = [THIRD, NEW, OLD]
    fate = {key["id"]: key["may_be_removed"] for key in run(check=True)["keys"]}
    assert fate == {named(THIRD, settings): False, named(NEW, settings): False, named(OLD, settings): False}
    fate = {key["id"]: key["may_be_removed"] for key in run()["keys"]}
    assert fate == {named(THIRD, settings): False, named(NEW, settings): True, named(OLD, settings): False}


def test_what_no_key_opens_stays_as_it_is_is_counted_and_fails_the_command(
    sealed_rows: list[Notification], settings: Any
) -> None:
    foreign = Fernet(Fernet.generate_key()).encrypt(b"jane").decode()
    PushSubscriptionFactory.create(sealed=foreign)
    PushSubscriptionFactory.create(sealed=f"deadbeef:{foreign}")
    out = io.StringIO()
    with pytest.raises(CommandError, match="2 values are opened by none"):
        call_command("rotate_keys", json=True, stdout=out)
    answer = json.loads(out.getvalue())
    assert answer["places"]["push_subscriptions.sealed"]["none of FIELD_KEYS"] == 2
    assert not any(key["may_be_removed"] for key in answer["keys"])
    assert PushSubscription.objects.filter(sealed__contains=foreign).count() == 2
    assert sum(answer["resealed"].values()) == 4, "the others are done"


def test_a_token_names_its_key_and_no_other_opens_it(settings: Any) -> None:
    settings.FIELD_KEYS = [NEW, OLD]
    token = seal("jane")
    assert token.startswith(f"{named(NEW, settings)}:")
    assert key_of(token) == named(NEW, settings)
    with pytest.raises(SealError):
        unseal(token.replace(named(NEW, settings), named(OLD, settings)))
    assert key_of(bare("jane")) == named(NEW, settings)
    assert key_of("no token") == ""


@pytest.mark.parametrize("batch", [0, -1, 10_001])
def test_a_bad_batch_is_named(batch: int) -> None:
    with pytest.raises(CommandError, match="--batch"):
        call_command("rotate_keys", batch=batch)


def test_the_table_is_for_people(sealed_rows: list[Notification], settings: Any) -> None:
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    assert "4 values were encrypted anew" in out.getvalue()
    assert f"Key {named(OLD, settings)} makes the blind indexes: 0 values, stays." in out.getvalue()


# ── Which login ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("role", "hidden"), [(STRANGER, "notification_queue"), (WORKER, "second_factors")])
def test_a_login_that_cannot_see_every_value_frees_no_key(
    role: str, hidden: str, check: bool, sealed_rows: list[Notification]
) -> None:
    """The owner of the tables, too, sees no row and may read: «0 values, may be removed» would be the end of them."""
    make_role(STRANGER)
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA public TO {STRANGER}")
    out = io.StringIO()
    try:
        with (
            logged_in_as(role),
            pytest.raises(CommandError, match=f"cannot get at .*{hidden}.*postroom_admin"),
        ):
            call_command("rotate_keys", check=check, stdout=out)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {STRANGER}")
    assert out.getvalue() == ""
    assert count_of_old(sealed_rows) == 3


@pytest.mark.django_db(transaction=True)
def test_the_login_of_the_web_server_rotates_and_the_back_office_alone_may_too(
    sealed_rows: list[Notification], settings: Any
) -> None:
    with logged_in_as(MEMBER):
        assert sum(run()["resealed"].values()) == 4
    with logged_in_as(CLERK):
        assert sum(run()["resealed"].values()) == 0
    assert count_of_old(sealed_rows) == 0


def count_of_old(rows: list[Notification]) -> int:
    """How many of these messages are not under the first key."""
    for row in rows:
        row.refresh_from_db()
    newest = key_id(encryption_keys()[0])
    return sum(newest not in f"{row.to}{row.payload}" for row in rows)
