"""A process that sends, measured: in, which way and how many; out, one line of JSON with what it took.

`worker` drains the queue as a real worker does. `bare` is its limit: a loop over Anymail with one open connection, as
both come, which sends e-mails of the same size that were rendered before, and keeps no record.
"""

import argparse
import datetime as dt
import json
import os
import signal
import sys
import uuid
from collections.abc import Callable
from dataclasses import asdict
from itertools import islice

from config.parent_death import die_with_parent

LONG = dt.timedelta(hours=1)


def main() -> None:
    """Send a few to warm up, then measure the rest."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sender", description=__doc__)
    parser.add_argument("way", choices=["worker", "bare"])
    parser.add_argument("--warm", type=int, required=True, help="messages sent before the clock runs")
    parser.add_argument("--count", type=int, required=True, help="messages sent while it runs")
    parser.add_argument("--template", required=True, help="what `bare` sends, rendered before")
    options = parser.parse_args()
    # Without the benchmark nobody reads what it took.
    die_with_parent(signal.SIGKILL)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from benchmarks.cost import timed

    send = _worker if options.way == "worker" else _bare(options.template)
    send(options.warm)
    run = timed(lambda: send(options.count))
    json.dump(asdict(run), sys.stdout)


def _worker(count: int) -> int:
    from notifications.worker import drain

    report = drain(limit=count, budget=LONG)
    return sum(number for (_, what), number in report.counts.items() if what == "sent")


def _bare(template: str) -> Callable[[int], int]:
    import warnings

    from anymail.exceptions import AnymailNotSupportedWarning
    from anymail.message import AnymailMessage
    from django.conf import settings
    from django.core.mail import get_connection

    from benchmarks.seed import rendered
    from rentals.models import Customer

    warnings.filterwarnings("ignore", category=AnymailNotSupportedWarning)
    parts = rendered(template)
    addresses = iter(Customer.objects.exclude(email="").order_by("id").values_list("email", flat=True))
    connection = get_connection(settings.EMAIL_BACKEND)
    connection.open()

    def send(count: int) -> int:
        for address in islice(addresses, count):
            mail = AnymailMessage(
                subject=parts["subject"],
                body=parts["text"],
                from_email=settings.EMAIL_FROM,
                to=[address],
                connection=connection,
            )
            mail.attach_alternative(parts["html"], "text/html")
            mail.merge_metadata = {address: {"notification_id": str(uuid.uuid4())}}
            mail.send()
        return count

    return send


if __name__ == "__main__":
    main()
