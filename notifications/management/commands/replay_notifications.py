"""`manage.py replay_notifications`: queue failed notifications again, with a reason, in steps of a thousand."""

import json
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from consent.models import Channel
from notifications.models import Notification
from notifications.replay import CAP, replay


class Command(BaseCommand):
    help = "Queue failed notifications again. Filters narrow the selection; --dry-run only counts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="why; kept with each notification")
        parser.add_argument(
            "--status", default="failed", choices=["failed"], help="which to replay (default: failed)"
        )
        parser.add_argument("--channel", choices=Channel.values)
        parser.add_argument(
            "--since", metavar="ISO", help="only those created since, e.g. 2026-11-22T08:00-04:00"
        )
        parser.add_argument(
            "--error", metavar="CODE", help="only those whose error begins with this code, e.g. 503"
        )
        parser.add_argument("--limit", type=int, metavar="N", help="at most N")
        parser.add_argument(
            "--dry-run", action="store_true", help="count what would be replayed, change nothing"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["reason"].strip():
            raise CommandError("--reason must not be empty.")
        if options["limit"] is not None and options["limit"] <= 0:
            raise CommandError("--limit must be more than 0.")
        rows = Notification.objects.filter(status=options["status"]).order_by("created_at", "id")
        if options["channel"]:
            rows = rows.filter(channel=options["channel"])
        if options["since"]:
            rows = rows.filter(created_at__gte=_moment(options["since"]))
        if options["error"]:
            rows = rows.filter(error__startswith=options["error"])
        ids = list(rows.values_list("id", flat=True)[: options["limit"]])
        done, skipped = 0, Counter[str]()
        with tqdm(total=len(ids), unit="notification", disable=None) as bar:
            for start in range(0, len(ids), CAP):
                step = ids[start : start + CAP]
                result = replay(step, by="command", reason=options["reason"], dry_run=options["dry_run"])
                done += len(result.done)
                skipped.update(result.skipped)
                bar.update(len(step))
        self._tell(done, skipped, options)

    def _tell(self, done: int, skipped: Counter[str], options: dict[str, Any]) -> None:
        if options["json"]:
            answer = {"replayed": done, "skipped": dict(skipped), "dry_run": options["dry_run"]}
            self.stdout.write(json.dumps(answer))
            return
        verb = "would be queued again" if options["dry_run"] else "queued again"
        self.stdout.write(f"{done} {verb}." if done or skipped else "No failed notification matches.")
        for why, count in skipped.items():
            self.stdout.write(f"  {count} left alone: {why}.")


def _moment(text: str) -> Any:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"--since “{text}” is no moment: write it as 2026-11-22T08:00 or with an offset.")
    return moment if moment.tzinfo else timezone.make_aware(moment)
