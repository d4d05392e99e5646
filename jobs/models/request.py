"""A run that a person asked for in the back office: who, why, and what became of the wish. Only `jobs/asking.py` writes here."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class JobRequest(models.Model):
    """Waits for a worker; one a job. Its run, once there is one, has the same id."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits for a worker")
        TAKEN = "taken", _("Taken by a worker")
        REFUSED = "refused", _("Refused")
        LOST = "lost", _("No worker took it")
        DIED = "died", _("Its worker died")

    run_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    job_name = models.TextField()
    # The job's «now»; empty is the present.
    moment = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField()
    # By the worker that had it last.
    taken_at = models.DateTimeField(null=True, blank=True)
    asked_by = models.TextField()
    reason = models.TextField()
    state = models.TextField(choices=State.choices, default=State.WAITING, db_default="waiting")
    refusal = models.TextField(blank=True, default="", db_default="")

    class Meta:
        db_table = "job_requests"
        verbose_name = _("request for a run")
        verbose_name_plural = _("requests for runs")
        ordering = ["-asked_at"]
        indexes = [models.Index(fields=["job_name", "-asked_at"], name="job_requests_latest")]
        constraints = [
            # Two operators at once: one run is asked for.
            models.UniqueConstraint(
                fields=["job_name"], condition=Q(state="waiting"), name="job_requests_one_waiting"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "taken", "refused", "lost", "died"]),
                name="job_requests_state",
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(asked_by=""), name="job_requests_say_who_and_why"
            ),
            models.CheckConstraint(condition=Q(state="refused") | Q(refusal=""), name="job_requests_refusal"),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} {self.state}"
