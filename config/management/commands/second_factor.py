"""`manage.py second_factor list|reset`: in, who lost their phone and why; out, their second factor gone, and an audit entry."""

import json
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from config.models import SecondFactor
from config.second_factor import remove, write_down
from notifications.admin.reason import ReasonForm


class Command(BaseCommand):
    help = "Who of the staff signs in with a second factor; and take it away from somebody who lost both phone and recovery codes."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="list|reset")
        listing = acts.add_parser("list", help="all active staff, and who has a second factor")
        listing.add_argument("--json", action="store_true", help="print it as JSON")
        resetting = acts.add_parser(
            "reset", help="let somebody sign in with the password alone, to set up a new one"
        )
        resetting.add_argument("username")
        resetting.add_argument(
            "--reason", required=True, help="why, and how you know that it is they; kept in the audit log"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        {"list": self._list, "reset": self._reset}[options["act"]](options)

    def _list(self, options: dict[str, Any]) -> None:
        having = dict(
            SecondFactor.objects.filter(confirmed_at__isnull=False).values_list("user_id", "confirmed_at")
        )
        staff = User.objects.filter(is_staff=True, is_active=True).order_by("username")
        rows = [{"user": user.get_username(), "since": having.get(user.pk)} for user in staff]
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2, default=lambda at: at.isoformat()))
            return
        for row in rows:
            since = f"since {row['since']:%Y-%m-%d}" if row["since"] else "none"
            self.stdout.write(f"{row['user']}  {since}")

    def _reset(self, options: dict[str, Any]) -> None:
        form = ReasonForm({"reason": options["reason"]})
        if not form.is_valid():
            raise CommandError(f"--reason: {' '.join(str(error) for error in form.errors['reason'])}")
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError("There is no user of that name: see `second_factor list`.")
        with transaction.atomic():
            if not remove(user):
                raise CommandError("This user has no second factor.")
            write_down(user, f"second factor reset by command: {form.cleaned_data['reason']}")
        self.stdout.write(
            f"{user.get_username()} signs in with the password alone, until a new one is set up."
        )
