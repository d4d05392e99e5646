"""`manage.py service_token create|list|revoke`: in, a name; out, a token told once, the tokens there are, or one ended."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications.admin.reason import ReasonForm
from notifications.api.issuing import TokenError, issue, revoke
from notifications.api.tokens import SCOPES, names_in_environment
from notifications.models import ServiceToken

BY = "command"


class Command(BaseCommand):
    help = (
        "Give a program a token for the HTTP API, list who has one, or take one away. Only a hash is stored: the token "
        "is printed once, alone on standard output."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="create|list|revoke")
        creating = acts.add_parser("create", help="make a token and print it, once")
        creating.add_argument("name", help="whose it is, as it stands in logs: letters, digits, . _ -")
        creating.add_argument(
            "--scope", action="append", required=True, choices=SCOPES, help="what it may do; give several"
        )
        creating.add_argument(
            "--days", type=int, metavar="N", help="how long it lives (default: until revoked)"
        )
        listing = acts.add_parser("list", help="whose tokens there are, the revoked ones too")
        listing.add_argument("--json", action="store_true", help="print them as JSON")
        revoking = acts.add_parser("revoke", help="end a token, at once and in every process")
        revoking.add_argument("name")
        revoking.add_argument("--reason", required=True, help="why; kept with the token")

    def handle(self, *args: Any, **options: Any) -> None:
        {"create": self._create, "list": self._list, "revoke": self._revoke}[options["act"]](options)

    def _create(self, options: dict[str, Any]) -> None:
        try:
            issued = issue(
                name=options["name"],
                scopes=options["scope"],
                by=BY,
                now=timezone.now(),
                days=options["days"],
            )
        except TokenError as error:
            raise CommandError(f"{error.field}: {error}") from None
        self.stdout.write(issued.token)
        self.stderr.write(f"Keep it now: it cannot be shown again. {_line(issued.row)}")

    def _list(self, options: dict[str, Any]) -> None:
        rows = list(ServiceToken.objects.all())
        if options["json"]:
            self.stdout.write(json.dumps([_as_dict(row) for row in rows], indent=2))
            return
        for row in rows:
            self.stdout.write(_line(row))
        for name in sorted(names_in_environment()):
            self.stdout.write(f"{name}  in SERVICE_TOKENS: end it by taking it out there")

    def _revoke(self, options: dict[str, Any]) -> None:
        form = ReasonForm({"reason": options["reason"]})
        if not form.is_valid():
            raise CommandError(f"--reason: {' '.join(str(error) for error in form.errors['reason'])}")
        name = options["name"]
        row = revoke(name, by=BY, reason=form.cleaned_data["reason"], now=timezone.now())
        if row is None and name in names_in_environment():
            raise CommandError(
                f"{name} stands in SERVICE_TOKENS: take it out there and restart the web server."
            )
        if row is None:
            raise CommandError(f"There is no token {name} that is not revoked: see `service_token list`.")
        self.stdout.write(f"{row.name} is revoked.")


def _line(row: ServiceToken) -> str:
    state = "alive"
    if row.revoked_at:
        state = f"revoked {row.revoked_at:%Y-%m-%d} by {row.revoked_by}: {row.revoke_reason}"
    elif row.expires_at:
        state = f"{'expired' if row.expires_at <= timezone.now() else 'until'} {row.expires_at:%Y-%m-%d}"
    used = f"{row.last_used_at:%Y-%m-%d %H:00} UTC" if row.last_used_at else "never"
    return f"{row.name}  {'+'.join(row.scopes)}  {state}  last used: {used}"


def _as_dict(row: ServiceToken) -> dict[str, Any]:
    moments = ("created_at", "expires_at", "last_used_at", "revoked_at")
    return {
        "id": str(row.pk),
        "name": row.name,
        "scopes": row.scopes,
        "created_by": row.created_by,
        "revoked_by": row.revoked_by,
        "revoke_reason": row.revoke_reason,
        **{name: value.isoformat() if (value := getattr(row, name)) else None for name in moments},
    }
