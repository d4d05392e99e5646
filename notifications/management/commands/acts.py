"""`manage.py acts`: what was done to messages, and is being done; do what waits, stop an act, take one back."""

import json
import time
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications.admin.criteria import in_words, matching
from notifications.bulk.order import ask_to_undo, stop, why_not_undone
from notifications.bulk.work import work
from notifications.management.acting import BY, checked_reason
from notifications.models import BulkAct


class Command(BaseCommand):
    help = "List acts, newest first. With --run, do what waits (where no jobs cluster does); stop one; take one back."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--run", action="store_true", help="do what waits, and return when it is done")
        what.add_argument("--stop", type=uuid.UUID, metavar="ID", help="stop it; what is done is done")
        what.add_argument("--undo", type=uuid.UUID, metavar="ID", help="take it back, as far as it can be")
        parser.add_argument("--reason", help="with --undo: why; kept with each notification")
        parser.add_argument(
            "--budget", type=float, default=3600, metavar="S", help="with --run: seconds at most (3600)"
        )
        parser.add_argument("--limit", type=int, default=20, metavar="N", help="list so many (20)")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["limit"] <= 0 or options["budget"] <= 0:
            raise CommandError("--limit and --budget must be more than 0.")
        shown = list(BulkAct.objects.all()[: options["limit"]])
        if options["stop"]:
            act = _found(options["stop"])
            if not stop(act.pk, by=BY, now=timezone.now()):
                raise CommandError("It was over already: nothing was left to stop.")
            shown = [act]
        if options["undo"]:
            shown = [_undone(_found(options["undo"]), options["reason"])]
        if options["run"] or options["undo"]:
            work(matching=matching, until=time.monotonic() + options["budget"])
        for act in shown:
            act.refresh_from_db()
        if options["json"]:
            self.stdout.write(json.dumps([_as_dict(act) for act in shown], indent=2))
            return
        for act in shown:
            total = "?" if act.total is None else act.total
            about = in_words(act.query) if act.query else "named one by one"
            self.stdout.write(
                f"{act.pk}  {act.act:<10} {act.status:<8} {act.done} of {total}, {act.left_alone} left alone; {about}; {act.reason}"
            )
        if not shown:
            self.stdout.write("Nobody has acted on a message yet.")


def _found(pk: uuid.UUID) -> BulkAct:
    act = BulkAct.objects.filter(pk=pk).first()
    if act is None:
        raise CommandError(f"There is no act {pk}: `manage.py acts` lists them.")
    return act


def _undone(act: BulkAct, reason: str | None) -> BulkAct:
    if not reason:
        raise CommandError("--undo needs a --reason.")
    if problem := why_not_undone(act):
        raise CommandError(f"It cannot be undone ({problem}): see docs/decisions/0022-acts-are-rows.md.")
    return ask_to_undo(act.pk, by=BY, reason=checked_reason(reason), now=timezone.now())[0]


def _as_dict(act: BulkAct) -> dict[str, Any]:
    return {
        "id": str(act.pk),
        "act": act.act,
        "status": act.status,
        "by": act.by,
        "reason": act.reason,
        "query": act.query,
        "asked_at": act.asked_at.isoformat(),
        "total": act.total,
        "done": act.done,
        "skipped": act.skipped,
        "undoes": str(act.undoes_id) if act.undoes_id else None,
    }
