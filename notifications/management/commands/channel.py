"""`manage.py channel pause|resume|show`: in, a channel and a reason; out, its state changed, or shown."""

import datetime as dt
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from consent.models import Channel
from notifications.channel_state import Standing, pause, resume, states
from notifications.management.acting import checked_reason

BY = "command"


class Command(BaseCommand):
    help = (
        "Stop and start sending on a channel, or show what stands against it. A paused channel's messages wait in the "
        "queue and burn no attempt; those that expire meanwhile are withheld."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="pause|resume|show")
        pausing = acts.add_parser("pause", help="send nothing until a moment, or until somebody resumes it")
        resuming = acts.add_parser("resume", help="send again now: ends every stop and closes the breaker")
        showing = acts.add_parser("show", help="what stands against sending, on one channel or all")
        for act in (pausing, resuming):
            act.add_argument("channel", choices=Channel.values)
            act.add_argument("--reason", required=True, help="why; kept in the channel's history")
        pausing.add_argument(
            "--until",
            metavar="ISO",
            help="such as 2026-11-22T18:00-04:00; without an offset in TIME_ZONE (default: until somebody resumes it)",
        )
        showing.add_argument("channel", nargs="?", choices=Channel.values, help="(default: all)")
        for act in (pausing, resuming, showing):
            act.add_argument("--json", action="store_true", help="print the state as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        channel = options["channel"]
        if options["act"] == "pause":
            pause(channel, until=_moment(options["until"]), reason=checked_reason(options["reason"]), by=BY)
        elif options["act"] == "resume" and not resume(
            channel, by=BY, reason=checked_reason(options["reason"])
        ):
            self.stderr.write(f"{channel} was open already.")
        found = states([channel] if channel else [])
        if options["json"]:
            self.stdout.write(json.dumps([_as_dict(standing) for standing in found], indent=2))
            return
        for standing in found:
            self.stdout.write("\n".join(_lines(standing)))


def _moment(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"--until “{text}” is no moment: write it as 2026-11-22T18:00 or with an offset.")
    moment = moment if moment.tzinfo else timezone.make_aware(moment)
    if moment <= timezone.now():
        raise CommandError(f"--until “{text}” is in the past.")
    return moment


def _lines(standing: Standing) -> list[str]:
    rate = f", at most {standing.rate}" if standing.rate else ""
    faults = f", {standing.faults} faults in a row" if standing.faults else ""
    head = "stopped" if standing.stops else "open"
    lines = [f"{standing.channel:<6} {head}, breaker {standing.breaker}{faults}{rate}"]
    for stop in standing.stops:
        end = timezone.localtime(stop.until).isoformat(timespec="seconds") if stop.until else "resumed"
        lines.append(f"  {stop.kind} until {end} by {stop.by}: {stop.reason}")
    return lines


def _as_dict(standing: Standing) -> dict[str, Any]:
    return {
        "channel": standing.channel,
        "open": not standing.stops,
        "stops": [
            {
                "kind": stop.kind,
                "until": stop.until.isoformat() if stop.until else None,
                "by": stop.by,
                "reason": stop.reason,
            }
            for stop in standing.stops
        ],
        "breaker": standing.breaker,
        "faults": standing.faults,
        "rate": standing.rate,
    }
