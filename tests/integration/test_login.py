"""Signing in to the admin: not too often, with a code for those who set one up, and nothing told to those who guess."""

import base64
import datetime as dt
import re
import threading
from io import StringIO
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone, translation

from config import second_factor
from config.doors import Limit, limits
from config.models import RequestCount, SecondFactor
from consent.sealed import unseal
from rentals.models import AuditEvent
from tests.operators import operator_user, seen

pytestmark = pytest.mark.django_db
LOGIN, HERE = "/admin/login/?next=/admin/", "/admin/two-step/"
PASSWORD = "correct horse battery"
WRONG = "Please enter the correct username and password"
WAIT = "Too many tries. Wait 15 minutes"


@pytest.fixture(autouse=True)
def fast_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def olive() -> User:
    return operator_user("*", username="olive", password=PASSWORD)


def sign_in(
    name: str = "olive", password: str = PASSWORD, code: str = "", client: Client | None = None, **meta: Any
) -> Any:
    form = {"username": name, "password": password, "code": code}
    return (client or Client()).post(LOGIN, form, **meta)


def set_up(user: User) -> list[str]:
    """A confirmed factor; answers its recovery codes. The code that confirmed it was of a while ago."""
    second_factor.begin(user)
    codes = second_factor.confirm(user, code_of(user))
    SecondFactor.objects.update(last_step=0)
    return list(codes)


def code_of(user: User, *, at: dt.datetime | None = None) -> str:
    """What the authenticator app shows."""
    secret = base64.b32decode(unseal(SecondFactor.objects.get(pk=user.pk).sealed))
    moment = int((at or timezone.now()).timestamp())
    return TOTP(secret, 6, SHA1(), 30).generate(moment).decode()


# ── Too often ───────────────────────────────────────────────────────────────────────────────────────────
def test_after_five_wrong_passwords_the_right_one_has_to_wait_too(settings: Any, olive: User) -> None:
    settings.LIMITS = limits()
    for _ in range(5):
        assert WRONG in seen(sign_in(password="wrong"))
    assert WAIT in seen(sign_in())
    assert sign_in(REMOTE_ADDR="203.0.113.9").status_code == 302, "olive herself, from elsewhere"
    RequestCount.objects.update(ends_at=timezone.now() - dt.timedelta(seconds=1))
    assert sign_in().status_code == 302


def test_a_name_that_nobody_has_meets_the_same_words_and_the_same_limit(settings: Any) -> None:
    settings.LIMITS = limits()
    for _ in range(5):
        assert WRONG in seen(sign_in("nobody"))
    assert WAIT in seen(sign_in("NOBODY"))


def test_one_network_that_tries_many_names_is_stopped(settings: Any, olive: User) -> None:
    settings.LIMITS = limits() | {"logins_of_network": Limit(8, dt.timedelta(minutes=15))}
    for number in range(8):
        sign_in(f"name{number}")
    assert WAIT in seen(sign_in())


def test_who_signs_in_often_and_well_is_never_stopped(settings: Any, olive: User) -> None:
    settings.LIMITS = dict.fromkeys(limits(), Limit(2, dt.timedelta(minutes=15)))
    assert [sign_in().status_code for _ in range(6)] == [302] * 6
    sign_in(password="wrong")
    assert sign_in().status_code == 302


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_not_let_through_together(settings: Any) -> None:
    settings.LIMITS = limits()
    operator_user("*", username="olive", password=PASSWORD)
    answers: list[bool] = []

    def one() -> None:
        answers.append(WRONG in sign_in(password="wrong").content.decode())
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answers) == 5


def test_it_says_so_in_french(settings: Any, olive: User) -> None:
    settings.LIMITS = dict.fromkeys(limits(), Limit(1, dt.timedelta(minutes=15)))
    sign_in(password="wrong")
    with translation.override(None):
        page = sign_in(headers={"Accept-Language": "fr"})
    assert "Trop d’essais. Attendez 15 minutes" in seen(page)


def test_a_failure_is_an_audit_event_that_names_no_typed_name(
    olive: User, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(password="wrong", REMOTE_ADDR="203.0.113.9")
    sign_in("my secret password typed in the wrong field")
    known, unknown = AuditEvent.objects.filter(event_type="auth.login_failed").order_by("occurred_at")
    assert (known.actor_id, known.ip_address, unknown.actor_id) == (f"staff:{olive.pk}", "203.0.113.9", "")
    assert "secret" not in caplog.text + str(vars(unknown))
    assert "olive" not in caplog.text
    assert "203.0.113.9" not in caplog.text


def entries() -> list[tuple[int, str]]:
    return list(LogEntry.objects.order_by("id").values_list("user_id", "change_message"))


def test_the_audit_log_says_who_signed_in_and_for_whom_it_was_refused(olive: User) -> None:
    sign_in(password="wrong")
    sign_in("my secret password typed in the wrong field")
    assert sign_in().status_code == 302
    assert entries() == [(olive.pk, "sign-in-refused"), (olive.pk, "signed-in")]
    assert not LogEntry.objects.filter(object_repr__contains="secret").exists()
    page = Client()
    page.force_login(olive)
    found = page.get("/admin/config/auditentry/?kind=sign-in-refused")
    assert [line.said.kind for line in found.context["lines"]] == ["Sign-in refused"]
    french = page.get("/admin/config/auditentry/?kind=signed-in", headers={"accept-language": "fr"})
    assert [line.said.kind for line in french.context["lines"]] == ["Connexion"]


def test_a_wrong_code_is_a_refused_sign_in_too(olive: User) -> None:
    set_up(olive)
    before = len(entries())
    sign_in(code="000000")
    assert entries()[before:] == [(olive.pk, "sign-in-refused")]


def test_a_flood_of_refusals_leaves_so_many_entries_and_no_more(settings: Any, olive: User) -> None:
    settings.LIMITS = {"refusals_noted": Limit(2, dt.timedelta(minutes=15))}
    for number in range(5):
        sign_in(password="wrong", REMOTE_ADDR=f"203.0.{number}.9")
    assert entries() == [(olive.pk, "sign-in-refused")] * 2
    assert AuditEvent.objects.filter(event_type="auth.login_failed").count() == 5


# ── The code ────────────────────────────────────────────────────────────────────────────────────────────
def test_without_a_second_factor_a_password_is_enough(olive: User) -> None:
    client = Client()
    assert sign_in(client=client).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_with_one_it_takes_the_code_once(olive: User) -> None:
    set_up(olive)
    assert "Enter the code of your authenticator app as well" in seen(sign_in())
    assert "This code is wrong" in seen(sign_in(code="000000"))
    client, code = Client(), code_of(olive)
    assert sign_in(code=code, client=client).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert "was used already" in seen(sign_in(code=code)), "who looked over her shoulder is too late"


def test_the_password_is_asked_first(olive: User) -> None:
    set_up(olive)
    assert WRONG in seen(sign_in(password="wrong", code=code_of(olive)))


@pytest.mark.parametrize(("seconds", "status"), [(-30, 302), (0, 302), (30, 302), (-90, 200), (90, 200)])
def test_a_clock_may_be_a_step_off(olive: User, seconds: int, status: int) -> None:
    set_up(olive)
    code = code_of(olive, at=timezone.now() + dt.timedelta(seconds=seconds))
    assert sign_in(code=f"{code[:3]} {code[3:]}").status_code == status


def test_a_recovery_code_lets_in_one_time(olive: User) -> None:
    codes = set_up(olive)
    assert len(set(codes)) == 10
    assert sign_in(code=codes[0].upper().replace("-", " ")).status_code == 302
    assert "was used already" in seen(sign_in(code=codes[0]))
    assert sign_in(code=codes[1]).status_code == 302
    assert len(SecondFactor.objects.get().recovery) == 8


@pytest.mark.django_db(transaction=True)
def test_one_code_at_two_doors_opens_one() -> None:
    user = operator_user("*", username="olive")
    set_up(user)
    code, factor = code_of(user), second_factor.confirmed(user)
    assert factor is not None
    taken: list[bool] = []

    def one() -> None:
        taken.append(second_factor.accepts(factor, code))
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False, False, False, True]


def test_codes_are_tried_ten_times_from_however_many_networks(settings: Any, olive: User) -> None:
    settings.LIMITS = limits()
    set_up(olive)
    for number in range(10):
        sign_in(code="000000", REMOTE_ADDR=f"203.0.113.{number}")
    assert WAIT in seen(sign_in(code=code_of(olive), REMOTE_ADDR="203.0.113.99"))


def test_the_table_holds_neither_secret_nor_codes(olive: User) -> None:
    codes = set_up(olive)
    row = str(SecondFactor.objects.values().get())
    assert unseal(SecondFactor.objects.get().sealed) not in row
    assert not any(code in row or code.replace("-", "") in row for code in codes)


# ── The session ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_session_from_before_it_was_set_up_is_signed_out_everywhere(olive: User) -> None:
    client = Client()
    client.force_login(olive)
    assert client.get("/api/admin/queue").status_code == 200
    set_up(olive)
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert client.get("/api/admin/queue").status_code == 401
    assert client.get("/metrics").status_code == 401
    assert client.get(HERE)["Location"].startswith("/admin/login/"), "nor can it change the factor"


def test_where_it_is_required_a_newcomer_sees_the_page_that_sets_it_up_and_no_other(
    settings: Any, olive: User
) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    client = Client()
    assert sign_in(client=client).status_code == 302
    for path in ("/admin/", "/admin/notifications/notification/", "/admin/password_change/"):
        assert client.get(path)["Location"] == HERE
    assert client.get("/api/admin/queue").status_code == 401
    assert "has to set it up" in seen(client.get(HERE))
    client.post(HERE, {"act": "begin"})
    client.post(HERE, {"act": "confirm", "code": code_of(olive)})
    assert client.get("/admin/").status_code == 200
    SecondFactor.objects.update(last_step=0)
    client.post(HERE, {"act": "remove", "code": code_of(olive)})
    assert SecondFactor.objects.exists(), "nobody who must have one takes it away"


# ── One's own page ──────────────────────────────────────────────────────────────────────────────────────
def test_it_is_set_up_with_a_picture_and_a_first_code_and_the_codes_are_shown_once(olive: User) -> None:
    client = Client()
    client.force_login(olive)
    assert "Two-step sign-in is off" in seen(client.get(HERE))
    assert not SecondFactor.objects.exists(), "looking changes nothing"
    page = client.post(HERE, {"act": "begin"}, follow=True)
    assert "data:image/svg+xml" in page.content.decode()
    assert unseal(SecondFactor.objects.get().sealed) in seen(page)
    assert "no-store" in page["Cache-Control"]
    assert "This code is wrong" in seen(client.post(HERE, {"act": "confirm", "code": "000000"}))
    assert sign_in().status_code == 302, "not in force yet"
    shown = seen(client.post(HERE, {"act": "confirm", "code": code_of(olive)}))
    assert len(re.findall(r"\b[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}\b", shown)) == 10
    after = seen(client.get(HERE))
    assert "10 recovery codes are left" in after
    assert not re.search(r"\b[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}\b", after)
    assert (olive.pk, "set up a second factor") in entries()


def test_what_was_begun_under_a_lost_key_can_be_begun_anew(olive: User, settings: Any) -> None:
    client = Client()
    client.force_login(olive)
    client.post(HERE, {"act": "begin"})
    settings.FIELD_KEYS = ["another-key-of-at-least-thirty-two-characters"]
    assert "Two-step sign-in is off" in seen(client.get(HERE))
    page = client.post(HERE, {"act": "begin"}, follow=True)
    assert unseal(SecondFactor.objects.get().sealed) in seen(page)


def test_changing_it_takes_a_code_and_not_only_an_unlocked_screen(olive: User) -> None:
    old = set_up(olive)
    client = Client()
    sign_in(code=old[0], client=client)
    for act in ("remove", "renew"):
        assert "This code is wrong" in seen(client.post(HERE, {"act": act, "code": "000000"}))
    client.post(HERE, {"act": "begin"})
    assert second_factor.confirmed(olive) is not None, "a new beginning does not end it"
    shown = seen(client.post(HERE, {"act": "renew", "code": code_of(olive)}))
    assert "Your recovery codes" in shown
    assert "This code is wrong" in seen(client.post(HERE, {"act": "remove", "code": old[1]}))
    SecondFactor.objects.update(last_step=0)
    client.post(HERE, {"act": "remove", "code": code_of(olive)})
    assert not SecondFactor.objects.exists()
    assert client.get("/admin/").status_code == 200


# ── Lost phone ──────────────────────────────────────────────────────────────────────────────────────────
def test_the_command_takes_it_away_with_a_reason(olive: User) -> None:
    set_up(olive)
    out = StringIO()
    call_command("second_factor", "list", stdout=out)
    assert re.match(r"olive  since \d{4}", out.getvalue())
    with pytest.raises(CommandError, match="no user of that name"):
        call_command("second_factor", "reset", "nobody", reason="why")
    call_command("second_factor", "reset", "olive", reason="Lost the phone; seen in person", stdout=out)
    assert sign_in().status_code == 302
    assert LogEntry.objects.filter(change_message__contains="Lost the phone").exists()
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("second_factor", "reset", "olive", reason="again")
