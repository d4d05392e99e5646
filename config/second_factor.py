"""A code beside the password: in, a member of staff and what they typed; out, whether it was right, once.

Codes of an authenticator app (TOTP, RFC 6238: six digits, half a minute, SHA-1, which is what every app knows), or
recovery codes, each good for one time.
"""

import base64
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.utils import timezone

from config.models import SecondFactor
from consent.sealed import SealError, seal, unseal

logger = logging.getLogger(__name__)

ISSUER = "Postroom"
SECRET_BYTES = 20
STEP = 30
# A phone's clock may be a step off, either way.
DRIFT = (0, -1, 1)
RECOVERY_CODES = 10

# One statement, so that two processes cannot take the same code: whoever comes second finds it gone.
USE_STEP = "UPDATE second_factors SET last_step = %(step)s WHERE user_id = %(user)s AND last_step < %(step)s"
USE_RECOVERY = """
UPDATE second_factors SET recovery = array_remove(recovery, %(digest)s)
WHERE user_id = %(user)s AND %(digest)s = ANY (recovery)
"""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the app needs: the same secret as a link for its camera, and as text for a keyboard."""

    uri: str
    secret: str


def confirmed(user: AbstractBaseUser) -> SecondFactor | None:
    """The factor that signing in asks for; None: a password is enough."""
    return SecondFactor.objects.filter(user_id=user.pk, confirmed_at__isnull=False).first()


def begin(user: AbstractBaseUser) -> None:
    """A new secret, not in force before a first code shows that the app has it. A confirmed one stays as it is."""
    sealed = seal(base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode())
    SecondFactor.objects.filter(user_id=user.pk, confirmed_at__isnull=True).delete()
    SecondFactor.objects.get_or_create(user_id=user.pk, defaults={"sealed": sealed})


def enrolment(user: AbstractBaseUser) -> Enrolment | None:
    """What to show to who is about to set up an app; None when nobody is, or when no key opens what was begun."""
    waiting = SecondFactor.objects.filter(user_id=user.pk, confirmed_at__isnull=True).first()
    if waiting is None:
        return None
    try:
        uri = _totp(waiting).get_provisioning_uri(user.get_username(), ISSUER)
    except SealError:
        logger.exception("second_factor.unreadable user=%s", user.pk)
        return None  # the page offers to begin anew
    return Enrolment(uri, unseal(waiting.sealed))


def confirm(user: AbstractBaseUser, code: str) -> Sequence[str]:
    """Put it in force with a first code; answers the recovery codes, which nobody can show again. Empty: a wrong code."""
    waiting = SecondFactor.objects.filter(user_id=user.pk, confirmed_at__isnull=True).first()
    if waiting is None or not _app_says(waiting, code):
        return ()
    with transaction.atomic():
        SecondFactor.objects.filter(pk=waiting.pk).update(confirmed_at=timezone.now())
        logger.info("second_factor.set_up user=%s", user.pk)
        return renew_recovery(user)


def renew_recovery(user: AbstractBaseUser) -> Sequence[str]:
    """New recovery codes; the old ones are void."""
    codes = ["-".join(re.findall("....", secrets.token_hex(6))) for _ in range(RECOVERY_CODES)]
    SecondFactor.objects.filter(user_id=user.pk).update(recovery=[_digest(code) for code in codes])
    return codes


def accepts(factor: SecondFactor, code: str) -> bool:
    """Is it right? Then it is used up."""
    typed = re.sub(r"[\s-]", "", code).lower()
    if re.fullmatch("[0-9]{6}", typed):
        return _app_says(factor, typed)
    taken = _took(USE_RECOVERY, user=factor.pk, digest=_digest(typed))
    if taken:
        logger.warning("second_factor.recovery_code_used user=%s", factor.pk)
    return taken


def remove(user: AbstractBaseUser) -> bool:
    """Back to a password alone; answers whether there was one."""
    gone = SecondFactor.objects.filter(user_id=user.pk).delete()[0] > 0
    if gone:
        logger.warning("second_factor.removed user=%s", user.pk)
    return gone


def write_down(user: User, what: str) -> None:
    """An entry in the audit log about a member of staff, whose name is not in it."""
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=f"staff:{user.pk}",
        action_flag=CHANGE,
        change_message=what,
    )


def _app_says(factor: SecondFactor, code: str) -> bool:
    typed = re.sub(r"\s", "", code)
    if not re.fullmatch("[0-9]{6}", typed):
        return False
    try:
        totp = _totp(factor)
    except SealError:
        logger.exception("second_factor.unreadable user=%s", factor.pk)
        return False
    now = int(timezone.now().timestamp()) // STEP
    fits = [
        now + off for off in DRIFT if hmac.compare_digest(totp.generate((now + off) * STEP), typed.encode())
    ]
    return bool(fits) and _took(USE_STEP, user=factor.pk, step=fits[0])


def _totp(factor: SecondFactor) -> TOTP:
    return TOTP(base64.b32decode(unseal(factor.sealed)), 6, SHA1(), STEP)  # noqa: S303 (RFC 6238's own, as a HMAC)


def _digest(code: str) -> str:
    """48 random bits under ten tries a quarter of an hour need no slow hash."""
    return hashlib.sha256(code.replace("-", "").encode()).hexdigest()


def _took(statement: str, **values: str | int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return bool(cursor.rowcount == 1)
