"""The history of the jobs: one row a run. Only `jobs/ledger.py` writes here."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class JobRun(models.Model):
    """One run of one job: the blueprint's `job_runs`."""

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        SUCCESS = "success", _("Success")
        FAILED = "failed", _("Failed")
        CRASHED = "crashed", _("Crashed")

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", _("Schedule")
        COMMAND = "command", _("Command line")
        API = "api", _("API")
        ADMIN = "admin", _("Admin")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job_name = models.TextField()
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    status = models.TextField(choices=Status.choices, default=Status.RUNNING)
    error_message = models.TextField(null=True, blank=True)
    # Ours, beyond the blueprint.
    slot = models.DateTimeField(
        null=True, blank=True, help_text=_("The scheduled moment this run stands for")
    )
    moment = models.DateTimeField(help_text=_("The job's «now»"))
    trigger = models.TextField(choices=Trigger.choices)
    actor = models.TextField(blank=True, help_text=_("staff:<id> or token:<name>; empty for the clock"))
    summary = models.JSONField(default=dict, blank=True)
    duration = models.DurationField(null=True, blank=True)
    # Where it broke: the frames, without values.
    error_trace = models.TextField(blank=True, default="", db_default="")
    lease_until = models.DateTimeField(help_text=_("After this a running row counts as crashed"))

    class Meta:
        db_table = "job_runs"
        verbose_name = _("job run")
        verbose_name_plural = _("job runs")
        ordering = ["-started_at", "-id"]
        permissions = [("run_job", _("Can start jobs"))]
        indexes = [
            models.Index(fields=["job_name", "-started_at"], name="job_runs_latest"),
            models.Index(fields=["-started_at", "-id"], name="job_runs_started"),
            # The status page asks for the last success of each job, however many failures came since.
            models.Index(
                fields=["job_name", "-started_at"], condition=Q(status="success"), name="job_runs_successes"
            ),
            # The log of one job, in the order of its pages. (A wider job_runs_latest would do, and cost the status page its plan.)
            models.Index(fields=["job_name", "-started_at", "-id"], name="job_runs_log"),
            # The log of what went wrong, and of what people asked for: what is rare must not be looked for in all the rest.
            # (Not by status: the planner would take it for the failures in a row of one job, and read those of all.)
            models.Index(
                fields=["-started_at", "-id"], condition=Q(error_message__isnull=False), name="job_runs_wrong"
            ),
            models.Index(
                fields=["-started_at", "-id"], condition=~Q(trigger="schedule"), name="job_runs_by_hand"
            ),
        ]
        constraints = [
            # A crashed run leaves its slot free: whoever is handed the slot again may finish it.
            models.UniqueConstraint(
                fields=["job_name", "slot"],
                condition=Q(slot__isnull=False) & ~Q(status="crashed"),
                name="job_runs_once_a_slot",
            ),
            models.UniqueConstraint(
                fields=["job_name"], condition=Q(status="running"), name="job_runs_one_running"
            ),
            models.CheckConstraint(
                condition=Q(status="running", finished_at__isnull=True)
                | (Q(status__in=["success", "failed", "crashed"]) & Q(finished_at__isnull=False)),
                name="job_runs_finished",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["failed", "crashed"]) | Q(error_message__isnull=False),
                name="job_runs_failed_says_why",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("started_at")),
                name="job_runs_order",
            ),
            models.CheckConstraint(
                condition=Q(trigger__in=["schedule", "command", "api", "admin"]), name="job_runs_trigger"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} {timezone.localtime(self.started_at):%Y-%m-%d %H:%M}"
