"""Is it alive, may it get traffic? In: a probe; out, /healthz and /readyz, before anything else of the site looks at it.

A probe comes by the machine's address, which is in no ALLOWED_HOSTS, without TLS, a cookie or a name; it learns yes or no.
"""

import logging
from collections.abc import Callable
from functools import cache

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notifications import tally

logger = logging.getLogger(__name__)

# A server that does not answer within this time is not there. To connect has a limit of its own (settings.DATABASES).
PATIENCE = "2s"
Migration = tuple[str, str]


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """The process answers. No database: a restart would not mend that."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """The database answers and has every table of this release."""
    try:
        missing = _missing()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("ready.no_database error=%s", type(error).__name__)
        return _not_ready("the database does not answer")
    if missing:
        names = ",".join(f"{app}.{name}" for app, name in missing)
        logger.warning("ready.migrations_missing count=%d names=%s", len(missing), names)
        return _not_ready("migrations are missing")
    # What this process counted, in case nothing else is asked of it for a while. Mostly there is nothing.
    tally.write_soon()
    return JsonResponse({"status": "ok"})


class Probes:
    """Middleware: above whatever asks for a host, a session or a limit."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = PROBES.get(request.path_info, self.get_response)
        return answer(request)


PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {"/healthz": healthz, "/readyz": readyz}


def _not_ready(reason: str) -> HttpResponse:
    """Which of them and why stands in the log: whoever may ask here is nobody we know."""
    return JsonResponse({"status": "unavailable", "reason": reason}, status=503)


def _missing() -> list[Migration]:
    """One statement of one small table; what this release needs is on disk, and read once."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
        cursor.execute("SELECT app, name FROM django_migrations")
        applied: set[Migration] = set(cursor.fetchall())
        cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    return sorted(one for one, ways in _needed().items() if not any(way <= applied for way in ways))


@cache
def _needed() -> dict[Migration, list[frozenset[Migration]]]:
    """Every migration of this release, with what shows that it is done: itself; a squashed one that it is part of; or, of a
    squashed one, all of its parts."""
    on_disk = MigrationLoader(None).disk_migrations
    ways = {key: [frozenset({key})] for key in on_disk}
    for key, migration in on_disk.items():
        if migration.replaces:
            ways[key].append(frozenset(migration.replaces))
        for part in migration.replaces:
            ways.setdefault(part, []).append(frozenset({key}))
    return {key: ways[key] for key in on_disk}
