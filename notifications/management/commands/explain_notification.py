"""`manage.py explain_notification ID`: why was this message sent, or not?"""

import dataclasses
import json
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from notifications.history import find
from notifications.story import in_english
from notifications.why import why


class Command(BaseCommand):
    help = (
        "Tell the story of one notification, from the request to the provider's last word; with --json also what each "
        "decision of the gates rests on: the rule, the consent event with its wording, the suppression."
    )

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
        row = find(wanted)
        if row is None:
            raise CommandError(
                f"There is no notification {wanted}, nor was there one that the history remembers."
            )
        answers = why(row)
        events = in_english(row, answers)
        if options["json"]:
            data = [{"at": e.at.isoformat(), "kind": e.kind, "text": e.text} for e in events]
            told = {
                "id": str(row.pk),
                "status": row.status,
                "in_history": row.kept is not None,
                "feedback": row.feedback,
                "feedback_at": row.feedback_at,
                "decisions": [dataclasses.asdict(answer) for answer in answers],
                "story": data,
            }
            self.stdout.write(json.dumps(told, indent=2, cls=DjangoJSONEncoder))
            return
        self.stdout.write(f"Notification {row.pk}: {row.status}{f', {row.feedback}' if row.feedback else ''}")
        for event in events:
            self.stdout.write(f"  {timezone.localtime(event.at).isoformat(timespec='seconds')}  {event.text}")
