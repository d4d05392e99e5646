"""For which moment a job is run: in, a job and a moment; out, moments that people ask for, and what the chosen one means."""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

from jobs.cron import next_slot
from jobs.status import JobStatus

# A moment so near is the present.
NEAR = dt.timedelta(minutes=1)
# A job fires this often a day at the most (each minute); more is no day's worth.
MOST_SLOTS = 1500


@dataclass(frozen=True, slots=True)
class Preset:
    """A moment with its name; `typed` is how the form's field takes it."""

    label: str
    at: dt.datetime

    @property
    def typed(self) -> str:
        return timezone.localtime(self.at).strftime("%Y-%m-%dT%H:%M")


def presets(job: JobStatus, *, now: dt.datetime) -> list[Preset]:
    """Its next run, and the last one of this day where that is another: «what will tonight's reminders send?»."""
    upcoming = next_slot(job.cron, now, tz=settings.TIME_ZONE)
    found = [Preset(_("its next run"), upcoming)]
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(
        days=1
    )
    last = upcoming
    for _slot in range(MOST_SLOTS):
        later = next_slot(job.cron, last, tz=settings.TIME_ZONE)
        if later >= midnight:
            break
        last = later
    if upcoming < last:
        found.append(Preset(_("tonight’s last run"), last))
    return found


def warnings(job: JobStatus, *, at: dt.datetime | None, now: dt.datetime) -> list[str]:
    """What a run for this moment means that its reader may not expect."""
    told = []
    if at and at > now + NEAR:
        told.append(
            _(
                "The moment lies %(time)s ahead: what would be sent then is sent now, before its time. Only what is planned for later still waits."
            )
            % {"time": timeuntil(at, now)}
        )
    if at and at < now - NEAR:
        told.append(
            _(
                "The moment lies %(time)s back: the job takes it for now, but reads the records as they are today. What is out of date is withheld."
            )
            % {"time": timesince(at, now)}
        )
    if job.pause:
        told.append(
            _("Its schedule is paused: «%s». A run by hand goes ahead all the same.") % job.pause.reason
        )
    if job.last_run and job.last_run.status == "running":
        told.append(
            _(
                "It is running right now. A second run waits for no one: it is refused while the first goes on."
            )
        )
    return told
