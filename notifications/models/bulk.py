"""What people did to messages: a row an act, and a row for each message that it is about. Written by `bulk/` alone."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7


class BulkAct(models.Model):
    """One act, on one message or a million. Its id is the number that its page carried, so that it is confirmed once.

    `done` and `skipped` are kept up to date chunk by chunk: how far it is costs one row to read.
    """

    class Kind(models.TextChoices):
        REPLAY = "replay", _("Replay")
        SEND_AGAIN = "send_again", _("Send again")
        CANCEL = "cancel", _("Cancel")
        RESCHEDULE = "reschedule", _("Reschedule")
        PRIORITISE = "prioritise", _("Change priority")
        SETTLE = "settle", _("Settle an unknown outcome")
        UNDO = "undo", _("Undo")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    act = models.TextField(choices=Kind.choices)
    arguments = models.JSONField(default=dict, help_text=_("The moment, the priority, the verdict"))
    # As the list's URL has it: an address stands in it as keyed hashes (admin/find.py). Empty: the messages were ticked.
    query = models.TextField(blank=True, default="")
    reason = models.TextField()
    by = models.TextField(help_text=_("staff:ID or command"))
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    # No constraint: the undone act is forgotten first.
    undoes = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.DO_NOTHING, related_name="undone_by", db_index=False,
        db_constraint=False,
    )  # fmt: skip
    status = models.TextField(choices=Status.choices, default=Status.WAITING)
    total = models.IntegerField(null=True, blank=True, help_text=_("Empty until its messages are chosen"))
    done = models.IntegerField(default=0)
    skipped = models.JSONField(default=dict, help_text=_("How many were left alone, by reason"))
    position = models.UUIDField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.TextField(blank=True, default="")
    error = models.TextField(blank=True, default="")
    # Taken up so often without a chunk that was done since: a worker dies over it each time (bulk/work.py).
    tries = models.SmallIntegerField(default=0)
    # Without what it waited: for a worker, for its turn, or stopped.
    worked = models.FloatField(default=0, db_default=0, help_text=_("Seconds"))
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "bulk_acts"
        verbose_name = _("act")
        verbose_name_plural = _("acts")
        ordering = ["-asked_at", "-id"]
        default_permissions = ("view",)
        indexes = [
            # The list, newest first.
            models.Index(fields=["-asked_at", "-id"], name="bulk_acts_newest"),
            # What a worker takes up (bulk/work.py); few rows.
            models.Index(
                fields=["asked_at"], condition=Q(status__in=["waiting", "running"]), name="bulk_acts_waiting"
            ),
            # What is old enough to be forgotten (expire.py).
            models.Index(
                fields=["finished_at"], condition=Q(finished_at__isnull=False), name="bulk_acts_finished"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["undoes"], condition=Q(undoes__isnull=False), name="bulk_acts_undone_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    act__in=[
                        "replay", "send_again", "cancel", "reschedule", "prioritise", "settle", "undo",
                    ]
                ),
                name="bulk_acts_act",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "running", "done", "stopped", "failed"]),
                name="bulk_acts_status",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "running"], finished_at__isnull=True)
                | Q(status__in=["done", "stopped", "failed"], finished_at__isnull=False),
                name="bulk_acts_end",
            ),
            models.CheckConstraint(
                condition=Q(lease_token__isnull=True, lease_until__isnull=True)
                | Q(status="running", lease_token__isnull=False, lease_until__isnull=False),
                name="bulk_acts_lease_while_running",
            ),
            models.CheckConstraint(condition=~Q(reason="") & ~Q(by=""), name="bulk_acts_say_who_and_why"),
            models.CheckConstraint(
                condition=Q(act="undo", undoes__isnull=False) | (~Q(act="undo") & Q(undoes__isnull=True)),
                name="bulk_acts_undo_names_what",
            ),
            models.CheckConstraint(condition=~Q(status="failed") | ~Q(error=""), name="bulk_acts_failed_says_why"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_act_display()} {str(self.id)[-8:]}"

    @property
    def left_alone(self) -> int:
        return sum(self.skipped.values())

    @property
    def looked_at(self) -> int:
        return self.done + self.left_alone

    @property
    def is_over(self) -> bool:
        return self.status not in (self.Status.WAITING, self.Status.RUNNING)


class BulkActRow(models.Model):
    """One message that an act is about: chosen when it was confirmed, then done, or left alone and why.

    Ids alone, and what the row was, for an undo. No constraint ties it: it is written in sets, and a message may move on.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DONE = "done", _("Done")
        LEFT = "left", _("Left alone")

    pk = models.CompositePrimaryKey("act_id", "notification_id")
    act = models.ForeignKey(
        BulkAct, on_delete=models.DO_NOTHING, related_name="rows", db_index=False, db_constraint=False
    )
    notification_id = models.UUIDField()
    state = models.TextField(choices=State.choices, default=State.WAITING)
    why = models.TextField(blank=True, default="")
    before = models.JSONField(null=True, blank=True)

    class Meta:
        db_table = "bulk_act_rows"
        verbose_name = _("message of an act")
        verbose_name_plural = _("messages of an act")
        default_permissions = ()
        indexes = [
            # The few that were left alone among a million (the act's page).
            models.Index(
                fields=["act", "notification_id"], condition=Q(state="left"), name="bulk_act_rows_left"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "done", "left"]), name="bulk_act_rows_state"
            ),
            models.CheckConstraint(
                condition=(Q(state="left") & ~Q(why="")) | (~Q(state="left") & Q(why="")),
                name="bulk_act_rows_left_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.act_id} {self.notification_id}"
