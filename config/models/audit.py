"""The audit log as something that one may, or may not, read."""

from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext_lazy as _


class AuditEntry(LogEntry):
    """Django's own entries, under rights of their own. Nobody adds, changes or deletes one."""

    class Meta:
        proxy = True
        verbose_name = _("audit log entry")
        verbose_name_plural = _("audit log")
        default_permissions = ("view",)
        permissions = [("export_auditentry", _("Can export the audit log"))]
