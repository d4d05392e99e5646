"""Everything at once on this machine: in, ports; out, a sample business whose messages arrive in the sandbox, until Ctrl-C.

What is there already is reused: the database, the business, the login. The processes are the real ones.
"""

import datetime as dt
import io
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db.models import Count
from django.utils import timezone

from config.local_secrets import local_secret
from config.logins import WEB, WORKER, login_environment, make_logins
from config.roles import Role
from config.sample_payouts import pay_out
from config.sample_week import make_sample_week
from config.supervisor import Supervisor
from consent.models import Channel
from jobs.catalog import CATALOG, in_order
from jobs.models import JobRun
from jobs.runner import run
from jobs.tasks import run_later
from notifications.enqueue import notify
from notifications.models import InboxItem, Notification, NotificationHistory, PushSubscription
from rentals.models import Customer
from sandbox import keys

LOGIN = "admin"
# To see what each role sees; all with the one password of this machine.
ROLE_LOGINS = {role.name.lower(): role for role in Role}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the demo answers; always on the loopback interface."""

    web: str
    sandbox: str

    def environment(self) -> dict[str, str]:
        return {"PUBLIC_URL": self.web, **keys.environment(self.sandbox)}


def prepare_database(say: Callable[[str], None]) -> None:
    """Bring tables, templates, schedules and the login up to date; safe to repeat."""
    say("Database: migrations, templates, schedules")
    call_command("migrate", verbosity=0)
    make_logins()
    call_command("load_templates", stdout=io.StringIO())
    call_command("sync_schedules", stdout=io.StringIO())
    for name, role in {LOGIN: None, **ROLE_LOGINS}.items():
        _make_login(name, role)


def _make_login(name: str, role: Role | None) -> None:
    """A superuser without a role."""
    user, _ = User.objects.get_or_create(username=name, defaults={"email": f"{name}@rental.example"})
    user.is_staff, user.is_superuser = True, role is None
    user.set_password(password())
    user.save()
    if role:
        user.groups.set([Group.objects.get(name=role)])


def prepare_business(say: Callable[[str], None], *, sandbox_url: str, replace: bool) -> None:
    """Make the sample business around this moment, unless there is one."""
    if Customer.objects.exists() and not replace:
        return
    if replace:
        # The same business has the same keys: its reminders would count as told already.
        Notification.objects.all().delete()
        NotificationHistory.objects.all().delete()
        InboxItem.objects.all().delete()
    say("Sample business: customers, bookings, consents, push subscriptions")
    call_command("seed_rentals", verbosity=0, push_url=sandbox_url, replace=replace)
    say("Sample week: what was sent in the days before")
    make_sample_week(now=timezone.now())
    call_command("rebuild_traffic", verbosity=0, stdout=io.StringIO())


def password() -> str:
    """The demo login's password, made once on this machine."""
    return local_secret(settings.LOCAL_DIR, "demo_password")[:16]


def start_processes(
    supervisor: Supervisor, addresses: Addresses, *, web_port: int, sandbox_port: int
) -> None:
    """The sandbox with Stripe's payouts, two django-q2 clusters and the web server, each ready before the next."""
    python, manage = sys.executable, str(Path(settings.BASE_DIR) / "manage.py")
    env = addresses.environment()
    supervisor.start("sandbox", sandbox_command(addresses, port=sandbox_port))
    supervisor.wait_until("sandbox", lambda: answers(f"{addresses.sandbox}/_sandbox/stats"), timeout=60)
    pay_out(addresses.sandbox, now=timezone.now())
    for cluster in ("notify", "jobs"):
        # By the environment, not by `-n`: django-q2 reads its settings before it reads its options.
        worker = env | login_environment(WORKER)
        supervisor.start(cluster, [python, manage, "work", cluster], env=worker)
    gunicorn = [python, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{web_port}"]
    gunicorn += ["--workers", "2", "--threads", "4", "--worker-tmp-dir", _memory_dir(), "--no-control-socket"]
    supervisor.start("web", gunicorn, env=env | login_environment(WEB))
    supervisor.wait_until("web", lambda: answers(f"{addresses.web}/healthz"), timeout=120)


def sandbox_command(addresses: Addresses, *, port: int) -> list[str]:
    """The providers, which report to the web server as the real ones would: events, status callbacks, customers' texts."""
    webhooks = f"{addresses.web}/webhooks"
    return [
        *(sys.executable, "-m", "sandbox", "--port", str(port)),
        *("--webhook-url", f"{webhooks}/sendgrid/"),
        *("--inbound-url", f"{webhooks}/twilio/inbound/"),
        "--status-callbacks",
    ]


def send_first_messages(supervisor: Supervisor) -> dict[str, int]:
    """Greet one customer on every channel, have each job run once, and wait for the workers; answers what was sent by
    channel. The greeting shows something in the sandbox at an hour at which no reminder is due."""
    began = timezone.now()
    greet()
    first, *others = in_order()
    run(first, now=began, trigger="command", actor="demo")
    for name in others:
        run_later(name, trigger="command", actor="demo")
    supervisor.wait_until("jobs", lambda: _all_ran(since=began), timeout=180)
    supervisor.wait_until("notify", _nothing_waits, timeout=180)
    sent = Notification.objects.filter(status="sent", last_attempt_at__gte=began).values_list("channel")
    return dict(sent.annotate(count=Count("id")).order_by("channel"))


def greet() -> None:
    """A test message on all four channels to the first customer who takes push messages."""
    browser = (
        PushSubscription.objects.filter(recipient_key__startswith="customer:")
        .order_by("recipient_key")
        .first()
    )
    if browser is not None:
        customer = browser.recipient_key.removeprefix("customer:")
        notify("system.test_message", to=customer, channel=Channel.values)


def answers(url: str) -> bool:
    """Does something answer 200 there?"""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 (our own loopback address)
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _all_ran(*, since: dt.datetime) -> bool:
    """Each job has had a run: ours, or one by its schedule that was sooner."""
    ended = JobRun.objects.filter(started_at__gte=since, finished_at__isnull=False)
    return set(ended.values_list("job_name", flat=True)) >= CATALOG.keys()


def _nothing_waits() -> bool:
    due = Notification.objects.filter(status__in=["queued", "processing"], scheduled_at__lte=timezone.now())
    return not due.exists()


def _memory_dir() -> str:
    """gunicorn's heartbeat files: in memory where there is such a place, so that a slow disk kills no worker."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"  # noqa: S108 (gunicorn opens it safely)
