"""django-q2's tables: in, its own admin pages; out, the two that an operator needs, read-only.

Its pages re-run finished tasks without asking, and saving a stale form of a schedule fires it again.
"""

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from consent.admin_base import ReadOnlyAdmin
from notifications.masking import redact


class ScheduleAdmin(ReadOnlyAdmin[Model]):
    """The clock. `manage.py sync_schedules` writes it."""

    nothing_yet = _("Nothing is scheduled: run manage.py sync_schedules, or no job will start by itself.")
    list_display = ("name", "cron", "next_run", "cluster", "func")
    list_filter = ("cluster",)
    fields = (
        "name",
        "cron",
        "next_run",
        "cluster",
        "func",
        "args",
        "kwargs",
        "intended_date_kwarg",
        "repeats",
        "task",
    )


class FailureAdmin(ReadOnlyAdmin[Model]):
    """Tasks that ended by an exception outside a job, by a time-out, or with their worker."""

    nothing_yet = _("No task of a worker has failed outside of a job. Failed runs are listed with the runs.")
    list_display = ("name", "func", "group", "cluster", "started", "stopped", "attempt_count")
    list_filter = ("cluster",)
    fields = ("name", "func", "group", "cluster", "started", "stopped", "attempt_count", "what")
    readonly_fields = ("what",)

    @admin.display(description=_("What happened"))
    def what(self, task: Model) -> str:
        result = getattr(task, "result", None)
        return Truncator(redact(str(result or ""))).chars(500)


def _take_over(site: admin.AdminSite) -> None:
    """By the models' names: only `schedules.py` and `tasks.py` import django-q2."""
    for name in ("Schedule", "Failure", "Success", "OrmQ"):
        model = apps.get_model("django_q", name)
        if site.is_registered(model):
            site.unregister(model)
    site.register(apps.get_model("django_q", "Schedule"), ScheduleAdmin)
    site.register(apps.get_model("django_q", "Failure"), FailureAdmin)


_take_over(admin.site)
