"""`manage.py explain_notification ID`: why was this message sent, or not?"""

import json
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications.models import Notification
from notifications.story import story


class Command(BaseCommand):
    help = "Tell the story of one notification, from the request to the provider's last word."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the notification's id (a uuid)")
        parser.add_argument("--json", action="store_true", help="print the story as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            wanted = uuid.UUID(options["id"])
        except ValueError:
            raise CommandError(
                f"“{options['id']}” is no notification id: it looks like {uuid.UUID(int=0)}."
            ) from None
        row = Notification.objects.select_related("template").filter(pk=wanted).first()
        if row is None:
            raise CommandError(f"There is no notification {wanted}.")
        events = story(row)
        if options["json"]:
            data = [{"at": e.at.isoformat(), "kind": e.kind, "text": e.text} for e in events]
            self.stdout.write(json.dumps({"id": str(row.pk), "status": row.status, "story": data}, indent=2))
            return
        self.stdout.write(f"Notification {row.pk}: {row.status}")
        for event in events:
            self.stdout.write(f"  {timezone.localtime(event.at).isoformat(timespec='seconds')}  {event.text}")
