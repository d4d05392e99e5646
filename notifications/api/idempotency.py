"""Ask once, however often it is sent: in, a request with its key and the act; out, its answer, new or as it was.

The key is claimed in a statement of its own; what the act wrote and its stored answer commit together. So a crash leaves
neither, and the lock that it leaves runs out. (draft-ietf-httpapi-idempotency-key-header.)
"""

import hashlib
import json
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse, JsonResponse
from django.utils.crypto import salted_hmac

from notifications.api.auth import ApiRequest
from notifications.api.envelope import ApiError, refuse
from notifications.api.errors import refusal_of
from notifications.conf import conf
from notifications.errors import EnqueueError
from notifications.models import ApiRequest as Row

logger = logging.getLogger(__name__)

REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[!-~]{1,255}")  # what RFC 5234 calls visible (VCHAR)
_SWEPT = 100

# A key is free when it was never used, has expired, or was locked for the same request by somebody who is gone.
CLAIM = """
INSERT INTO api_requests (digest, caller, operation, body_digest, lock_token, locked_until, expires_at)
VALUES (%(digest)s, %(caller)s, %(operation)s, %(body)s, %(token)s, clock_timestamp() + %(lock)s,
        clock_timestamp() + %(kept)s)
ON CONFLICT (digest) DO UPDATE SET
    body_digest = EXCLUDED.body_digest, lock_token = EXCLUDED.lock_token, locked_until = EXCLUDED.locked_until,
    status = NULL, answer = NULL, created_at = clock_timestamp(), expires_at = EXCLUDED.expires_at
WHERE api_requests.expires_at <= clock_timestamp()
   OR api_requests.locked_until <= clock_timestamp() AND api_requests.body_digest = EXCLUDED.body_digest
RETURNING digest
"""
# Fenced by the token: whoever was taken for dead keeps nothing, and what they wrote is rolled back.
KEEP = """
UPDATE api_requests
SET status = %s, answer = %s, lock_token = NULL, locked_until = NULL, expires_at = clock_timestamp() + %s
WHERE digest = %s AND lock_token = %s
"""
SWEEP = """
DELETE FROM api_requests WHERE digest IN (
    SELECT digest FROM api_requests WHERE expires_at <= clock_timestamp() ORDER BY expires_at
    LIMIT %s FOR UPDATE SKIP LOCKED)
"""


def answer_once(
    request: ApiRequest,
    *,
    key: str | None,
    asked: Mapping[str, Any],
    act: Callable[[], tuple[int, Mapping[str, Any]]],
) -> HttpResponse:
    """`act` does it and answers a status and a body; it may raise EnqueueError, whose refusal is an answer too.

    With a key it runs at most once for each caller, method, path and query, as long as answers are kept. Anything else
    that it raises frees the key.
    """
    if key is None:
        with transaction.atomic():
            return _response(*act())
    if not _KEY.fullmatch(key):
        raise ApiError(
            400,
            "bad_idempotency_key",
            "Idempotency-Key must be 1 to 255 visible ASCII characters, no spaces.",
        )
    digest, body, token = _digest(request, key), _body_digest(asked), uuid.uuid4()
    if not _claim(request, digest, body, token):
        return _answer_of_another(digest, body)
    try:
        with transaction.atomic():
            response = _first(act)
            kept: list[Any] = [
                response.status_code, response.content.decode(), conf().api_answers_kept, digest, token
            ]  # fmt: skip
            with connection.cursor() as cursor:
                cursor.execute(KEEP, kept)
                if cursor.rowcount == 0:
                    raise TakenOverError
    except TakenOverError:
        return _in_progress()
    except Exception:
        _release(digest, token)
        raise
    return response


class TakenOverError(Exception):
    """Our lock ran out, and another request with the same key has it."""


def _first(act: Callable[[], tuple[int, Mapping[str, Any]]]) -> HttpResponse:
    try:
        with transaction.atomic():
            return _response(*act())
    except EnqueueError as error:
        return refuse(refusal_of(error))


def _response(status: int, body: Mapping[str, Any]) -> HttpResponse:
    return JsonResponse(body, status=status)


def _claim(request: ApiRequest, digest: str, body: str, token: uuid.UUID) -> bool:
    settings = conf()
    asked: dict[str, Any] = {
        "digest": digest,
        "caller": request.auth.name,
        "operation": f"{request.method} {request.path}",
        "body": body,
        "token": token,
        "lock": settings.api_lock,
        "kept": settings.api_answers_kept,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, asked)
        claimed = cursor.fetchone() is not None
        if claimed:
            cursor.execute(SWEEP, [_SWEPT])
    return claimed


def _answer_of_another(digest: str, body: str) -> HttpResponse:
    row = Row.objects.filter(pk=digest).first()
    if row and row.body_digest != body:
        message = "This Idempotency-Key was used for another request. Send a new key with a new request."
        raise ApiError(422, "idempotency_key_reused", message)
    if row is None or row.status is None or row.answer is None:
        return _in_progress()
    response = HttpResponse(row.answer, status=row.status, content_type="application/json")
    response[REPLAYED] = "true"
    return response


def _in_progress() -> HttpResponse:
    message = "A request with this Idempotency-Key is in progress. Ask again in a second."
    response = refuse(ApiError(409, "idempotency_key_in_progress", message))
    response["Retry-After"] = "1"
    return response


def _release(digest: str, token: uuid.UUID) -> None:
    try:
        Row.objects.filter(pk=digest, lock_token=token).delete()
    except DatabaseError as error:
        # The lock runs out by itself.
        logger.warning("api.key_not_released error=%s", type(error).__name__)


def _digest(request: ApiRequest, key: str) -> str:
    scope = [request.auth.name, request.method, request.path, request.META.get("QUERY_STRING", ""), key]
    return hashlib.sha256(json.dumps(scope).encode()).hexdigest()


def _body_digest(asked: Mapping[str, Any]) -> str:
    """Keyed, since a body with nothing but an address in it could be guessed."""
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    return salted_hmac("postroom.api_requests", canonical, algorithm="sha256").hexdigest()
