"""Commands that do to messages what an operator may: in, ids or filters and a reason; out, an act, with its progress.

The act is recorded as one of the admin's: it stands on the page «Acts», and can be undone there.
"""

import argparse
import datetime as dt
import json
import uuid
from collections import Counter
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from consent.models import Channel
from notifications.acted import CAP, By, in_words
from notifications.admin.reason import ReasonForm
from notifications.bulk.choose import eligible
from notifications.bulk.kinds import KINDS
from notifications.bulk.order import Wish, ask
from notifications.bulk.work import do_all
from notifications.models import BulkAct, Notification

BY = "command"


class ActingCommand(BaseCommand):
    """Whoever derives names the act, and how its result is told: «{n} …»."""

    act: ClassVar[str]
    done: ClassVar[str]
    would: ClassVar[str]
    key: ClassVar[str]
    # Without an id or a filter it is all that the act takes: asked for by `--all`, where that is rarely meant.
    needs_all: ClassVar[bool] = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="why; kept with each notification")
        parser.add_argument("ids", nargs="*", type=_id, metavar="ID", help="these; or say which by filters")
        parser.add_argument("--channel", choices=Channel.values)
        parser.add_argument(
            "--since", metavar="ISO", help="only those created since, e.g. 2026-11-22T08:00-04:00"
        )
        parser.add_argument(
            "--template", metavar="NAME", help="only those of this template, e.g. booking.pickup"
        )
        parser.add_argument(
            "--error", metavar="CODE", help="only those whose error begins with this code, e.g. 503"
        )
        parser.add_argument("--limit", type=int, metavar="N", help="at most N, the oldest first")
        if self.needs_all:
            parser.add_argument("--all", action="store_true", help="all that there are, without a filter")
        parser.add_argument("--dry-run", action="store_true", help="count what would change, change nothing")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def given(self, options: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """The act's own arguments."""
        return {}

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        reason = checked_reason(options["reason"])
        if options["limit"] is not None and options["limit"] <= 0:
            raise CommandError("--limit must be more than 0.")
        arguments = self.given(options)
        ids = self._ids(options)
        if options["dry_run"]:
            self._tell(*self._rehearse(ids, arguments, reason), options)
            return
        if not ids:
            self._tell(0, {}, options)
            return
        wish = Wish(self.act, by=BY, reason=reason, arguments=arguments, ids=ids)
        act, _new = ask(wish, now=timezone.now())
        with tqdm(total=len(ids), unit="notification", disable=None) as bar:
            act = do_all(act, tell=bar.update)
        self._tell(act.done, in_words(act.skipped), options, act=act)

    def _ids(self, options: dict[str, Any]) -> list[uuid.UUID]:
        """Ids that were named are taken as they are, so that each that does not go is told why."""
        names = ("channel", "since", "template", "error")
        if options["ids"]:
            if any(options[name] for name in names):
                raise CommandError("Name ids, or filters, not both.")
            return list(dict.fromkeys(options["ids"]))
        if self.needs_all and not options["all"] and not any(options[name] for name in names):
            raise CommandError(
                "Name ids or a filter (--channel, --since, --template, --error), or say --all."
            )
        rows = _filtered(eligible(Notification.objects.order_by("created_at", "id"), self.act), options)
        return list(rows.values_list("id", flat=True)[: options["limit"]])

    def _rehearse(
        self, ids: list[uuid.UUID], arguments: dict[str, Any], reason: str
    ) -> tuple[int, dict[str, int]]:
        count, left = 0, Counter[str]()
        who = By(BY, reason, timezone.now(), dry_run=True)
        for start in range(0, len(ids), CAP):
            acted = KINDS[self.act].run(ids[start : start + CAP], who, arguments)
            count += len(acted.done)
            left.update(acted.left.values())
        return count, in_words(left)

    def _tell(
        self, count: int, skipped: dict[str, int], options: dict[str, Any], *, act: BulkAct | None = None
    ) -> None:
        if options["json"]:
            answer = {self.key: count, "skipped": skipped, "dry_run": options["dry_run"]}
            self.stdout.write(json.dumps(answer | ({"act": str(act.pk)} if act else {})))
            return
        if not count and not skipped:
            self.stdout.write("No notification matches.")
            return
        self.stdout.write(f"{count} {self.would if options['dry_run'] else self.done}.")
        for why, left in skipped.items():
            self.stdout.write(f"  {left} left alone: {why}.")
        if act:
            self.stdout.write(f"Act {act.pk}; `manage.py acts --undo {act.pk} --reason …` takes it back.")


def checked_reason(text: str) -> str:
    """As the admin checks one: not empty, and without an address."""
    form = ReasonForm({"reason": text})
    if not form.is_valid():
        raise CommandError(f"--reason: {' '.join(str(error) for error in form.errors['reason'])}")
    return str(form.cleaned_data["reason"])


def moment(option: str, text: str) -> dt.datetime:
    """An ISO moment; without an offset by TIME_ZONE."""
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"{option} “{text}” is no moment: write it as 2026-11-22T08:00 or with an offset.")
    return found if found.tzinfo else timezone.make_aware(found)


def _filtered(rows: QuerySet[Notification], options: dict[str, Any]) -> QuerySet[Notification]:
    if options["channel"]:
        rows = rows.filter(channel=options["channel"])
    if options["since"]:
        rows = rows.filter(created_at__gte=moment("--since", options["since"]))
    if options["template"]:
        rows = rows.filter(template__name=options["template"])
    if options["error"]:
        rows = rows.filter(error__startswith=options["error"])
    return rows


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"“{text}” is no id of a notification") from error
