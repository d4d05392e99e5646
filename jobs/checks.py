"""System checks of the jobs: in, the catalogue, Q_CLUSTER, Stripe's key and who is in the recipient groups; out, what would bite
later, with the setting to change."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.db import DatabaseError

from consent.directory import directory
from jobs.cron import problem

# django-q2's guard adds three seconds to a timeout before it kills a worker.
GUARD = 3
_STRIPE_KEY = re.compile(r"[rs]k_(test|live)_\w+")


def check_catalogue(**_kwargs: Any) -> list[CheckMessage]:
    """Each job has a cron line that fires, and a timeout that its cluster lets it have."""
    # Here and not above: the jobs import every app, and checks are registered before all of them are loaded.
    from jobs import catalog

    longest = _clusters().get("jobs", {}).get("timeout") or 0
    found: list[CheckMessage] = []
    for key, spec in catalog.CATALOG.items():
        if key != spec.name:
            found.append(Error(f"The catalogue lists the job “{spec.name}” under “{key}”.", id="jobs.E001"))
        if wrong := problem(spec.cron):
            found.append(Error(f"The cron line of {spec.name} is wrong: {wrong}", id="jobs.E002"))
        seconds = spec.timeout.total_seconds()
        if seconds != int(seconds) or seconds <= 0:
            found.append(
                Error(f"The timeout of {spec.name} must be whole seconds, at least one.", id="jobs.E003")
            )
        if seconds > longest:
            hint = "Raise Q_CLUSTER['ALT_CLUSTERS']['jobs']['timeout'] (and its retry), or lower the job's."
            message = (
                f"{spec.name} may take {seconds:.0f} s, but the jobs cluster stops it after {longest} s."
            )
            found.append(Error(message, hint=hint, id="jobs.E004"))
    return found


def check_clusters(**_kwargs: Any) -> list[CheckMessage]:
    """No cluster hands a running task out again, keeps successes, or replays missed slots."""
    clusters = _clusters()
    found: list[CheckMessage] = [
        Error(f"Q_CLUSTER['ALT_CLUSTERS'] lacks the cluster “{name}”.", id="jobs.E005")
        for name in ("notify", "jobs")
        if name not in clusters
    ]
    for name, conf in clusters.items():
        found.extend(_cluster_problems(name, conf))
    return found


def check_security_centre(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Somebody hears of jobs in trouble. Reads the database, so it runs with `check --database default` and at `migrate`."""
    from jobs.alert import CENTRE

    silence = "nobody hears of jobs that fail, crash or are overdue"
    return list(_nobody_in([CENTRE.name], silence, id_="jobs.W003")) if databases else []


def check_alert_groups(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Somebody hears of the dashboard's alerts. Reads the database, as the check of the security centre does."""
    from jobs.catalog.generate_dashboard_alerts import GROUPS

    silence = "its alerts are opened, and told to nobody"
    return list(_nobody_in(sorted({*GROUPS.values()}), silence, id_="jobs.W004")) if databases else []


def _nobody_in(groups: Sequence[str], silence: str, *, id_: str) -> Iterator[CheckMessage]:
    for name in groups:
        try:
            members = directory().group(name)
        except DatabaseError:
            return  # before the first migration
        if not members:
            what = "has nobody in it" if members is not None else "does not exist"
            hint = "Put active staff into the group, in the admin under Groups."
            yield Warning(f"The recipient group “{name}” {what}: {silence}.", hint=hint, id=id_)


def check_stripe(**_kwargs: Any) -> list[CheckMessage]:
    """payout_reconciliation can ask Stripe, and the right account. No message holds the key."""
    key: str = settings.STRIPE_API_KEY
    found: list[CheckMessage] = []
    if not settings.STRIPE_API_URL:
        hint = "Leave the line out, or write https://api.stripe.com."
        found.append(Error("STRIPE_API_URL is empty.", hint=hint, id="jobs.E008"))
    # Live mode's own check names what is missing there.
    if not _STRIPE_KEY.fullmatch(key) and (key or settings.SANDBOX):
        what = "is no secret key of Stripe" if key else "is missing"
        hint = "Set it to a restricted key (rk_…) that may read payouts, balance transactions, charges and refunds."
        found.append(Error(f"STRIPE_API_KEY {what}.", hint=hint, id="jobs.E009"))
    if "k_test_" in key and not settings.SANDBOX:
        hint = "Set it to a key that begins with rk_live_."
        found.append(Error("STRIPE_API_KEY is a test key, in live mode.", hint=hint, id="jobs.E010"))
    return found


def _cluster_problems(name: str, conf: Mapping[str, Any]) -> Iterator[CheckMessage]:
    timeout, retry, workers = conf.get("timeout"), conf.get("retry", 60), conf.get("workers")
    if not isinstance(timeout, int) or not isinstance(workers, int) or workers < 1:
        yield Error(f"Cluster “{name}” needs whole numbers for timeout and workers.", id="jobs.E006")
        return
    queued = conf.get("queue_limit", workers**2) + conf.get("bulk", 1)
    least = (1 + math.ceil(queued / workers)) * timeout + GUARD
    if retry <= least:
        yield Error(
            f"Cluster “{name}”: retry is {retry} s, so a task that still runs or waits would be handed out again.",
            hint=f"Raise retry above {least} = (1 + ⌈(queue_limit + bulk) / workers⌉) · timeout + {GUARD}.",
            id="jobs.E007",
        )
    if conf.get("save_limit") != -1:
        yield Warning(
            f"Cluster “{name}” keeps finished tasks: each one kept makes every later task slower.",
            hint="Set save_limit to -1; the history of runs is job_runs.",
            id="jobs.W001",
        )
    if conf.get("catch_up", True):
        yield Warning(
            f"Cluster “{name}” replays every slot missed while it was down.",
            hint="Set catch_up to False.",
            id="jobs.W002",
        )


def _clusters() -> dict[str, dict[str, Any]]:
    """Each alternative cluster with the base settings it inherits, as django-q2 merges them."""
    base = {key: value for key, value in settings.Q_CLUSTER.items() if key != "ALT_CLUSTERS"}
    return {name: {**base, **own} for name, own in settings.Q_CLUSTER.get("ALT_CLUSTERS", {}).items()}
