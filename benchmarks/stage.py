"""Where the benchmarks play: in, a sandbox; out, a database of their own, and the environment that leads a process to both."""

import datetime as dt
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection
from django.test.utils import override_settings
from django.utils import timezone

from config.smoke import own_database
from notifications.models import DrainWatch
from sandbox.testing import SandboxServer

# Around one run, to show on the progress bar what is being measured.
Step = Callable[[str], AbstractContextManager[object]]
EMAIL_BACKEND = "anymail.backends.sendgrid.EmailBackend"


class StageError(RuntimeError):
    """The figures would mean nothing: something did not start, or messages were lost or doubled. The text says which."""


@contextmanager
def own_stage() -> Iterator[None]:
    """An empty, migrated database for all that runs within, dropped at the end."""
    with own_database(prefix="bench"):
        yield


def providers(*, keep: int) -> SandboxServer:
    """The sandbox, which counts and remembers so many messages; it ends with this process, however that ends."""
    return SandboxServer(keep=keep, die_with_parent=os.getpid())


def environment(server: SandboxServer) -> dict[str, str]:
    """Our own environment, with what a process needs to work on our database and to send to the sandbox."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "EMAIL_BACKEND": EMAIL_BACKEND,
        **server.environment(),
    }


def database_url() -> str:
    """The address of the database in use, which is the configured one's but for the name."""
    before, mark, options = settings.DATABASE_URL.partition("?")
    name = quote(str(connection.settings_dict["NAME"]))
    return f"{before.rpartition('/')[0]}/{name}{mark}{options}"


def nobody_drains() -> AbstractContextManager[Any]:
    """No worker is asked to drain after a commit: what is queued stays, for the one that we measure."""
    return override_settings(NOTIFICATIONS={**settings.NOTIFICATIONS, "KICK": ""})


@contextmanager
def a_drain_is_busy() -> Iterator[None]:
    """A commit within finds that a drain is alive and awake."""
    hour = timezone.now() + dt.timedelta(hours=1)
    DrainWatch.objects.update_or_create(
        pk=1, defaults={"alive_until": hour, "listening_until": timezone.now()}
    )
    try:
        yield
    finally:
        DrainWatch.objects.all().delete()
