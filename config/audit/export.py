"""The audit log as a file: in, entries; out, lines of CSV as they are read, and none that a spreadsheet takes for a formula."""

import csv
import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from config.audit.words import said
from config.models import AuditEntry

MOST = 100_000
_CHUNK = 2_000
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """What csv writes is what we yield."""

    def write(self, line: str) -> str:
        return line


def lines(rows: QuerySet[Any]) -> Iterator[str]:
    """As the reader of the page would have it: this runs after its request, when zone and language are no longer theirs."""
    return _lines(rows[:MOST], timezone.get_current_timezone(), translation.get_language() or "en")


def _lines(rows: QuerySet[Any], zone: dt.tzinfo, language: str) -> Iterator[str]:
    write = csv.writer(_Echo()).writerow
    with translation.override(language):
        head = [
            _("When"), _("Person"), _("Act"), _("Detail"), _("Type of object"), _("Id of the object"), _("Object"),
            _("Done"), _("Asked for"), _("Reason"),
        ]  # fmt: skip
        yield "\ufeff" + write(head)
    for entry in rows.select_related("user", "content_type").iterator(_CHUNK):
        with translation.override(language):
            yield write([_safe(cell) for cell in _cells(entry, zone)])


def _cells(entry: AuditEntry, zone: dt.tzinfo) -> list[Any]:
    told, about = said(entry), entry.content_type
    return [
        entry.action_time.astimezone(zone).isoformat(timespec="seconds"),
        entry.user.get_username(),
        told.kind,
        told.detail,
        f"{about.app_label}.{about.model}" if about else "",
        entry.object_id or "",
        entry.object_repr,
        "" if told.done is None else told.done,
        "" if told.asked is None else told.asked,
        told.reason,
    ]


def _safe(cell: Any) -> str:
    text = str(cell).replace("\0", "")
    return f"'{text}" if text.startswith(_FORMULA) else text
